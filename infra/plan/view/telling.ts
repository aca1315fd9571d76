/** What to say of a resource beside its name: the few inputs by which people tell one from another. */

import { isObject } from "../engine/values.ts";
import type { PlannedResource, Value } from "../resource.ts";
import { shortValue } from "./short.ts";

// In the order of what says most: sizes and ranges before all else. No regions, of which most have the same.
const telling = [
  "cidrBlock",
  "ipCidrRange",
  "addressPrefix",
  "addressSpace.addressPrefixes",
  "instanceClass",
  "instanceType",
  "nodeType",
  "hostInstanceType",
  "settings.tier",
  "sku.name",
  "sku",
  "vmSize",
  "machineType",
  "serverlessv2ScalingConfiguration.minCapacity",
  "serverlessv2ScalingConfiguration.maxCapacity",
  "numNodeGroups",
  "replicasPerNodeGroup",
  "engineVersion",
  "databaseVersion",
  "version",
  "destinationCidrBlock",
  "metricName",
  "retentionInDays",
  "spec.replicas",
  "spec.minReplicas",
  "spec.maxReplicas",
  "spec.schedule",
  "spec.type",
  "replicas",
  "content",
  "type",
  "availabilityZone",
  "zone",
  "service",
  "role",
  "member",
  "policyArn",
  "steeringPolicy",
  "interval",
  "phase",
  "hostname",
  "length",
];

/** At most three, those that are known. Texts speak for themselves, numbers need their names. */
export function tellingInputs({ inputs, external, name }: PlannedResource): string {
  if (external) return inputs.id === name ? "" : shortValue(inputs.id);
  const found = telling.map((path) => [path.split(".").at(-1)!, at(inputs, path)] as const);
  return found
    .filter(([, value]) => isTelling(value))
    .slice(0, 3)
    .map(([last, value]) =>
      typeof value === "number" ? `${last} ${value}` : withoutPath([value].flat().map(shortValue).join(", ")),
    )
    .join(", ");
}

function at(inputs: PlannedResource["inputs"], path: string): Value | undefined {
  let value: Value | undefined = inputs;
  for (const name of path.split(".")) value = isObject(value) ? value[name] : undefined;
  return value;
}

/** Of an ARN or the like, what it names. */
function withoutPath(text: string): string {
  return /^(arn:|projects\/|\/subscriptions\/)/.test(text) ? text.split(/[/:]/).at(-1)! : text;
}

function isTelling(value: Value | undefined): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every(isTelling);
  return (typeof value === "string" && value !== "" && value.length <= 80) || typeof value === "number";
}
