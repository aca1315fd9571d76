import assert from "node:assert/strict";
import fc from "fast-check";
import { Session as ClientSession } from "../../../client/session.ts";
import type { Stored } from "../../../service/kv/entry.ts";
import { type Marks, raise } from "../../../service/kv/marks.ts";
import {
  bothSeen,
  type Coverage,
  extend,
  formatSession,
  type Here,
  lacks,
  nothingSeen,
  parseSession,
  type Seen,
  type Session,
  seenOf,
} from "../../../service/kv/session.ts";
import { compareVersions, type Version, zeroVersion } from "../../../service/kv/version.ts";

const names = ["aws", "azure", "gcp"] as const;
const keys = ["a", "b", "c"] as const;
const shardCount = 2;
const shardOf = (key: string) => (key === "a" ? 0 : 1);

type Reading = { readonly stored: Stored | null; readonly horizon: number; readonly complete: Marks };

/** A cloud as far as sessions know it: rows by transactions, what it was sent, what it was told is all, and a cache. */
class Cloud {
  readonly name: string;
  readonly here: Here;
  readonly rows = new Map<string, Stored>();
  readonly feed: { readonly xid: number; readonly key: string }[] = [];
  /** Of two processes, which tell each other nothing. */
  readonly caches = [new Map<string, Reading>(), new Map<string, Reading>()];
  /** By cloud and shard, below which of its transactions everything is here; and as this process last saw it. */
  complete: Marks[] = Array.from({ length: shardCount }, () => ({}));
  view: Marks[] = [...this.complete];
  viewedAt = 0;
  reached: Marks = {};
  xid = 10;

  constructor(name: string) {
    this.name = name;
    this.here = {
      cloud: name,
      since: 1,
      members: new Set(names.filter((other) => other !== name)),
      binding: new Set(),
    };
  }

  get coverage(): Coverage {
    const whole = Object.fromEntries(
      Object.entries(this.view[0]!).flatMap(([cloud, mark]) => {
        const others = this.view.map((marks) => marks[cloud]);
        if (others.includes(undefined)) return [];
        return [[cloud, others.reduce((a, b) => (b!.transaction < a!.transaction ? b : a), mark)!]];
      }),
    );
    return { complete: whole, asOf: this.viewedAt };
  }

  look(): void {
    this.view = [...this.complete];
    this.viewedAt = this.xid;
  }

  read(key: string): Reading {
    return { stored: this.rows.get(key) ?? null, horizon: this.xid + 1, complete: this.view[shardOf(key)]! };
  }

  /** Merges what another cloud has of a key. */
  merge(key: string, carried: Stored): void {
    const mine = this.rows.get(key);
    if (mine !== undefined && compareVersions(mine.entry.version, carried.entry.version) >= 0) return;
    this.rows.set(key, { ...carried, changed: ++this.xid });
    this.reached = raise(this.reached, carried.marks!);
  }

  carried(key: string): Stored | null {
    const row = this.rows.get(key);
    if (row === undefined) return null;
    return { ...row, marks: row.marks ?? { [this.name]: { since: 1, transaction: row.changed } } };
  }
}

/** A client with what it has seen of each key, which no answer may be older than. */
class Client {
  readonly session = new ClientSession();
  readonly seen = new Map<string, Version>();

  expectNotOlder(key: string, version: Version, what: string): void {
    const known = this.seen.get(key) ?? zeroVersion;
    assert.ok(compareVersions(version, known) >= 0, `${what} ${key}: ${version.time} after ${known.time}`);
    this.seen.set(key, version);
  }
}

class World {
  readonly clouds = names.map((name) => new Cloud(name));
  readonly clients = [new Client(), new Client()];
  /** Position of each link and shard in the sender's feed. */
  readonly sent = new Map<string, number>();
  served = 0;

  token(client: Client): Session | null {
    return client.session.token === null ? null : parseSession(client.session.token)!;
  }

  /** The answer is on its way: it is taken in at once, or after that of the next request. */
  answer(cloud: Cloud, session: Session | null, seen: Seen): string {
    this.served++;
    return formatSession(extend(session, seen, cloud.coverage, cloud.here));
  }

  /** The versions that were told, and the token; null when the cloud is behind. */
  read(cloud: Cloud, process: number, key: string, session: Session | null, isCached: boolean, canAsk: boolean) {
    const cache = cloud.caches[process]!;
    let reading = (isCached ? cache.get(key) : undefined) ?? cloud.read(key);
    if (session !== null && lacks(session, reading, cloud.here).length > 0) {
      reading = cloud.read(key);
      const lacking = lacks(session, { ...reading, horizon: Number.POSITIVE_INFINITY }, cloud.here);
      if (lacking.length > 0) {
        if (!canAsk) return null;
        const { witness } = session;
        const asked = witness !== null && witness.cloud !== cloud.name ? [witness.cloud] : lacking;
        for (const name of asked) {
          const found = this.clouds.find((one) => one.name === name)!.carried(key);
          if (found !== null) cloud.merge(key, found);
        }
        reading = cloud.read(key);
      }
    }
    if (!cache.has(key) || !isCached) cache.set(key, reading);
    const token = this.answer(cloud, session, seenOf(reading.stored, cloud.here));
    return { version: reading.stored?.entry.version ?? zeroVersion, token };
  }

