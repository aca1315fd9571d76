/**
 * A version says which write an entry is: the hybrid logical time of the write and the cloud that took it.
 * Versions are totally ordered; equal versions mean equal bytes. They are what the HTTP API calls `KV-Version`.
 */
export type Version = {
  /** Hybrid logical time: milliseconds since 1970 in the upper 48 bits, a counter in the lower 16. */
  readonly time: bigint;
  /** The cloud that took the write; breaks ties between clouds that wrote at the same logical time. */
  readonly origin: string;
};

/** Older than every write: what a key that nobody ever wrote has. */
export const zeroVersion: Version = { time: 0n, origin: "" };

/** Negative when `a` is older than `b`, positive when it is newer, 0 when they are the same write. */
export function compareVersions(a: Version, b: Version): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  return a.origin < b.origin ? -1 : a.origin > b.origin ? 1 : 0;
}

/** Fixed width, so that text order is version order: `019aa3b1c5e20000-aws`. */
export function formatVersion(version: Version): string {
  return `${version.time.toString(16).padStart(16, "0")}-${version.origin}`;
}

/** The version in `text`, or null when it is not one that {@link formatVersion} writes. */
export function parseVersion(text: string): Version | null {
  const match = /^([0-9a-f]{16})-([a-z0-9-]{1,32})$/.exec(text);
  return match ? { time: BigInt(`0x${match[1]}`), origin: match[2]! } : null;
}
