import { setTimeout as sleep } from "node:timers/promises";
import { Watcher } from "../processes/watcher.ts";
import { isReady, Kv } from "../support/kv.ts";
import { pick, randomFrom } from "../support/random.ts";
import { checkCopies } from "./checks/copies.ts";
import { checkCounters } from "./checks/counters.ts";
import { checkReads } from "./checks/reads.ts";
import { checkSessions } from "./checks/sessions.ts";
import { checkSwaps } from "./checks/swaps.ts";
import { checkWatch, isUpToDate } from "./checks/watches.ts";
import { checkWrites } from "./checks/writes.ts";
import { Client } from "./client.ts";
import { Clouds } from "./clouds.ts";
import { type FaultName, rage } from "./faults.ts";
import { type Call, prefixes, type Row } from "./history.ts";
import { type Loss, loseCloud } from "./loss.ts";

export type ChaosOptions = {
  readonly seconds: number;
  readonly seed: number;
  readonly faults: readonly FaultName[];
  /** Service processes of each cloud. */
  readonly processes: number;
  /** Hears now and then how far it is. */
  readonly onProgress: (line: string) => void;
};

export type ChaosResult = {
  readonly seed: number;
  readonly seconds: number;
  readonly calls: readonly Call[];
  readonly faults: ReadonlyMap<FaultName, number>;
  readonly watched: number;
  /** Milliseconds from the end of faults and load until the copies were equal, once for each round. */
  readonly converged: readonly number[];
  /** Of the cloud that was destroyed in the end; null: there were findings before. */
  readonly loss: Loss | null;
  /** What must not be, in words. Empty: all is well. */
  readonly findings: readonly string[];
  /** Where the databases and logs are, when there are findings. */
  readonly folders: readonly string[];
};

const names = ["aws", "gcp", "azure"];
const clientsPerCloud = 4;
/** After this part of its calls a session that moves goes to some cloud. */
const moves = 0.1;
/** Seconds of faults and load before everybody rests and the copies are compared. */
const roundSeconds = 45;
/** Milliseconds. The longest wait of the program is for a peer that failed again and again: 22 s. */
const convergenceLimit = 90_000;
const increments = 100;

