import { type Plan, type PlannedResource, Secret, Unknown, type Value } from "../../../../infra/plan/resource.ts";
import { assertNone } from "./offenders.ts";

const secretName = /password|passphrase|secret|token|private_?key|credential|connection_?string|access_?key/i;

/** Names that sound like a secret and hold a name, an id or a setting. */
const harmless = new Set([
  "accessKeysAuthentication",
  "enableSecretMutable",
  "enableSecretMutable",
  "httpTokens",
  "masterUserSecretKmsKeyId",
  "passwordAuth",
  "secretId",
  "secretKey",
  "secretName",
  "tokenTtl",
]);

// A private key, and a URL with a password in it, whatever the input is called. Kubernetes puts in what stands in `$()`.
const secretValues = [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, /:\/\/[^\s/:@]+:(?!\$\()[^\s/@]+@/];

/** Inputs that are called as a secret is, and hold the id of one. */
const secretIds: Readonly<Record<string, readonly string[]>> = {
  "gcp:secretmanager/secretVersion:SecretVersion": ["secret"],
};

/** Inputs whose every text is a secret, whatever its name. */
const secretInputs: Readonly<Record<string, readonly string[]>> = {
  "kubernetes:core/v1:Secret": ["data", "stringData"],
};

/** Whatever is a secret is marked as one, so that it is encrypted in the state and never printed. */
export function noSecretIsPlain(plan: Plan): void {
  assertNone(
    plan.resources.flatMap((resource) => plainSecrets(resource).map((path) => `${resource.urn}: ${path}`)),
    "what holds a secret has to be marked as one (pulumi.secret)",
  );
}

function plainSecrets({ type, inputs }: PlannedResource): string[] {
  return Object.entries(inputs)
    .filter(([name]) => !secretIds[type]?.includes(name))
    .flatMap(([name, value]) => plainIn(value, name, name, secretInputs[type]?.includes(name) ?? false));
}

/** `name` is the nearest one: elements of a list have their list's. `all`: every text counts. */
function plainIn(value: Value, path: string, name: string, all: boolean): string[] {
  if (value instanceof Secret) return [];
  if (Array.isArray(value)) return value.flatMap((element, i) => plainIn(element, `${path}[${i}]`, name, all));
  if (typeof value === "object" && value !== null && !(value instanceof Unknown)) {
    return Object.entries(value).flatMap(([key, inner]) => plainIn(inner, `${path}.${key}`, key, all));
  }
  const isSuspect = all || (secretName.test(name) && !harmless.has(name));
  if (value instanceof Unknown) return isSuspect ? [path] : [];
  // Providers get switches as text.
  if (typeof value !== "string" || /^(true|false)?$/.test(value)) return [];
  return isSuspect || secretValues.some((pattern) => pattern.test(value)) ? [path] : [];
}
