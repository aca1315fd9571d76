import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

/** A fault put into the program on purpose, as a change of its text: the simulation must notice it. */
export type Mutation = { readonly file: string; readonly find: string; readonly replace: string };

const sender = "service/replication/sender.ts";
const delivery = "service/replication/delivery.ts";
const confirmation = "service/replication/confirmation.ts";
const merger = "service/replication/merger.ts";
const writer = "service/store/writer.ts";
const receiver = "service/replication/receiver.ts";
const carried = "service/kv/carried.ts";
const caches = "service/cache/entries.ts";
const memory = "test/support/memory/member.ts";
const cloud = "test/simulation/cloud.ts";
const homes = "service/replication/homes.ts";

/** By what they leave out. What SQL does is mutated in the database in memory; a contract test ties the two together. */
export const mutations: Readonly<Record<string, readonly Mutation[]>> = {
  "stamps follow the clock of the process alone": [
    {
      file: "test/support/memory/store.ts",
      find: "lowest.reduce((a, b) => (a > b ? a : b), request.clock)",
      replace: "request.clock",
    },
  ],
  "the feed is read up to the newest transaction, not below the horizon": [
    { file: "test/support/memory/database.ts", find: "{ xid: this.horizon() - 1", replace: "{ xid: this.ahead() - 1" },
  ],
  "tombstones are collected by the clock": [
    {
      file: cloud,
      find: "normal(entry, this.db.cluster.floor,",
      replace: "normal(entry, BigInt(Math.floor(epoch + this.#world.scheduler.now - 3000)) << 16n,",
    },
  ],
  "tombstones above the floor are collected": [
    { file: cloud, find: "normal(entry, this.db.cluster.floor,", replace: "normal(entry, 1n << 62n," },
  ],
  "the floor rises without one member": [
    {
      file: memory,
      find: "for (const { confirmed } of members()) if",
      replace: "for (const { confirmed } of members().slice(1)) if",
    },
  ],
  "a time is confirmed that peers do not have": [
    { file: memory, find: "if (completeFor(peer, shard) < markXid) return false;", replace: "" },
  ],
  "what was set aside does not hold the floor back": [
    {
      file: memory,
      find: "if (aside.shard === shard && aside.below < complete) complete = aside.below;",
      replace: "{}",
    },
    { file: memory, find: "if (aside.time <= mark) return false;", replace: "{}" },
  ],
  "cached records do not age": [
    {
      file: caches,
      find: "record === undefined || record.readAt + this.#maxAge() <= this.now() ||",
      replace: "record === undefined ||",
    },
  ],
  "sessions do not look at the horizon of a cached record": [
    {
      file: "service/kv/session.ts",
      find: "transaction < view.horizon ||",
      replace: "transaction < Number.POSITIVE_INFINITY ||",
    },
  ],
  "sessions do not wait for what other clouds have yet to send": [
    {
      file: "service/kv/session.ts",
      find: ": isCovered(cloud, mark, view.complete)) continue;",
      replace: ": true) continue;",
    },
  ],
  "hints get lost and nobody sweeps": [
    { file: sender, find: "this.poke(states.filter(({ behind }) => behind).map(({ shard }) => shard));", replace: "" },
  ],
  "entries of other origins are skipped": [
    {
      file: delivery,
      find: "rows.filter((row) => row !== null)",
      replace: "rows.filter((row) => row !== null).filter((row) => row.entry.version.origin === store.origin)",
    },
  ],
  "the cursor moves before the peer has committed": [
    {
      file: sender,
      find: "const delivered: Path[] = [];",
      replace:
        "const delivered: Path[] = []; await store.advance(cursors, { to, delivered, setAside: [], hold: 8000 });",
    },
  ],
  "keys that the peer could not take are forgotten": [
    {
      file: delivery,
      find: "reason === null ? [] : [{ path, time: entry.version.time, reason }]",
      replace: "reason === null ? [] : []",
    },
  ],
  "batches from under a lower floor are taken": [
    { file: receiver, find: 'if (head.news.floor !== self.floor) return refuse("floor");', replace: "" },
    { file: memory, find: 'if (cluster.floor !== floor) return "floor" as const;', replace: "" },
  ],
  "entries from the future are dropped": [
    {
      file: merger,
      find: "const kept = attempt === 0 ? quarantine : [];",
      replace: "const kept = quarantine.slice(0, 0);",
    },
  ],
  "what retention dropped is not missed": [
    { file: memory, find: "if (cluster.trimmed > from.xid) return null;", replace: "" },
  ],
  "a repair finds differences and leaves them": [
    {
      file: "service/replication/repair.ts",
      find: "for (const index of body.ranges) {",
      replace: "for (const index of body.ranges.slice(0, 0)) {",
    },
  ],
  "arrivals are written over whatever is there by then": [
    { file: memory, find: "row !== undefined && row.changed !== expects", replace: "row !== undefined && expects < 0" },
  ],
  "clients' guarded writes are written over whatever is there by then": [
    {
      file: "test/support/memory/store.ts",
      find: "row !== undefined && expects !== null && row.changed !== expects",
      replace: "row !== undefined && expects === -1",
    },
  ],
  "arrivals win over what is here": [
    {
      file: carried,
      find: "const merged = merge(here, there)!;",
      replace: "const merged = here === null ? merge(here, there)! : there;",
    },
  ],
  "counters keep the older of two cells": [
    {
      file: "service/kv/merge.ts",
      find: "!mine || cell.time > mine.time ||",
      replace: "!mine || cell.time < mine.time ||",
    },
  ],
  "a restored cloud serves at once": [
    { file: memory, find: "cluster.recovering = true;", replace: "cluster.recovering = false;" },
  ],
  "a restored cloud keeps what its peers have deleted and forgotten": [
    {
      file: "service/replication/repair.ts",
      find: "await store.forget(absent, floor);",
      replace: "if (absent.length < 0) await store.forget(absent, floor);",
    },
  ],
  "a restored cloud adds its backup to what peers send": [
    {
      file: merger,
      find: "isInDoubt ? trusted(carried, incoming, self) : carried",
      replace: "isInDoubt ? carried : carried",
    },
  ],
  "a restored cloud is sent only what its peers know that it lacks": [
    {
      file: memory,
      find: "if (known.incarnation !== null && known.incarnation !== sender.incarnation) toRepair(sender.peer);",
      replace: "",
    },
    { file: memory, find: "for (const peer of db.peers.keys()) toRepair(peer);", replace: "" },
  ],
  "a cursor is locked by an open transaction while its window is sent": [
    {
      file: memory,
      find: "cursor.until = now + milliseconds;",
      replace: "cursor.until = now + milliseconds; db.end(cursor.xid); cursor.xid = db.begin();",
    },
    {
      file: memory,
      find: "if (held !== null) held.until = 0;",
      replace: "if (held !== null) held.until = 0; db.end(held?.xid);",
    },
  ],
  "retries are written again": [
    {
      file: "test/support/memory/store.ts",
      find: 'if (request.receipts.some(({ scope }) => db.receipts.has(scope.toString("hex"))))',
      replace: "if (request.receipts.length < 0)",
    },
    { file: writer, find: "batch = await this.#withoutRetries(whole);", replace: "" },
  ],
  "conditions are decided on a state that may have changed": [
    {
      file: "service/store/jobs.ts",
      find: "const expects = current === undefined ? null : (current?.changed ?? 0);",
      replace: "const expects = null;",
    },
  ],
  "watches compare the versions of counters, not their cells": [
    {
      file: "service/kv/news.ts",
      find: "if (order === 0) return hasNewerCell(entry, last);",
      replace: "if (order === 0) return compareVersions(entry.version, last.version) > 0;",
    },
  ],
  "a write counts as confirmed when its time is over": [
    {
      file: "service/replication/confirmation.ts",
      find: "waiter.deadline <= this.#io.monotonic()) waiter.settle(false);",
      replace: "waiter.deadline <= this.#io.monotonic()) waiter.settle(true);",
    },
  ],
  "writes are not checked against the epoch of the home": [
    {
      file: "test/support/memory/store.ts",
      find: "namespace?.epoch !== epoch || (namespace.homeEpoch ?? 0n) !== (homeEpoch ?? 0n)",
      replace: "namespace?.epoch !== epoch",
    },
  ],
  "a home begins before it has all that was decided before": [
    {
      file: homes,
      find: "return stop !== null && isHere(others[i]!, stop) && isCompared(others[i]!);",
      replace: "return stop !== null;",
    },
  ],
  "a first home does not wait until the others have stopped": [
    {
      file: homes,
      find: "isOldAsked ? [row.home] : this.#options.peers()",
      replace: "isOldAsked ? [row.home] : []",
    },
  ],
  "a home begins without what the old one had of homes before it": [
    {
      file: homes,
      find: "if (old !== undefined && !(await this.#hasWhatItHad(row, others[0]!, old.complete, complete, peers))) return false;",
      replace: "",
    },
  ],
  "first answers stay behind when a home moves": [
    { file: homes, find: "for (const peer of others) await this.#fetchReceipts(peer, row.id);", replace: "" },
  ],
  "those who stay do not compare themselves when a cloud was expelled": [
    { file: memory, find: "expulsions, settling: expulsions, settled: false });", replace: "expulsions });" },
  ],
  "sessions wait for a cloud that was removed for good": [
    {
      file: "service/kv/session.ts",
      find: "if (!here.members.has(cloud)) return !here.binding.has(cloud);",
      replace: "",
    },
  ],
  "an entry shows before the bytes of its value are there": [
    { file: merger, find: "if (isKept && !(await this.#hasBytes(sender, incoming)))", replace: "if (false)" },
  ],
  "a large value is kept whatever its bytes are": [
    { file: "service/replication/fetcher.ts", find: "if (found !== digest)", replace: "if (false)" },
  ],
  "large values are collected though entries refer to them": [
    { file: cloud, find: "!used.has(digest) && ", replace: "" },
  ],
  "large values are collected though conflicts refer to them": [
    {
      file: cloud,
      find: "const used = referred(this.db);",
      replace: "const used = referred({ ...this.db, conflicts: new Map() } as MemoryDatabase);",
    },
  ],
  "first answers of before the first home stay behind": [
    {
      file: "service/store/jobs.ts",
      find: "...(job.steps[0] && {",
      replace: "...(job.steps[0]?.homeEpoch !== undefined && {",
    },
  ],
  "what a peer could not take counts as confirmed": [
    { file: "service/replication/confirmation.ts", find: "=== false && !missing.has(path)", replace: "=== false" },
  ],
};