  list(cloud: Cloud, session: Session | null) {
    const view = { horizon: Number.POSITIVE_INFINITY, stored: null, complete: cloud.coverage.complete };
    if (session !== null && lacks(session, view, cloud.here).length > 0) return null;
    // Deleted ones are not among what is listed, and yet seen.
    const marks = raise(cloud.reached, { [cloud.name]: { since: 1, transaction: cloud.xid } });
    const seen = { ...nothingSeen, marks, transaction: cloud.xid };
    const rows = [...cloud.rows.values()].map((stored) => seenOf(stored, cloud.here));
    return this.answer(cloud, session, rows.reduce(bothSeen, seen));
  }

  write(cloud: Cloud, key: string, session: Session | null, clock: number) {
    const current = cloud.rows.get(key)?.entry.version.time ?? 0n;
    const lowest = [BigInt(clock), current + 1n, (session?.newest ?? 0n) + 1n];
    const time = lowest.reduce((a, b) => (a > b ? a : b));
    const version = { time, origin: cloud.name };
    const stored: Stored = { changed: ++cloud.xid, entry: { kind: "tombstone", version, seen: {} } };
    cloud.rows.set(key, stored);
    cloud.feed.push({ xid: cloud.xid, key });
    cloud.caches[0]!.set(key, { stored, horizon: cloud.xid, complete: {} });
    return { version, token: this.answer(cloud, session, seenOf(stored, cloud.here)) };
  }

  /** Sends some of what waits of a shard; tells that it was all so far only when `isTold`. */
  send(from: Cloud, to: Cloud, shard: number, count: number, isTold: boolean): void {
    const link = `${from.name} ${to.name} ${shard}`;
    const rows = from.feed.filter(({ key }) => shardOf(key) === shard);
    const before = this.sent.get(link) ?? 0;
    const position = Math.min(rows.length, before + count);
    for (const { key } of rows.slice(before, position)) to.merge(key, from.carried(key)!);
    this.sent.set(link, position);
    if (!isTold) return;
    const transaction = rows[position]?.xid ?? from.xid + 1;
    to.complete[shard] = { ...to.complete[shard], [from.name]: { since: 1, transaction } };
  }
}

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom("write", "read", "cached", "asked", "both", "list", "send", "tell", "tell", "look", "look"),
    client: fc.nat(1),
    cloud: fc.nat(2),
    other: fc.nat(1),
    key: fc.constantFrom(...keys),
    count: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 30, maxLength: 80 },
);

describe("a session in a model of three clouds", () => {
  it("never reads anything older than what it saw, nor writes anything older, wherever it goes", () => {
    let served = 0;
    let refused = 0;
    fc.assert(
      fc.property(steps, fc.tuple(fc.nat(40), fc.nat(40), fc.nat(40)), (steps, skews) => {
        const world = new World();
        steps.forEach((step, at) => {
          const cloud = world.clouds[step.cloud]!;
          const other = world.clouds[(step.cloud + 1 + step.other) % 3]!;
          const client = world.clients[step.client]!;
          const session = world.token(client);
          const sent = client.session.token;
          const clock = at + skews[step.cloud]!;
          if (step.kind === "send" || step.kind === "tell") {
            world.send(cloud, other, shardOf(step.key), step.count, step.kind === "tell");
          } else if (step.kind === "look") {
            cloud.look();
          } else if (step.kind === "write") {
            const { version, token } = world.write(cloud, step.key, session, clock);
            client.expectNotOlder(step.key, version, "write");
            client.session.accept(token, sent);
          } else if (step.kind === "list") {
            const token = world.list(cloud, session);
            if (token === null) refused++;
            else {
              for (const key of keys)
                client.expectNotOlder(key, cloud.rows.get(key)?.entry.version ?? zeroVersion, "list");
              client.session.accept(token, sent);
            }
          } else {
            // Of two requests at once the answers may come in either order; only what comes after both is bound by both.
            const places = step.kind === "both" ? [cloud, other] : [cloud];
            const answers = places.map((place) =>
              world.read(place, step.other, step.key, session, step.kind === "cached", step.kind === "asked"),
            );
            const told = answers.filter((answer) => answer !== null);
            refused += answers.length - told.length;
            const before = client.seen.get(step.key) ?? zeroVersion;
            for (const { version } of told) assert.ok(compareVersions(version, before) >= 0, `read ${step.key}`);
            const newest = told
              .map(({ version }) => version)
              .sort(compareVersions)
              .at(-1);
            if (newest !== undefined) client.seen.set(step.key, newest);
            for (const { token } of told) client.session.accept(token, sent);
          }
        });
        served += world.served;
      }),
      { numRuns: 1500 },
    );
    // Refusing everything would be safe, too.
    assert.ok(served > refused, `${served} served, ${refused} refused`);
  });
});
