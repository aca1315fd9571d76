import { type Namespace, SkyKVError, type ValueEntry } from "../../client/client.ts";
import type { City } from "./cities.ts";

/** A city that remembers its visitors. */
export type Visited = City & { readonly visits?: number };

export function withVisitor(city: Visited): Visited {
  return { ...city, visits: (city.visits ?? 0) + 1 };
}

/**
 * Counts a visitor by compare-and-set: whoever wrote in between is not overwritten; the change is made again on what is
 * there now. Returns how many times that was needed.
 */
export async function visit(entries: Namespace, key: string): Promise<number> {
  for (let conflicts = 0; ; conflicts++) {
    const entry = await read(entries, key);
    if (await replace(entries, entry, withVisitor(entry.json<Visited>()))) return conflicts;
  }
}

/** Two visitors look at the same moment; the second one to write is told, and counts anew. Returns the conflicts. */
export async function meet(entries: Namespace, key: string): Promise<number> {
  const first = await read(entries, key);
  const second = await read(entries, key);
  if (!(await replace(entries, first, withVisitor(first.json<Visited>())))) {
    throw new Error(`expected the first writer of ${key} to succeed, found that its state had changed`);
  }
  if (await replace(entries, second, withVisitor(second.json<Visited>()))) {
    throw new Error(`expected the second writer of ${key} to be refused, found that it overwrote the first one`);
  }
  return 1 + (await visit(entries, key));
}

/** From the database: after a conflict a cache might show the same old state again. */
async function read(entries: Namespace, key: string): Promise<ValueEntry> {
  const entry = await entries.get(key, { consistency: "local" });
  if (entry === null) throw new Error(`expected an entry ${key}, found none`);
  return entry;
}

/** False when the entry is not in that state any more. */
async function replace(entries: Namespace, { key, etag }: ValueEntry, city: Visited): Promise<boolean> {
  try {
    await entries.putJson(key, city, { ifMatch: etag });
    return true;
  } catch (error) {
    if (error instanceof SkyKVError && error.code === "condition-failed") return false;
    throw error;
  }
}
