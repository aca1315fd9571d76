/** Short forms for people: of types, names and values. */

import { isObject } from "../engine/values.ts";
import { Secret, Unknown, type Value } from "../resource.ts";

const packages: Readonly<Record<string, string>> = { kubernetes: "k8s", "azure-native": "azure" };

/**
 * A type as code would name it: `aws:ec2/subnet:Subnet` is `aws.ec2.Subnet`, `kubernetes:apps/v1:Deployment` is
 * `k8s.apps.Deployment`.
 */
export function shortType(type: string): string {
  const [packageName = "", module = "", name = ""] = type.split(":");
  if (packageName === "pulumi") return module === "providers" ? `${short(name)} provider` : name;
  // Of a Kubernetes group, `networking.k8s.io/v1`, the first word is enough.
  const [folder = ""] = module.split(packageName === "kubernetes" ? /[/.]/ : "/");
  return [short(packageName), folder === "index" ? "" : folder, name].filter(Boolean).join(".");
}

/** `aws`, `k8s`, `cloudflare`: who makes it. */
export function shortPackage(type: string): string {
  const [packageName = "", module, name = ""] = type.split(":");
  return short(packageName === "pulumi" && module === "providers" ? name : packageName);
}

function short(packageName: string): string {
  return packages[packageName] ?? packageName;
}

/** One line that gives away no secret. */
export function shortValue(value: Value | undefined): string {
  if (value === undefined) return "nothing";
  if (value instanceof Unknown) return "(known after up)";
  if (value instanceof Secret) return "(secret)";
  if (Array.isArray(value)) return `[${value.map(shortValue).join(", ")}]`;
  if (!isObject(value)) return typeof value === "string" ? value.replace(/\s+/g, " ") : JSON.stringify(value);
  const parts = Object.entries(value).map(([name, part]) => `${name}: ${shortValue(part)}`);
  return `{${parts.join(", ")}}`;
}

export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** `1 resource`, `2 resources`. */
export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`;
}

/** `12,345` of 12345.4. */
export function whole(number: number): string {
  return Math.round(number).toLocaleString("en-US");
}
