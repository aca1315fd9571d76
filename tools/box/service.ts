import { spawn } from "node:child_process";
import { BoxError } from "./error.ts";
import { openLog } from "./log.ts";
import { describeExit, type Exit, endGently, endWithUs, exitOf, untilReady } from "./process.ts";

/** A running service process. */
export type Service = {
  url: string;
  metricsUrl: string;
  /** Where its peers reach it; null: it has none. */
  peerUrl: string | null;
  pid: number;
  exited: Promise<Exit>;
  /** Lets it drain: open requests finish, the last batch commits. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
};

const READY_MS = 30_000;
/** Above the service's own deadline for draining. */
const DRAIN_MS = 40_000;
const LONGEST_WORDS = 500;

/**
 * Runs the service's program until it listens. It logs into a file, not a pipe: a pipe would break when the box is
 * killed, in the middle of the drain that follows.
 */
export async function startService(options: {
  main: string;
  environment: NodeJS.ProcessEnv;
  logPath: string;
}): Promise<Service> {
  const log = await openLog(options.logPath);
  const child = spawn(process.execPath, [options.main], {
    env: options.environment,
    stdio: ["ignore", log.fd, log.fd],
    // In a session of its own: Ctrl-C in the terminal reaches the box alone, which stops things in order.
    detached: true,
  });
  const exited = exitOf(child);
  endWithUs(child, "TERM");
  try {
    const ready = await untilReady(child, "The service", READY_MS, async () => listening(await log.text()));
    if (ready === undefined) {
      const how = describeExit(await exited);
      throw new BoxError(`The service did not start (${how}): ${lastWords(await log.text())}. Its log is ${log.path}.`);
    }
    return {
      url: String(ready.url),
      metricsUrl: String(ready.metricsUrl),
      peerUrl: typeof ready.peerUrl === "string" ? ready.peerUrl : null,
      pid: child.pid!,
      exited,
      stop: () => endGently(child, exited, DRAIN_MS, "SIGTERM"),
      kill: (signal) => void child.kill(signal),
    };
  } finally {
    await log.close();
  }
}

/** The log line that says where the service listens. */
function listening(text: string): Record<string, unknown> | undefined {
  return text
    .split("\n")
    .map(parse)
    .find((line) => line.msg === "listening");
}

/** What a service that has ended said last, on one line: its plain text, or else the message of its last log line. */
function lastWords(text: string): string {
  const lines = text.trim().split("\n");
  const plain = lines.filter((line) => !line.startsWith("{") && !/^\s+at /.test(line)).map((line) => line.trim());
  return plain.join(" ").slice(0, LONGEST_WORDS) || String(parse(lines.at(-1)!).msg ?? "it said nothing");
}

function parse(line: string): Record<string, unknown> {
  if (!line.startsWith("{")) return {};
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
