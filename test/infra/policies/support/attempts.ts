/** Objects that rules are asked of at admission: each right but for one value, made of the rules' own conditions. */
import { typesAtAdmission } from "../../../../infra/policies/admission.ts";
import { type Condition, problemOf } from "../../../../infra/policies/condition.ts";
import type { ResourceRule } from "../../../../infra/policies/rule.ts";
import { subjectOf } from "../../../../infra/policies/subject.ts";
import { isMap, type Value, type Values, withValue } from "../../../../infra/policies/value.ts";
import type { KubernetesObject } from "../../../support/kubernetes.ts";
import { inputsOf } from "./cases.ts";
import { rightObjects } from "./objects.ts";

export type Attempt = {
  /** Such as `Deployment, spec.replicas absent`. */
  readonly name: string;
  readonly condition: Condition;
  readonly object: KubernetesObject;
  /** What the pack says of it. */
  readonly wrong: boolean;
};

/** In `namespace`; one that is a namespace has the name `itself`, the others names of their own but where a rule asks for one. */
export function attemptsOf(rule: ResourceRule, namespace: string, itself: string): readonly Attempt[] {
  return typesAtAdmission(rule).flatMap((type, ofType) =>
    rule.conditions.flatMap((condition, ofCondition) =>
      valuesOf(condition).map(([what, value], index) => {
        const isNamespace = type.endsWith(":Namespace");
        const name = isNamespace ? itself : `${rule.name}-${ofType}-${ofCondition}-${index}`;
        const inputs = withOne(type, condition, value, name);
        return {
          name: `${type.split(":").at(-1)}, ${condition.path} ${what}`,
          condition,
          object: objectOf(type, inputs, isNamespace ? {} : { namespace }),
          wrong: rule.conditions.some((one) => problemOf(one, subjectOf(type, inputs, false)) !== null),
        };
      }),
    ),
  );
}

/** A right object, as it is. */
export function rightObject(type: string, metadata: Values): KubernetesObject {
  return objectOf(type, rightObjects[type]!, metadata);
}

/** What no object is without: its name, and what its definition fills in. */
const never = ["metadata.name", "spec.target.deletionPolicy"];

/** Without texts that stand for some other value: Kubernetes may want a number there, and then does not say whose it is. */
function valuesOf({ path, right, wrong }: Condition): readonly (readonly [string, Value])[] {
  const all: readonly Value[] = [right, ...wrong];
  const attempts = all
    .filter((value) => value !== undefined && !standIn.test(String(value)))
    .map((value): [string, Value] => [JSON.stringify(value), value]);
  return never.includes(path) ? attempts : [...attempts, ["absent", undefined]];
}

const standIn = /^(not-.*|something|)$/;

/** What Kubernetes wants beside a value, before it asks any policy. */
const beside: Readonly<Record<string, { readonly path: string; readonly value: Value }>> = {
  "$pod.$containers[].securityContext.privileged": {
    path: "$pod.$containers[].securityContext.allowPrivilegeEscalation",
    value: true,
  },
  "spec.loadBalancerSourceRanges[]": { path: "spec.type", value: "LoadBalancer" },
};

function withOne(type: string, { path, where }: Condition, value: Value, name: string): Values {
  const right = { ...rightObjects[type]!, metadata: { ...(rightObjects[type]!.metadata as Values), name } };
  const subject = subjectOf(type, right, false);
  const { $pod, ...rest } = subject;
  const { containers: _, ...pod } = isMap($pod) ? $pod : {};
  // One of the two says what the containers are.
  const start = path.startsWith("$pod.$containers") ? { ...rest, $pod: pod } : subject;
  const needed = [where && { path: where.path, value: where.equals }, value === undefined ? undefined : beside[path]];
  const made = needed.reduce<Values>((values, one) => (one ? withValue(values, one.path, one.value) : values), start);
  const { $inputs: __, ...whole } = path === "$type" ? made : withValue(made, path, value);
  // Takes out what is undefined.
  return JSON.parse(JSON.stringify(inputsOf(type, whole))) as Values;
}

function objectOf(type: string, inputs: Values, metadata: Values): KubernetesObject {
  const [, apiVersion = "", kind = ""] = type.split(":");
  const own = (inputs.metadata ?? {}) as Values;
  return {
    ...inputs,
    apiVersion: apiVersion.replace(/^core\//, ""),
    kind,
    metadata: { ...own, ...metadata },
  } as unknown as KubernetesObject;
}
