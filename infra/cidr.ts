/** Arithmetic on IPv4 ranges in CIDR notation. Pure: plans of networks are made of it and tested without a cloud. */
export type Cidr = { readonly base: number; readonly prefix: number };

/** Throws a `RangeError` that says what was expected when `text` is no range whose host bits are zero. */
export function parseCidr(text: string): Cidr {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const [a, b, c, d, prefix] = (match ?? []).slice(1).map(Number) as [number, number, number, number, number];
  if (match === null || Math.max(a, b, c, d) > 255 || prefix > 32) {
    throw new RangeError(`expected an IPv4 range such as 10.0.0.0/16, found ${text}`);
  }
  const base = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  if (base % size(prefix) !== 0) {
    throw new RangeError(
      `expected the first address of the range, such as ${formatCidr({ base: base - (base % size(prefix)), prefix })}, found ${text}`,
    );
  }
  return { base, prefix };
}

export function formatCidr({ base, prefix }: Cidr): string {
  return `${[24, 16, 8, 0].map((shift) => (base >>> shift) & 255).join(".")}/${prefix}`;
}

/**
 * The `index`-th part of `range` when it is cut into parts with the prefix `prefix`. Throws when there is no such part:
 * a plan that does not fit must not be built.
 */
export function part(range: Cidr, prefix: number, index: number): Cidr {
  const count = 2 ** (prefix - range.prefix);
  if (prefix < range.prefix || index < 0 || index >= count) {
    throw new RangeError(`${formatCidr(range)} has no part ${index} with prefix /${prefix}`);
  }
  return { base: range.base + index * size(prefix), prefix };
}

export function contains(outer: Cidr, inner: Cidr): boolean {
  return inner.prefix >= outer.prefix && inner.base >= outer.base && inner.base < outer.base + size(outer.prefix);
}

export function overlap(a: Cidr, b: Cidr): boolean {
  return contains(a, b) || contains(b, a);
}

/** Addresses of a range with this prefix. */
export function size(prefix: number): number {
  return 2 ** (32 - prefix);
}
