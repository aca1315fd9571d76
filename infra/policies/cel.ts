/**
 * Conditions in CEL, the language of Kubernetes' admission policies: what `condition.ts` does where every value is known. Expressions
 * read `object`, and for what makes pods the variables `pod` and `containers`.
 */
import type { Condition } from "./condition.ts";
import { podPath } from "./subject.ts";

type Demand = { readonly absent: boolean; readonly cel: (value: string) => string };

/** An expression that is true for objects for which the condition holds. Throws a `TypeError` where the condition has no CEL. */
export function toCel({ path, absent, cel, where }: Condition): string {
  if (cel === undefined) throw new TypeError(`expected the condition on ${path} to have cel`);
  const demand = ofAll(path, { absent, cel });
  if (where === undefined) return demand;
  const equals = (value: string) => `${value} == ${JSON.stringify(where.equals)}`;
  return `!(${ofAll(where.path, { absent: false, cel: equals })}) || ${demand}`;
}

/** The variables for objects of these types, as `subject.ts` adds `$pod` and its `$containers` to inputs. */
export function podVariables(types: readonly string[]) {
  const pods = types.map((type) => ({ kind: type.split(":").at(-1)!, pod: `object.${podPath(type)}` }));
  const { pod: usual } = pods[0]!;
  const others = pods.filter(({ pod }) => pod !== usual);
  const pod = others.reduce((rest, other) => `object.kind == "${other.kind}" ? ${other.pod} : ${rest}`, usual);
  const containers = "variables.pod.?initContainers.orValue([]) + variables.pod.containers";
  return [
    { name: "pod", expression: pod },
    { name: "containers", expression: containers },
  ];
}

/** The demand on all values at a path, as `valuesAt` finds them. */
function ofAll(path: string, demand: Demand): string {
  if (path === "$type") return demand.cel("object.kind");
  if (!path.startsWith("$pod.")) return below("object", `.${path}`, demand);
  const containers = "$pod.$containers";
  return path.startsWith(containers)
    ? below("variables.containers", path.slice(containers.length), demand)
    : below("variables.pod", path.slice("$pod".length), demand);
}

/** `path` goes on from a value: `.a.b` for what lies in it, `[].a` for each element. */
function below(value: string, path: string, demand: Demand, depth = 1): string {
  const next = `v${depth}`;
  const brackets = path.indexOf("[]");
  if (brackets < 0) return `${value}${select(path)}.optMap(${next}, ${demand.cel(next)}).orValue(${demand.absent})`;
  const list = brackets === 0 ? value : `${value}${select(path.slice(0, brackets))}.orValue([])`;
  const rest = path.slice(brackets + "[]".length);
  const all = `${list}.all(${next}, ${rest === "" ? demand.cel(next) : below(next, rest, demand, depth + 1)})`;
  // An empty list counts as absent.
  return demand.absent ? all : `${list}.size() > 0 && ${all}`;
}

/** `.a.b-c` as `.?a[?"b-c"]`: absent where any part is. */
function select(path: string): string {
  const names = path.split(".").slice(1);
  return names.map((name) => (/^[A-Za-z_]\w*$/.test(name) ? `.?${name}` : `[?${JSON.stringify(name)}]`)).join("");
}
