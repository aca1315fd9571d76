/** Pulumi's resource monitor, answering from the facts of the providers and noting all that the program asks for. */
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import resource from "@pulumi/pulumi/proto/resource_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { TypeFacts } from "../providers/facts.ts";
import { callOf, factsOf, fileOf, type Tables } from "../providers/index.ts";
import type { Plan, PlannedResource } from "../resource.ts";
import { type Answer, answer } from "./answer.ts";
import { stackReferenceType } from "./stack-reference.ts";
import { stackType, urnOf } from "./urn.ts";
import { decodeAll, encode, revealAll, type Values } from "./values.ts";

type Struct = InstanceType<typeof struct.Struct>;

export type MonitorOptions = {
  readonly project: string;
  readonly stack: string;
  readonly mode: Plan["mode"];
  readonly tables: Tables;
  /** What a StackReference to this name reads; throws where nothing can be read. */
  readonly readStack: (name: string) => Values;
  /** Hears of each resource when the program asks for it. */
  readonly onResource?: ((resource: PlannedResource) => void) | undefined;
};

export class Monitor {
  readonly resources: PlannedResource[] = [];
  /** What kept the engine from answering as a cloud would; any of them makes the plan worthless. */
  readonly problems = new Set<string>();
  /** Of the stack. */
  outputs: Values = {};
  readonly #options: MonitorOptions;
  readonly #urns = new Set<string>();

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  async register(request: RegisterResourceRequest) {
    const inputs = valuesOf(request.getObject());
    const [type, name] = [request.getType(), request.getName()];
    // A component of the program answers for itself; one of a provider (`remote`) has facts as a resource has.
    const custom = request.getCustom() || request.getRemote();
    const urn = this.#add({
      ...identity(request),
      custom,
      external: false,
      inputs,
      propertyDependencies: dependenciesOf(request),
      protect: request.getProtect() ?? false,
      retainOnDelete: request.getRetainondelete() ?? false,
      ignoreChanges: request.getIgnorechangesList(),
      replaceOnChanges: request.getReplaceonchangesList(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
    });
    const response = new resource.RegisterResourceResponse();
    response.setUrn(urn);
    if (custom) {
      const { id, state } = await this.#answer(type, inputs, name);
      response.setId(id);
      response.setObject(structOf(state));
    }
    return response;
  }

  async read(request: InstanceType<typeof resource.ReadResourceRequest>) {
    const [type, id] = [request.getType(), request.getId()];
    const inputs = { ...valuesOf(request.getProperties()), id };
    const urn = this.#add({
      ...identity(request),
      custom: true,
      external: true,
      inputs,
      propertyDependencies: {},
      protect: false,
      retainOnDelete: false,
      ignoreChanges: [],
      replaceOnChanges: [],
      deleteBeforeReplace: false,
    });
    const response = new resource.ReadResourceResponse();
    response.setUrn(urn);
    response.setProperties(
      structOf(
        type === stackReferenceType
          ? this.#attempt({}, () => this.#options.readStack(id))
          : // What is only read exists already, in a preview too.
            (await this.#answer(type, inputs, request.getName(), "up")).state,
      ),
    );
    return response;
  }

  async invoke(request: InstanceType<typeof resource.ResourceInvokeRequest>) {
    const token = request.getTok();
    const call = await callOf(this.#options.tables, token);
    const args = revealAll(valuesOf(request.getArgs()));
    const result = call === null ? this.#unheardOf("call", token) : this.#attempt({}, () => call(args), token);
    const response = new resource.ResourceInvokeResponse();
    response.setReturn(structOf(result));
    return response;
  }

  /** Only the stack's outputs say something that the resources do not. */
  registerOutputs(request: InstanceType<typeof resource.RegisterResourceOutputsRequest>): void {
    if (request.getUrn() === this.resources[0]?.urn) this.outputs = valuesOf(request.getOutputs());
  }

  #add(planned: Omit<PlannedResource, "urn">): string {
    const { project, stack } = this.#options;
    const urn = urnOf(stack, project, planned.parent ?? "", planned.type, planned.name);
    if (this.#urns.has(urn)) this.problems.add(`two resources have the URN ${urn}: give one of them another name`);
    this.#urns.add(urn);
    const resource = { urn, ...planned };
    this.resources.push(resource);
    this.#options.onResource?.(resource);
    return urn;
  }

  async #answer(type: string, inputs: Values, name: string, mode = this.#options.mode): Promise<Answer> {
    const facts = (await factsOf(this.#options.tables, type)) ?? this.#unheardOf("type", type);
    return this.#attempt({ id: "", state: inputs }, () => answer(mode, facts, inputs, name), type);
  }

  #unheardOf(kind: "type", token: string): TypeFacts;
  #unheardOf(kind: "call", token: string): Values;
  #unheardOf(kind: "type" | "call", token: string): TypeFacts | Values {
    this.problems.add(`nothing is known of the ${kind} ${token}: add it to ${fileOf(token)}`);
    return kind === "type" ? { replacedBy: [], tags: null } : {};
  }

  #attempt<Result>(otherwise: Result, make: () => Result, token?: string): Result {
    try {
      return make();
    } catch (error) {
      const { message } = error as Error;
      this.problems.add(token === undefined ? message : `the facts of ${token} in ${fileOf(token)} fail: ${message}`);
      return otherwise;
    }
  }
}

type Request = RegisterResourceRequest | InstanceType<typeof resource.ReadResourceRequest>;

function identity(request: Request): Pick<PlannedResource, "type" | "name" | "parent" | "dependencies" | "provider"> {
  return {
    type: request.getType(),
    name: request.getName(),
    parent: request.getType() === stackType ? null : request.getParent(),
    dependencies: request.getDependenciesList().sort(),
    // It comes as URN::ID; the id says nothing in a plan.
    provider: request.getProvider().replace(/::[^:]*$/, ""),
  };
}

function dependenciesOf(request: RegisterResourceRequest): Record<string, string[]> {
  const all: [string, string[]][] = [];
  request.getPropertydependenciesMap().forEach((urns, property) => {
    if (urns.getUrnsList().length > 0) all.push([property, urns.getUrnsList().sort()]);
  });
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function valuesOf(from: Struct | undefined): Values {
  return from === undefined ? {} : decodeAll(from.toJavaScript());
}

function structOf(values: Values): Struct {
  return struct.Struct.fromJavaScript(encode(values) as Parameters<typeof struct.Struct.fromJavaScript>[0]);
}