/** What a unit test notices sooner than any seed, with the file of the test. */
export const unitMutations: Readonly<Record<string, { readonly test: string; readonly changes: readonly Mutation[] }>> =
  {
    ...ofSessions({
      "the witness of a session is kept when another cloud adds to it": [
        "return seen.transaction === 0 ? witness : null;",
        "return witness;",
      ],
      "an answer makes its cloud the witness of a session though it lacks something": [
        "if (all) return",
        "if (true) return",
      ],
      "a witness does not move on with what it shows": [
        "return from(Math.max(witness.transaction, seen.transaction))",
        "return witness",
      ],
      "a cloud counts as complete in the very transaction that it lacks": [
        "mark.transaction < known.transaction",
        "mark.transaction <= known.transaction",
      ],
      "a session may be served what was read before its write had ended": [
        "transaction < view.horizon ||",
        "transaction <= view.horizon ||",
      ],
      "a session forgets the time of what it saw": [
        "const newest = session !== null && session.newest > seen.newest ? session.newest : seen.newest;",
        "const newest = session !== null ? session.newest : seen.newest;",
      ],
    }),
    "a witness is believed from before it was judged": {
      test: "test/service/kv/session.test.ts",
      changes: [
        {
          file: "service/kv/session.ts",
          find: "Math.max(own, seen.transaction, coverage.asOf)",
          replace: "Math.max(own, seen.transaction)",
        },
      ],
    },
    ...ofMembership({
      "the floor rises though a member has not heard of an expulsion": [
        "identity.ts",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of the program.
        "settled = $9 and ${knowsAll},",
        "settled = $9,",
      ],
      "the floor rises before those who stay were compared": [
        "floor.ts",
        "where not is_expelled and (settling is not null or not settled))",
        "where not is_expelled and not settled)",
      ],
      "an expelled cloud is believed": [
        "identity.ts",
        " || Number(known[2]) >= incarnatedAt) return null;",
        ") return null;",
      ],
      "an expelled cloud adopts the floor of the others": [
        "identity.ts",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of the program.
        "case when ${isSelfExpelled} then floor else greatest(floor, $4::bigint) end",
        "greatest(floor, $4::bigint)",
      ],
      "an expelled cloud's cursors can be had": [
        "cursors.ts",
        "and not exists (select from peers p where p.peer = cursors.peer and is_expelled)",
        "",
      ],
    }),
    "a restored cloud gives others what may have been deleted since its backup": {
      test: "test/service/replication/recovery.test.ts",
      changes: [{ file: receiver, find: "isDoubtful(self) ||", replace: "" }],
    },
    "a home is moved amid a comparison with the old one": {
      test: "test/service/replication/homes.test.ts",
      changes: [{ file: homes, find: " && isCompared(others[i]!);", replace: ";" }],
    },
    "a row counts as new enough whatever transaction it came by": {
      test: "test/service/kv/session.test.ts",
      changes: [{ file: "service/kv/session.ts", find: "compareMarks(own, mark) < 0", replace: "false" }],
    },
    "what a transaction of a higher number wrote counts as newer": {
      test: "test/service/kv/session.test.ts",
      changes: [
        {
          file: "service/kv/session.ts",
          find: "view.stored !== null && view.stored.entry.version.time >= session.newest",
          replace: "view.stored !== null",
        },
      ],
    },
    "what was seen of an expelled cloud binds nobody, though another member may have it": {
      test: "test/service/kv/session.test.ts",
      changes: [
        {
          file: "service/kv/session.ts",
          find: "return !here.binding.has(cloud);",
          replace: "return true;",
        },
      ],
    },
    "a cache keeps what came last, not what is newest": {
      test: "test/service/cache/entries.test.ts",
      changes: [
        {
          file: caches,
          find: "there === undefined || isNewer(record, there) ||",
          replace: "true || isNewer(record, record) || there === undefined ||",
        },
      ],
    },
    "a large value is collected while a reader of its last entry is about to open it": {
      test: "test/service/blobs/collector.test.ts",
      changes: [{ file: "service/blobs/collector.ts", find: "if (since <= at - grace)", replace: "if (true)" }],
    },
    "a large value that is there may be collected before its entry is": {
      test: "test/service/replication/fetcher.test.ts",
      changes: [
        {
          file: merger,
          find: "(await this.#io.blobs.touch(entry.blob))",
          replace: "(await this.#io.blobs.has(entry.blob))",
        },
      ],
    },
    "peers get any blob that they name": {
      test: "test/service/replication/fetcher.test.ts",
      changes: [{ file: receiver, find: "entry.blob !== digest ||", replace: "" }],
    },
    "what a peer keeps in quarantine counts as confirmed": {
      test: "test/service/replication/confirmation.test.ts",
      changes: [{ file: confirmation, find: "quarantined?.has(path) === false", replace: "quarantined !== undefined" }],
    },
    "`all` means whoever answers first": {
      test: "test/service/replication/confirmation.test.ts",
      changes: [{ file: confirmation, find: 'level === "all" ? couriers.length : 1', replace: "1" }],
    },
    "each peer may have another part of what is confirmed": {
      test: "test/service/replication/confirmation.test.ts",
      changes: [
        { file: confirmation, find: "waiter, left: new Set(paths),", replace: "waiter, left: parts," },
        { file: confirmation, find: "let missing =", replace: "const parts = new Set(paths); let missing =" },
      ],
    },
    "records of the shared cache count as read when they are found there": {
      test: "test/service/cache/entries.test.ts",
      changes: [
        {
          file: caches,
          find: 'this.#options.count("l2");\n    return this.#keep(record);',
          replace: 'this.#options.count("l2");\n    return this.#keep({ ...record, readAt: this.now() });',
        },
      ],
    },
    "a counter's epoch outlives the floor": {
      test: "test/service/kv/carried.test.ts",
      changes: [
        {
          file: "service/kv/entry.ts",
          find: "return entry.epoch.time > floor ? entry :",
          replace: "return entry.epoch.time > -1n ? entry :",
        },
      ],
    },
    "a restored counter is added to the life that began after its backup": {
      test: "test/service/replication/restored.test.ts",
      changes: [
        { file: merger, find: "return compareVersions(entry.epoch, incoming.epoch) < 0;", replace: "return false;" },
      ],
    },
    "a merged counter forgets what it was born over when the floor has passed that": {
      test: "test/service/replication/restored.test.ts",
      changes: [
        {
          file: "service/kv/carried.ts",
          find: 'if (merged.kind !== "counter" || merged.epoch.time > 0n) return merged;',
          replace: "if (true) return merged;",
        },
      ],
    },
    "what was meant for the database of before a restore is taken": {
      test: "test/service/replication/restored.test.ts",
      changes: [
        { file: receiver, find: 'if (head.to !== self.incarnation) return refuse("incarnation");', replace: "" },
      ],
    },
    "an unconfirmed write is answered as one that failed": {
      test: "test/service/http/durability.test.ts",
      changes: [{ file: "service/http/durability.ts", find: '    "unconfirmed",', replace: '    "unavailable",' }],
    },
    "digests of a range are combined by exclusive or, not added up": {
      test: "test/service/replication/protocol.test.ts",
      changes: [{ file: "service/replication/digests.ts", find: "sum += digest;", replace: "sum ^= digest;" }],
    },
    "what a backup had in quarantine is merged, though it may have been deleted since": {
      test: "test/service/replication/restored.test.ts",
      changes: [
        {
          file: merger,
          find: "due.filter(({ entry }) => entry.version.time > self.floor);",
          replace: "due;",
        },
      ],
    },
  };

