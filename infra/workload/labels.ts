import type { Tags } from "../tags.ts";

export type Labels = Readonly<Record<string, string>>;

/** What an object of Kubernetes carries: the tags of the stack, and what it is. */
export function labelsOf(tags: Tags, component?: string): Labels {
  const own = Object.entries(tags).map(([name, value]) => [name, labelValue(value)]);
  return { ...Object.fromEntries(own), ...selectorOf(component) };
}

/**
 * What pods are found by. Immutable in a Deployment, so the tags, which people change, are not in it; nor are they in pods,
 * which would be replaced for a new owner.
 */
export function selectorOf(component?: string): Labels {
  const name = { "app.kubernetes.io/name": "skykv" };
  return component === undefined ? name : { ...name, "app.kubernetes.io/component": component };
}

/** Kubernetes takes 63 characters, the first and last of them letters or digits; names of stacks may be longer. */
export function labelValue(text: string): string {
  return text
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, 63)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
}
