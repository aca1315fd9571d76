/** CPUs and memory that the pods of a plan ask for under a load. */
import { isObject } from "../engine/values.ts";
import type { PlannedResource, Value } from "../resource.ts";
import { at, listAt, numberAt, textAt } from "./inputs.ts";
import { hours, type Traffic } from "./traffic.ts";

/** Requests a second that a CPU answers; the sizes of the profiles reckon with as many (`config/shared.ts`). */
const requestsPerCpu = 833;
/** Hints a second that a process sends at most: one each ten milliseconds (docs/decisions/0019). */
const hintsPerProcess = 100;
/** Share of its CPU at which a pod gets company: the target of the autoscaler. */
const target = 0.6;

export type Pods = {
  readonly cpus: number;
  readonly gib: number;
  /** Of the API, which are spread over zones. */
  readonly api: number;
};

export function podsOf(resources: readonly PlannedResource[], traffic: Traffic): Pods {
  const scalers = resources.filter(({ type }) => /:(HorizontalPodAutoscaler|ScaledObject)$/.test(type));
  let [cpus, gib, api] = [0, 0, 0];
  for (const resource of resources) {
    if (resource.type === "kubernetes:apps/v1:Deployment") {
      const name = textAt(resource, "metadata.name");
      const size = requested(listAt(resource, "spec.template.spec.containers"));
      const load = name === "api" ? traffic.requests : traffic.stored;
      const count = replicas(resource, scalers, load / requestsPerCpu / target / Math.max(size.cpus, 0.1));
      if (name === "api") api = count;
      cpus += count * size.cpus;
      gib += count * size.gib;
    }
    if (resource.type === "kubernetes:helm.sh/v3:Release") {
      const [, copies = 1] = /"replicaCount":(\d+)/.exec(JSON.stringify(resource.inputs.values ?? {})) ?? [];
      const size = requested([resource.inputs.values ?? null]);
      cpus += Number(copies) * size.cpus;
      gib += Number(copies) * size.gib;
    }
  }
  return { cpus, gib, api };
}

/** As many as the load needs, within what the scaler allows. */
function replicas(deployment: PlannedResource, scalers: readonly PlannedResource[], needed: number): number {
  const name = textAt(deployment, "metadata.name");
  const scaler = scalers.find((one) => textAt(one, "spec.scaleTargetRef.name") === name);
  const fixed = numberAt(deployment, "spec.replicas", 1);
  if (scaler === undefined) return fixed;
  const [min, max] = ["min", "max"].map((bound) =>
    numberAt(scaler, `spec.${bound}Replicas`, numberAt(scaler, `spec.${bound}ReplicaCount`, fixed)),
  ) as [number, number];
  return Math.min(max, Math.max(min, Math.ceil(needed)));
}

/** The sum of all `requests` below a value. */
function requested(value: Value): { cpus: number; gib: number } {
  if (Array.isArray(value)) return sum(value.map(requested));
  if (!isObject(value)) return { cpus: 0, gib: 0 };
  const own = at({ inputs: value }, "requests");
  const below = sum(Object.values(value).map(requested));
  if (!isObject(own)) return below;
  return sum([below, { cpus: cpusOf(own.cpu), gib: gibOf(own.memory) }]);
}

function sum(sizes: readonly { cpus: number; gib: number }[]) {
  return sizes.reduce((a, b) => ({ cpus: a.cpus + b.cpus, gib: a.gib + b.gib }), { cpus: 0, gib: 0 });
}

function cpusOf(text: Value | undefined): number {
  if (typeof text !== "string") return 0;
  return text.endsWith("m") ? Number.parseFloat(text) / 1000 : Number.parseFloat(text);
}

function gibOf(text: Value | undefined): number {
  if (typeof text !== "string") return 0;
  return Number.parseFloat(text) / (text.endsWith("Mi") ? 1024 : 1);
}

/** Hints in a month: one for each write, as long as no process has more of them than it sends. */
export function hintsOf({ api }: Pods, { writesTaken }: Traffic): number {
  return Math.min(writesTaken, api * hintsPerProcess * hours * 3600);
}
