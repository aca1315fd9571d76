/** Values that tell which write they are and whether every byte of them is there. */

/** A text of `size` characters, made of its name. */
export function valueFor(name: string, size: number): string {
  const head = `${name}:${size}:`;
  return head + head.repeat(Math.ceil(size / head.length)).slice(0, Math.max(0, size - head.length));
}

/** The name of a value. Throws when it is not one that {@link valueFor} makes, from its first byte to its last. */
export function nameOf(value: string): string {
  const [, name, size] = /^([^:]+):(\d+):/.exec(value) ?? [];
  if (name === undefined || valueFor(name, Number(size)) !== value) {
    throw new Error(`a torn value of ${value.length} characters: ${JSON.stringify(value.slice(0, 100))}`);
  }
  return name;
}