function ofSessions(changes: Readonly<Record<string, readonly [find: string, replace: string]>>) {
  const file = "service/kv/session.ts";
  const test = "test/service/kv/session-model.test.ts";
  return Object.fromEntries(
    Object.entries(changes).map(([name, [find, replace]]) => [name, { test, changes: [{ file, find, replace }] }]),
  );
}

function ofMembership(changes: Readonly<Record<string, readonly [file: string, find: string, replace: string]>>) {
  const test = "test/service/store/member.test.ts";
  return Object.fromEntries(
    Object.entries(changes).map(([name, [file, find, replace]]) => [
      name,
      { test, changes: [{ file: `service/store/postgres/member/${file}`, find, replace }] },
    ]),
  );
}

/** Makes all modules that are loaded from now on have this fault. Throws when the text to change is not there. */
export function mutate(name: string): void {
  const changes = mutations[name] ?? unitMutations[name]?.changes;
  if (changes === undefined) throw new Error(`expected one of ${Object.keys(mutations).join(", ")}, found ${name}`);
  change(changes);
}

/** Changes the text of what is loaded from now on. */
export function change(changes: readonly Mutation[]): void {
  const root = new URL("../../", import.meta.url);
  const texts = new Map<string, string>();
  for (const { file, find, replace } of changes) {
    const { href } = new URL(file, root);
    const text = texts.get(href) ?? readFileSync(fileURLToPath(href), "utf8");
    if (text.split(find).length !== 2) throw new Error(`expected "${find}" once in ${file}`);
    texts.set(
      href,
      text.replace(find, () => replace),
    );
  }
  registerHooks({
    load: (url, context, next) => {
      const source = texts.get(url);
      return source === undefined ? next(url, context) : { format: "module-typescript", source, shortCircuit: true };
    },
  });
}
