import type { Measured } from "./load.ts";
import type { Measurable, Servers } from "./servers.ts";
import { processorSeconds } from "./usage.ts";
import type { Workload } from "./workloads.ts";

/** Parts of one core that were in use during a round; null where the system does not tell. */
export type Usage = {
  readonly server: number | null;
  readonly client: number | null;
  readonly database: number | null;
};

export type Round = Measured & {
  readonly usage: Usage;
  /** Microseconds of the server's processor time for one answer: what says most when other programs run too. */
  readonly cost: number | null;
};

/** A workload on both servers, round by round; the rounds of a pair followed each other. */
export type Result = {
  readonly workload: Workload;
  /** Their names. */
  readonly subject: string;
  readonly reference: string;
  readonly rounds: readonly { readonly subject: Round; readonly reference: Round }[];
};

export type Plan = {
  readonly rounds: number;
  /** Of one round. */
  readonly seconds: number;
  /** Seconds that the subject runs before it counts: what V8 has not compiled yet costs several times as much. */
  readonly warmUp: number;
};

/** Seconds: the bare server has little to compile, and the service behind the edge is warmed through it. */
const referenceWarmUp = 1;

/** Subject and reference in turns, so that whatever else the machine does meets both. */
export async function measure(servers: Servers, workload: Workload, plan: Plan): Promise<Result> {
  const { subject, reference } = servers.pair(workload.cacheBytes);
  const round = (server: Measurable, seconds: number) => measureRound(servers, workload, server, seconds);
  await round(reference, referenceWarmUp);
  await round(subject, plan.warmUp);
  const rounds: { subject: Round; reference: Round }[] = [];
  while (rounds.length < plan.rounds) {
    rounds.push({ reference: await round(reference, plan.seconds), subject: await round(subject, plan.seconds) });
  }
  return { workload, subject: subject.name, reference: reference.name, rounds };
}

async function measureRound(
  servers: Servers,
  workload: Workload,
  measured: Measurable,
  seconds: number,
): Promise<Round> {
  const processes = [measured.pid, servers.clientPid, servers.databasePid];
  const { keys, reads } = workload;
  const startedAt = performance.now();
  const before = processes.map(processorSeconds);
  const answered = await servers.measure({ port: measured.port, keys, reads, seconds });
  const elapsed = (performance.now() - startedAt) / 1000;
  const [server, client, database] = processes.map((pid, i) => {
    const [from, to] = [before[i]!, processorSeconds(pid)];
    return from === null || to === null ? null : (to - from) / elapsed;
  }) as [number | null, number | null, number | null];
  const cost = server === null ? null : (server * elapsed * 1e6) / answered.answers;
  return { ...answered, cost, usage: { server, client, database } };
}

/** Figures of all rounds of one server. */
export type Figures = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cost: number | null;
  readonly usage: Usage;
};

export function figures(rounds: readonly Round[]): Figures {
  const of = (read: (round: Round) => number) => median(rounds.map(read));
  const ifKnown = (read: (round: Round) => number | null) => {
    const values = rounds.map(read);
    return values.every((value) => value !== null) ? median(values) : null;
  };
  return {
    perSecond: of(({ answers, seconds }) => answers / seconds),
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    cost: ifKnown(({ cost }) => cost),
    usage: {
      server: ifKnown(({ usage }) => usage.server),
      client: ifKnown(({ usage }) => usage.client),
      database: ifKnown(({ usage }) => usage.database),
    },
  };
}

/** Requests a second of the subject as a part of the reference's: the median of the pairs. */
export function ratio({ rounds }: Result): number {
  return median(rounds.map(({ subject, reference }) => subject.answers / reference.answers));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}
