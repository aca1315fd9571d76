/** Names of resources as Pulumi's engine makes them: `urn:pulumi:STACK::PROJECT::PARENT_TYPE$TYPE::NAME`. */

export const stackType = "pulumi:pulumi:Stack";

/** `parent` is a URN, or empty for the stack itself. */
export function urnOf(stack: string, project: string, parent: string, type: string, name: string): string {
  const above = parent === "" ? "" : qualifiedType(parent);
  const qualified = above === "" || above === stackType ? type : `${above}$${type}`;
  return `urn:pulumi:${stack}::${project}::${qualified}::${name}`;
}

/** Types of all ancestors but the stack, and its own, joined by `$`. */
export function qualifiedType(urn: string): string {
  const [, , type] = urn.split("::");
  if (type === undefined) throw new Error(`expected a URN, found ${JSON.stringify(urn)}`);
  return type;
}

export function typeOf(urn: string): string {
  return qualifiedType(urn).split("$").at(-1)!;
}

/** The logical name, which may hold `::` itself. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}