/** Runs three clouds under load and faults, and judges what clients and watchers were told. Leaves nothing behind but findings. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const clouds = await Clouds.start(names, options.processes);
  const chaos = new Chaos(clouds, options);
  let failed = true;
  try {
    const result = await chaos.run();
    failed = result.findings.length > 0;
    return { ...result, folders: failed ? clouds.folders : [] };
  } finally {
    await clouds.close(failed);
  }
}

class Chaos {
  readonly #clouds: Clouds;
  readonly #options: ChaosOptions;
  readonly #calls: Call[] = [];
  readonly #faults = new Map<FaultName, number>();
  readonly #converged: number[] = [];
  readonly #findings: string[] = [];
  readonly #startedAt = performance.now();

  constructor(clouds: Clouds, options: ChaosOptions) {
    this.#clouds = clouds;
    this.#options = options;
  }

  async run(): Promise<Omit<ChaosResult, "folders">> {
    const { seed, seconds, onProgress } = this.#options;
    const random = randomFrom(seed);
    const watchers = new Map<string, Watcher>();
    for (const cloud of names)
      for (const kind of ["stream", "poll"] as const)
        watchers.set(`${kind} in ${cloud}`, await Watcher.start(kind, () => pick(random, this.#clouds.urlsOf(cloud))));
    const progress = setInterval(() => onProgress(this.#progress()), 5000);
    try {
      await this.#countApart();
      const clients = names.flatMap((cloud, i) =>
        Array.from({ length: clientsPerCloud }, (_, j) => this.#client(i * clientsPerCloud + j, cloud)),
      );
      const end = this.#startedAt + seconds * 1000;
      for (let round = 0; this.#findings.length === 0 && (round === 0 || performance.now() < end - 5000); round++) {
        const left = Math.max(10, (end - performance.now()) / 1000);
        await this.#round(clients, Math.min(roundSeconds, left), random);
        await this.#settle(watchers);
      }
    } finally {
      clearInterval(progress);
      await Promise.all([...watchers.values()].map((watcher) => watcher.stop()));
    }
    const loss = this.#findings.length === 0 ? await loseCloud(this.#clouds, random) : null;
    this.#findings.push(...(loss?.findings ?? []));
    return {
      loss,
      seed,
      seconds: (performance.now() - this.#startedAt) / 1000,
      calls: this.#calls,
      faults: this.#faults,
      watched: [...watchers.values()].reduce((sum, { events }) => sum + events.length, 0),
      converged: this.#converged,
      findings: this.#findings,
    };
  }

  /** Counts in all clouds while none hears of the others. The sum is checked with all other counters. */
  async #countApart(): Promise<void> {
    const links = this.#clouds.links.all();
    for (const link of links) link.trouble = { kind: "cut" };
    const key = `${prefixes.counters}apart`;
    const facts = { client: -1, key, kind: "increment", outcome: "ok", ttl: null, expected: null } as const;
    for (const cloud of names) {
      const kv = new Kv(this.#clouds.urlsOf(cloud)[0]!);
      for (let i = 0; i < increments; i++) {
        const invoked = performance.now();
        const value = String(await kv.increment(key));
        this.#calls.push({ ...facts, cloud, invoked, completed: performance.now(), version: null, value });
        if (Number(value) !== i + 1) this.#findings.push(`${key}: ${cloud}, by itself, counts ${value} after ${i}`);
      }
    }
    for (const link of links) link.trouble = null;
  }

  /** A session that begins in the cloud. */
  #client(id: number, cloud: string): Client {
    const random = randomFrom(this.#options.seed + id + 1);
    // Some stay where they are: what holds in one cloud must not be owed to the others.
    const mayMove = id % 2 === 1;
    const place = { cloud, urls: () => this.#clouds.urlsOf(place.cloud) };
    const record = (call: Call) => {
      this.#calls.push(call);
      if (mayMove && random() < moves) place.cloud = pick(random, names);
    };
    return new Client({ id, place, random, record });
  }

  async #round(clients: readonly Client[], seconds: number, random: () => number): Promise<void> {
    const { faults } = this.#options;
    const signal = AbortSignal.timeout(Math.round(seconds * 1000));
    const onFault = (name: FaultName) => this.#faults.set(name, (this.#faults.get(name) ?? 0) + 1);
    await Promise.all([
      ...clients.map((client) => client.run(signal)),
      rage(this.#clouds, faults, random, signal, onFault),
    ]);
  }

  /** Waits until all is well and equal, and checks everything that was told so far. */
  async #settle(watchers: ReadonlyMap<string, Watcher>): Promise<void> {
    const start = performance.now();
    const within = async (what: string, limit: number, isSo: () => Promise<string[]>) => {
      for (;;) {
        const wrong = await isSo().catch((error: Error) => [`${what}: ${error.message}`]);
        if (wrong.length === 0) return true;
        if (performance.now() > start + limit) {
          this.#findings.push(...wrong);
          return false;
        }
        await sleep(250);
      }
    };
    if (!(await within("the copies", convergenceLimit, async () => checkCopies(await this.#clouds.copies())))) return;
    this.#converged.push(performance.now() - start);
    await within("the processes", convergenceLimit, async () => {
      const ready = await Promise.all(
        this.#clouds.processes.map((name) => isReady(this.#clouds.service(name).metricsUrl)),
      );
      return this.#clouds.processes.filter((_, i) => !ready[i]).map((name) => `${name} is not ready again`);
    });
    for (const [who, watcher] of watchers) {
      const rows = await this.#clouds.rowsOf(who.split(" ").at(-1)!);
      await within(who, convergenceLimit, async () => (isUpToDate(watcher.events, rows) ? [] : [`${who} lags behind`]));
      this.#findings.push(
        ...checkWatch(who, watcher.events, rows),
        ...watcher.faults.map((fault) => `${who}: ${fault}`),
      );
    }
    this.#judge(await this.#clouds.rowsOf(names[0]!));
  }

  #judge(rows: ReadonlyMap<string, Row>): void {
    const calls = this.#calls;
    this.#findings.push(
      ...checkWrites(calls, rows),
      ...checkReads(calls),
      ...checkSessions(calls, ({ client }) => String(client)),
      ...checkCounters(calls, rows),
      ...checkSwaps(calls),
      ...this.#clouds.ended,
    );
  }

  #progress(): string {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    const unknown = this.#calls.filter(({ outcome }) => outcome === "unknown").length;
    const struck = [...this.#faults.values()].reduce((sum, count) => sum + count, 0);
    const now = [...this.#clouds.struck, ...this.#clouds.troubles()];
    return `${seconds} s: ${this.#calls.length} operations (${unknown} unknown), ${struck} faults${now.length > 0 ? `, now ${now.join(", ")}` : ""}`;
  }
}
