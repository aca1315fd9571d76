/** What an import of lines does to their keys: new writes, or the entries as they were (`versions=keep`). */
import { maxAhead, milliseconds } from "../kv/clock.ts";
import { unconditional } from "../kv/decide.ts";
import type { Cell, Entry } from "../kv/entry.ts";
import { newestCell } from "../kv/merge.ts";
import { pathOf } from "../kv/path.ts";
import { compareVersions, parseVersion, type Version, zeroVersion } from "../kv/version.ts";
import type { Step } from "../store/jobs.ts";
import type { Line } from "./import-items.ts";
import type { Namespace } from "./namespaces.ts";
import { valueFrom } from "./operations.ts";
import { Problem } from "./problems.ts";
import type { Service } from "./service.ts";
import { expiryOf, stepOn } from "./writes.ts";

/** A new write of what the line says. */
export async function putStep(service: Service, namespace: Namespace, line: Line): Promise<Step> {
  if (line.kind === "counter")
    return stepOn(namespace, line.key, { kind: "count", to: sumOf(line), conditions: unconditional });
  const value = await valueFrom(service, namespace.settings.max_value_bytes, line);
  const expiry =
    line.expires_at === undefined ? expiryOf({}, namespace, service.now()) : { at: expiresAt(line.expires_at) };
  return stepOn(namespace, line.key, { kind: "put", value, expiry, conditions: unconditional });
}

/** A restore: the entry with its own version, merged. What merge could not order is refused. */
export async function restoreStep(service: Service, namespace: Namespace, line: Line): Promise<Step> {
  const entry = line.kind === "counter" ? counterEntry(line) : await valueEntry(service, namespace, line);
  const { version } = entry;
  if (milliseconds(version.time) > service.now() + maxAhead) throw refusal("the version is from the future");
  const { stored } = await service.reader.read(pathOf(namespace.name, line.key));
  if (
    stored?.entry.kind === "value" &&
    entry.kind === "value" &&
    compareVersions(stored.entry.version, version) === 0 &&
    !hasSameBytes(stored.entry, entry)
  ) {
    throw refusal("the entry with this version has other bytes here");
  }
  const floor = await service.store.floor();
  // In a namespace that is younger than the floor no deletion can have been forgotten: any version may come back.
  const isYoung = namespace.createdAt > milliseconds(floor);
  if (stored === null && version.time <= floor && !isYoung) {
    throw refusal("the version is older than what deletions are remembered for; import with new versions instead");
  }
  return stepOn(namespace, line.key, { kind: "restore", entry });
}

async function valueEntry(service: Service, namespace: Namespace, line: Line): Promise<Entry & { kind: "value" }> {
  const version = versionOf(line);
  const value = await valueFrom(service, namespace.settings.max_value_bytes, line);
  return { kind: "value", version, seen: {}, ...value, expiresAt: expiresAt(line.expires_at) };
}

/** A counter is restored from its parts: of its sum alone nobody knows which increments are in it. */
function counterEntry(line: Line): Entry {
  const version = versionOf(line);
  if (line.counter === undefined) throw refusal("expected `counter`, the parts that an export writes, of a counter");
  const cells: Record<string, Cell> = {};
  for (const [origin, { version: last, sum }] of Object.entries(line.counter.cells)) {
    const { time, origin: by } = parseVersion(last)!;
    if (by !== origin) throw refusal(`expected the last increment of ${origin} to be its own, found ${last}`);
    cells[origin] = { time, sum };
  }
  if (compareVersions(newestCell(cells), version) !== 0) throw refusal("expected the version to be the newest cell's");
  const epoch = line.counter.epoch === null ? zeroVersion : parseVersion(line.counter.epoch)!;
  if (epoch.time > version.time) throw refusal("expected the epoch to be older than the version");
  return { kind: "counter", version, seen: {}, epoch, cells };
}

function versionOf({ version }: Line): Version {
  if (version === undefined) throw refusal("expected a version in every line when versions are kept");
  return parseVersion(version)!;
}

function expiresAt(text: string | null | undefined): number | null {
  return text == null ? null : Date.parse(text);
}

function sumOf({ value, encoding }: Line): number {
  const sum = encoding === "utf8" && /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(sum)) throw refusal("expected the value of a counter to be an integer within ±2^53-1");
  return sum;
}

function refusal(detail: string): Problem {
  return new Problem("bad-body", detail);
}

type Value = Extract<Entry, { kind: "value" }>;

function hasSameBytes(a: Value, b: Value): boolean {
  return (
    a.size === b.size &&
    a.blob === b.blob &&
    (a.body === null || b.body === null || Buffer.compare(a.body, b.body) === 0)
  );
}
