/** Each setting of a plan that guards something, taken away one at a time. */
import { isObject } from "../../../../infra/plan/engine/values.ts";
import { type PlannedResource, Secret, Unknown, type Value } from "../../../../infra/plan/resource.ts";

export type Mutation = {
  /** `TYPE PATH`, with an element of a list as `[NAME]`, or as `[]` where it has none. */
  readonly name: string;
  readonly resource: PlannedResource;
  /** Null where the resource as a whole is taken away. */
  readonly mutant: PlannedResource | null;
};

/** Names of properties that guard something: encryption, identity, network, availability, retention. */
const guards =
  /encrypt|kms|keyArn|keyUr[il]|keyId|keyVault|tls|ssl|https|public|private|cidr|iam|auth|rbac|identity|protect|retention|retained|backup|recover|zone|multiAz|replica|failover|versioning|rotation|lock|snapshot|proxied|insecure|runAs|privilege|readOnly|capabilit|seccomp|automount|policyTypes|purge|softDelete|immutab|scanOnPush|deletion|logTypes|logConfig|monitor|checkRegions|allowShared|allowBlob|allowCross|disableLocal|anonymous|adminUser|defaultAction|highAvailability|ownership|spread|probe|limits|requests|pools|^value$|^enabled$|^status$/i;

/** Resources that stand beside others to guard them. */
const guardians =
  /bucket(Policy|PublicAccessBlock|ServerSideEncryption|Versioning|OwnershipControls|Lifecycle)|queuePolicy:|flowLog:|defaultSecurityGroup:|clusterParameterGroup:|clusterInstance:|PodDisruptionBudget$|redriveAllowPolicy:/;

export function mutationsOf(resources: readonly PlannedResource[]): readonly Mutation[] {
  const own = resources.filter(({ custom, external, type }) => custom && !external && !type.startsWith("pulumi:"));
  return own.flatMap((resource) => [
    ...(guardians.test(resource.type) ? [mutation(resource, "", null)] : []),
    ...pathsOf(resource.inputs).flatMap((path) => mutationsAt(resource, path)),
    ...(resource.protect ? [mutation(resource, "protect", { ...resource, protect: false })] : []),
  ]);
}

function mutationsAt(resource: PlannedResource, path: readonly string[]): Mutation[] {
  if (!path.some((name) => guards.test(name))) return [];
  const value = at(resource.inputs, path);
  const inputs = changed(resource.inputs, path, typeof value === "boolean" ? !value : undefined);
  return [
    mutation(resource, label(resource.inputs, path), { ...resource, inputs: inputs as PlannedResource["inputs"] }),
  ];
}

function mutation(resource: PlannedResource, path: string, mutant: PlannedResource | null): Mutation {
  // Of these types, each resource is one setting.
  const { settingId, configurationName } = resource.inputs;
  const name = [settingId ?? configurationName, path].filter((part) => typeof part === "string").join(" ");
  return { name: `${resource.type} ${name}`, resource, mutant };
}

function label(value: Value, path: readonly string[]): string {
  const steps = path.map((step, index) => {
    if (!Array.isArray(at(value, path.slice(0, index)))) return `.${step}`;
    const name = at(value, [...path.slice(0, index + 1), "name"]);
    return `[${typeof name === "string" ? name : ""}]`;
  });
  return steps.join("").slice(1);
}

/** Of what is neither a map nor a list of maps: those are settings, the others hold them. */
function pathsOf(value: Value, path: readonly string[] = []): (readonly string[])[] {
  if (isObject(value)) return Object.entries(value).flatMap(([name, part]) => pathsOf(part, [...path, name]));
  if (Array.isArray(value) && value.some(isObject)) {
    return value.flatMap((part, index) => pathsOf(part, [...path, `${index}`]));
  }
  return [path];
}

function at(value: Value, [name, ...rest]: readonly string[]): Value | undefined {
  if (name === undefined) return value;
  if (value instanceof Unknown || value instanceof Secret || typeof value !== "object" || value === null)
    return undefined;
  return at((value as Record<string, Value>)[name]!, rest);
}

function changed(value: Value, [name, ...rest]: readonly string[], to: Value | undefined): Value {
  if (Array.isArray(value)) {
    const index = Number(name);
    if (rest.length === 0 && to === undefined) return value.toSpliced(index, 1);
    return value.with(index, changed(value[index]!, rest, to));
  }
  const { [name!]: old, ...others } = value as Record<string, Value>;
  if (rest.length > 0) return { ...others, [name!]: changed(old!, rest, to) };
  return to === undefined ? others : { ...others, [name!]: to };
}
