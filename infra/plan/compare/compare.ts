/** What becomes of the resources of an earlier plan, by the rules of Pulumi's engine and the facts of the providers. */
import type { TypeFacts } from "../providers/facts.ts";
import { factsOf, type Tables } from "../providers/index.ts";
import { type Plan, type PlannedResource, Unknown, type Value } from "../resource.ts";
import { type Difference, differences, matches, pathText, unknowns } from "./paths.ts";

export type ChangedProperty = {
  readonly path: string;
  /** Undefined where there is none. */
  readonly before: Value | undefined;
  readonly after: Value | undefined;
  /** The change of this property cannot be made in place. */
  readonly replaces: boolean;
};

export type Change = {
  readonly kind: "create" | "update" | "replace" | "delete";
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Names of the components that it is in, the outermost first. */
  readonly within: readonly string[];
  readonly properties: readonly ChangedProperty[];
  /** URNs of replaced resources whose new ids it takes over. */
  readonly follows: readonly string[];
  /** Pulumi refuses to delete or replace it. */
  readonly protect: boolean;
  /** It holds data that is lost when it goes. */
  readonly stateful: boolean;
  /** When it goes from the plan, it stays in the cloud. */
  readonly retained: boolean;
};

export type Comparison = {
  readonly stack: string;
  readonly changes: readonly Change[];
  readonly unchanged: number;
};

/** Compares two plans of one stack, resource by URN. Changes are in the order of the plan, what goes comes last. */
export async function compare(earlier: Plan, now: Plan, tables: Tables): Promise<Comparison> {
  const before = realResources(earlier);
  const after = realResources(now);
  const facts = await factsOfAll([...before.values(), ...after.values()], tables);
  const componentsOf = new Map([...earlier.resources, ...now.resources].map((resource) => [resource.urn, resource]));
  const judged = new Map<string, Judgement>();

  // What a resource depends on is judged first: what replaces one may replace the other.
  const judge = (resource: PlannedResource): Judgement => {
    const known = judged.get(resource.urn);
    if (known !== undefined) return known;
    const replaced = [...resource.dependencies, resource.provider].filter((urn) => {
      const dependency = after.get(urn);
      return dependency !== undefined && judge(dependency).kind === "replace";
    });
    const judgement = judgeOne(
      before.get(resource.urn),
      resource,
      replacing(facts.get(resource.type), resource),
      replaced,
    );
    judged.set(resource.urn, judgement);
    return judgement;
  };

  const describe = (resource: PlannedResource, { kind, properties, follows }: Verdict): Change => ({
    kind,
    urn: resource.urn,
    type: resource.type,
    name: resource.name,
    within: ancestors(resource, componentsOf),
    properties: properties.map(({ path, ...property }) => ({ path: pathText(path), ...property })),
    follows,
    protect: before.get(resource.urn)?.protect ?? false,
    stateful: facts.get(resource.type)?.stateful ?? false,
    retained: before.get(resource.urn)?.retainOnDelete ?? false,
  });
  const changed = [...after.values()].flatMap((resource) => {
    const { kind, ...judgement } = judge(resource);
    return kind === "same" ? [] : [describe(resource, { kind, ...judgement })];
  });
  const gone = [...before.values()].filter(({ urn }) => !after.has(urn));
  const deleted = gone.map((resource) => describe(resource, { kind: "delete", properties: [], follows: [] }));
  return { stack: now.stack, changes: [...changed, ...deleted], unchanged: after.size - changed.length };
}

type Verdict = {
  readonly kind: Change["kind"];
  readonly properties: readonly (Difference & { readonly replaces: boolean })[];
  readonly follows: readonly string[];
};
type Judgement = Omit<Verdict, "kind"> & { readonly kind: Change["kind"] | "same" };

/** The inputs whose change replaces a resource. */
function replacing(facts: TypeFacts | null | undefined, { inputs }: PlannedResource): readonly string[] {
  if (!facts) return [];
  const { identifiedBy, replacedBy } = facts;
  return identifiedBy !== undefined && inputs[identifiedBy] !== undefined ? [identifiedBy] : replacedBy;
}

/** `replaced`: which of the resources that it depends on are replaced. */
function judgeOne(
  before: PlannedResource | undefined,
  after: PlannedResource,
  replacedBy: readonly string[],
  replaced: readonly string[],
): Judgement {
  if (before === undefined) return { kind: "create", properties: [], follows: [] };
  const follows = replaced.filter((urn) => urn === after.provider || isFollowed(after, urn));
  const patterns = [...replacedBy, ...after.replaceOnChanges];
  const properties = [...differences(before.inputs, after.inputs), ...newUnknowns(before, after, follows)]
    .filter(({ path }) => !after.ignoreChanges.some((pattern) => matches(pattern, path)))
    .map((difference) => ({ ...difference, replaces: patterns.some((pattern) => matches(pattern, difference.path)) }));
  // Nothing that one provider made can be managed by another.
  const replaces = follows.includes(after.provider) || properties.some((property) => property.replaces);
  const kind = replaces ? "replace" : properties.length > 0 ? "update" : "same";
  return { kind, properties, follows: kind === "same" ? [] : follows };
}

/** True where an input is unknown because of that resource. */
function isFollowed({ inputs, propertyDependencies }: PlannedResource, urn: string): boolean {
  return Object.entries(propertyDependencies).some(
    ([property, urns]) => urns.includes(urn) && unknowns(inputs[property], []).length > 0,
  );
}

/** Inputs that are unknown in both plans, but come from another resource now, or from one that is replaced. */
function newUnknowns(before: PlannedResource, after: PlannedResource, replaced: readonly string[]): Difference[] {
  return Object.entries(after.propertyDependencies).flatMap(([property, urns]) => {
    const [was, is] = [before.inputs[property], after.inputs[property]];
    if (differences(was, is).length > 0) return [];
    const sources = before.propertyDependencies[property] ?? [];
    const isNew = urns.join() !== sources.join() || urns.some((urn) => replaced.includes(urn));
    if (!isNew) return [];
    return unknowns(is, [property]).map((path) => ({ path, before: Unknown.value, after: Unknown.value }));
  });
}

/** Those that exist in a cloud, by URN. */
function realResources({ resources }: Plan): Map<string, PlannedResource> {
  const real = resources.filter(({ custom, external }) => custom && !external);
  return new Map(real.map((resource) => [resource.urn, resource]));
}

async function factsOfAll(
  resources: readonly PlannedResource[],
  tables: Tables,
): Promise<Map<string, TypeFacts | null>> {
  const types = new Set(resources.map(({ type }) => type));
  return new Map(await Promise.all([...types].map(async (type) => [type, await factsOf(tables, type)] as const)));
}

/** Names of what a resource lies in, the outermost first, without the stack. */
function ancestors({ parent }: PlannedResource, resources: ReadonlyMap<string, PlannedResource>): string[] {
  const above = parent === null ? undefined : resources.get(parent);
  return above === undefined || above.parent === null ? [] : [...ancestors(above, resources), above.name];
}
