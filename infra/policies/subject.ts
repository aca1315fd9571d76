/** What conditions read besides the inputs of a resource. */
import { isList, unknown, type Value, type Values, valuesAt } from "./value.ts";

/**
 * The inputs, with `$inputs` for all of them, `$type`, `$options.protect` as the program gave it, and for what runs pods `$pod`: their specification, wherever
 * a kind keeps it.
 */
export function subjectOf(type: string, inputs: Values, protect: boolean): Values {
  const pod = type.startsWith("kubernetes:") ? podOf(type, inputs) : undefined;
  return {
    ...inputs,
    $inputs: inputs,
    $type: type,
    $options: { protect },
    ...(pod === undefined ? {} : { $pod: pod }),
  };
}

/** Where a kind keeps the specification of its pods. */
export function podPath(type: string): string {
  return type === "kubernetes:batch/v1:CronJob" ? "spec.jobTemplate.spec.template.spec" : "spec.template.spec";
}

function podOf(type: string, inputs: Values): Value {
  const [pod] = valuesAt(inputs, podPath(type));
  return pod === undefined || pod === unknown ? pod : { ...(pod as Values), $containers: containersOf(pod as Values) };
}

/** Those that start before the others have to hold to the same. */
function containersOf(pod: Values): Value {
  const { initContainers = [], containers = [] } = pod;
  return isList(initContainers) && isList(containers) ? [...initContainers, ...containers] : unknown;
}
