import type { ImportRecord, Namespace, SkyKV } from "../../client/client.ts";
import { type City, keyOf } from "./cities.ts";
import { compare } from "./compare.ts";
import { Follower } from "./follow.ts";
import { meet, visit, withVisitor } from "./visit.ts";

/** The namespace that a tour makes anew and fills. */
const namespaceName = "cities";
/** The country whose cities get visitors, while someone watches. */
const country = "NL";
/** Visitors at the same time. */
const party = 16;

export type TourOptions = {
  readonly kv: SkyKV;
  readonly cities: readonly City[];
  /** Hears of every step that is done, in a sentence. */
  readonly say: (line: string) => void;
  /** Hears how many records were committed so far. */
  readonly onImported?: (records: number) => void;
};

/** What a tour did. */
export type Summary = {
  readonly imported: number;
  readonly countries: number;
  readonly visits: number;
  /** Visits that had to be counted anew, because another one came first. */
  readonly conflicts: number;
  readonly events: number;
  readonly exportedBytes: number;
};

/** Imports the cities, looks at them, changes some, and compares everything. Throws when the service errs. */
export async function tour({ kv, cities, say, onImported }: TourOptions): Promise<Summary> {
  /** What the service is to hold: the text of each value by its key. */
  const expected = new Map(cities.map((city) => [keyOf(city), JSON.stringify(city)]));
  const entries = await emptyNamespace(kv);
  const follower = new Follower(entries, `${country}/`);
  try {
    await follower.live;
    say(`watching ${country}/`);

    const imported = await timed(() => importAll(entries, expected, onImported));
    say(`imported ${count(imported.value)} cities in ${imported.seconds} s`);

    const folders = await timed(() => foldersOf(entries));
    expect("countries", new Set(cities.map((city) => city.country)).size, folders.value.length);
    say(`listed ${folders.value.length} countries as folders in ${folders.seconds} s`);

    const keys = await timed(() => keysUnder(entries, `${country}/`));
    expect(`keys under ${country}/`, cities.filter((city) => city.country === country).length, keys.value.length);
    say(`listed the ${count(keys.value.length)} cities of ${country} in ${keys.seconds} s`);

    const visited = await timed(() => visitTwice(entries, keys.value));
    for (const key of keys.value) {
      expected.set(key, JSON.stringify(withVisitor(withVisitor(JSON.parse(expected.get(key)!)))));
    }
    const visits = keys.value.length * 2;
    const { value: conflicts } = visited;
    say(
      `counted ${count(visits)} visits by compare-and-set in ${visited.seconds} s; ${count(conflicts)} met another one`,
    );

    await follower.caughtUp(new Map(keys.value.map((key) => [key, expected.get(key)!])));
    const { events } = follower;
    say(`saw the import and the visits in ${count(events)} events`);

    const compared = await timed(() => compare(expected, entries.export()));
    say(`exported ${count(compared.value)} bytes, all as they should be, in ${compared.seconds} s`);
    return {
      imported: imported.value,
      countries: folders.value.length,
      visits,
      conflicts,
      events,
      exportedBytes: compared.value,
    };
  } finally {
    follower.end();
  }
}

async function emptyNamespace(kv: SkyKV): Promise<Namespace> {
  const names = (await kv.namespaces.list()).map(({ name }) => name);
  if (names.includes(namespaceName)) await kv.namespaces.delete(namespaceName, { force: true });
  await kv.namespaces.put(namespaceName);
  return kv.namespace(namespaceName);
}

async function importAll(
  entries: Namespace,
  values: ReadonlyMap<string, string>,
  onImported: TourOptions["onImported"],
): Promise<number> {
  function* records(): Generator<ImportRecord> {
    for (const [key, value] of values) yield { key, value, contentType: "application/json" };
  }
  const { imported, failed, errors } = await entries.import(records(), {
    onProgress: ({ records }) => onImported?.(records),
  });
  if (failed > 0) throw new Error(`expected no record to fail, found ${failed}: ${errors[0]?.error.message}`);
  expect("imported cities", values.size, imported);
  return imported;
}

/** The first part of all keys, without reading the keys: each request skips what a folder holds. */
async function foldersOf(entries: Namespace): Promise<string[]> {
  const folders: string[] = [];
  for await (const { prefixes } of entries.list({ delimiter: "/" }).pages()) folders.push(...prefixes);
  return folders;
}

async function keysUnder(entries: Namespace, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of entries.list({ prefix })) keys.push(key);
  return keys;
}

/** Every city gets two visitors at the same time. Returns how many visits came in each other's way. */
async function visitTwice(entries: Namespace, keys: readonly string[]): Promise<number> {
  let conflicts = await meet(entries, keys[0]!);
  const waiting = keys.slice(1).values();
  const visitor = async () => {
    for (const key of waiting) {
      const both = await Promise.all([visit(entries, key), visit(entries, key)]);
      conflicts += both[0] + both[1];
    }
  };
  await Promise.all(Array.from({ length: party }, visitor));
  return conflicts;
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: string }> {
  const startedAt = performance.now();
  const value = await work();
  return { value, seconds: ((performance.now() - startedAt) / 1000).toFixed(1) };
}

function expect(what: string, expected: number, found: number): void {
  if (found !== expected) throw new Error(`expected ${expected} ${what}, found ${found}`);
}

function count(number: number): string {
  return number.toLocaleString("en");
}
