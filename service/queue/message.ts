import { shards } from "../kv/path.ts";

/** A hint as text. */
export function encodeHint(news: readonly number[]): string {
  return JSON.stringify({ shards: news });
}

/** The shards that it names. What is no hint names none: anybody with the queue's password may write to it. */
export function decodeHint(text: string): readonly number[] {
  let hint: unknown;
  try {
    hint = JSON.parse(text);
  } catch {
    return [];
  }
  const named = (hint as { shards?: unknown } | null)?.shards;
  if (!Array.isArray(named)) return [];
  return [...new Set(named.filter((shard) => Number.isInteger(shard) && shard >= 0 && shard < shards))];
}
