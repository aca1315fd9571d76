/**
 * Where an entry lives: `{namespace}/{key}`. One text instead of two, as in the URL: it is the primary key, the cache
 * key and the unit of locking, and a namespace cannot hold a slash, so the first one always parts them.
 */
export type Path = string;

/** Bytes of UTF-8 that a key may have. */
export const maxKeyBytes = 512;

export function pathOf(namespace: string, key: string): Path {
  return `${namespace}/${key}`;
}

export function namespaceOf(path: Path): string {
  return path.slice(0, path.indexOf("/"));
}

export function keyOf(path: Path): string {
  return path.slice(path.indexOf("/") + 1);
}

/** 1-64 of `a-z 0-9 . _ -`, not starting with `_` (reserved) and not `.` or `..` (URL clients eat them). */
export const namespacePattern = /^(?!\.{1,2}$)[a-z0-9.-][a-z0-9._-]{0,63}$/;

/** What keeps `key` from being a key, or null when it is one. */
export function keyFault(key: string): "empty" | "nul" | "surrogate" | "long" | null {
  if (key.length === 0) return "empty";
  if (key.includes("\0")) return "nul";
  if (!key.isWellFormed()) return "surrogate";
  return key.length * 3 > maxKeyBytes && Buffer.byteLength(key) > maxKeyBytes ? "long" : null;
}

/**
 * Feed shards; replicators work on them side by side. Few, because what a window costs hardly grows with its rows: with
 * sixteen, 500 writes a second took more than twice as long to be readable elsewhere. Fixed for good: cursors name them.
 */
export const shards = 4;

/** The feed shard of a path: FNV-1a over its UTF-16 units, the same in every process, cloud and release. */
export function shardOf(path: Path): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 16)) & (shards - 1);
}

/**
 * The smallest text that sorts after everything that starts with `prefix`, in byte order, or null when there is none.
 * UTF-8 sorts as code points do, so the last code point is raised by one, skipping the surrogates.
 */
export function afterPrefix(prefix: string): string | null {
  const points = Array.from(prefix, (c) => c.codePointAt(0)!);
  while (points.length > 0) {
    const last = points.pop()!;
    if (last === 0x10ffff) continue;
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return null;
}
