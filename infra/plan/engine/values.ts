/**
 * Values as they travel between program and engine. The engine claims neither resource references nor output values, so
 * resources come as their ids and outputs as what they hold. Assets and archives stay the marked objects that they are.
 */
import { Secret, Unknown, type Value } from "../resource.ts";

// From `@pulumi/pulumi/runtime/rpc.js`, which would load the whole SDK.
export const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

export type Values = { readonly [name: string]: Value };

/** JSON as it came from the program, to values. */
export function decode(json: unknown): Value {
  // Secrets of the configuration stand in for themselves (`stack-config.ts`), and the program may build texts around them.
  if (typeof json === "string") return json.includes(unknownText) ? Unknown.value : json;
  if (Array.isArray(json)) return json.map(decode);
  if (typeof json !== "object" || json === null) return json as Value;
  const object = json as Record<string, unknown>;
  if (object[signatureKey] === secretSignature) return new Secret(decode(object.value));
  return decodeAll(object);
}

export function decodeAll(json: Readonly<Record<string, unknown>>): Values {
  return mapObject(json, decode);
}

/** The reverse of `decode`. */
export function encode(value: Value): unknown {
  if (value instanceof Unknown) return unknownText;
  if (value instanceof Secret) return { [signatureKey]: secretSignature, value: encode(value.value) };
  if (Array.isArray(value)) return value.map(encode);
  return isObject(value) ? mapObject(value, encode) : value;
}

/** Secrets become what they hold, and what is unknown becomes `placeholder`. */
export function reveal(value: Value, placeholder: Value = Unknown.value): Value {
  if (value instanceof Unknown) return placeholder;
  if (value instanceof Secret) return reveal(value.value, placeholder);
  if (Array.isArray(value)) return value.map((element) => reveal(element, placeholder));
  return isObject(value) ? revealAll(value, placeholder) : value;
}

export function revealAll(values: Values, placeholder: Value = Unknown.value): Values {
  return mapObject(values, (value) => reveal(value, placeholder));
}

/** True for a map: neither a list nor a mark. */
export function isObject(value: Value | undefined): value is Values {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Unknown) &&
    !(value instanceof Secret)
  );
}

function mapObject<From, To>(object: Readonly<Record<string, From>>, change: (from: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}
