import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { BoxError } from "../box/error.ts";
import { openLog } from "../box/log.ts";
import { endGently, endWithUs, exitOf, untilReady } from "../box/process.ts";

const run = promisify(execFile);
const STARTUP_MS = 30_000;
/** dockerd gives containers ten seconds to end, and then ends itself. */
const ENDING_MS = 20_000;

/** A Docker engine that answers. */
export type Engine = {
  /** With which `docker` finds it. */
  environment: NodeJS.ProcessEnv;
  /** What `docker ...args` prints. Secrets go through `secrets` and `--env NAME`: others can read arguments. */
  docker(args: readonly string[], secrets?: Record<string, string>): Promise<string>;
  /** Ends the engine, with its containers and images, if it is our own. */
  close(): Promise<void>;
};

/** This machine's engine when one runs, else one of our own, which needs root and dockerd. */
export async function openEngine(): Promise<Engine> {
  const existing = engine(process.env, async () => {});
  if (await answers(existing)) return existing;
  if (process.getuid?.() !== 0) throw new BoxError("No Docker engine answers. Start Docker, or run this as root.");
  return startEngine();
}

async function startEngine(): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), "skykv-docker-"));
  const log = await openLog(join(folder, "dockerd.log"));
  const socket = `unix://${folder}/docker.sock`;
  // In a mount namespace of its own, so that none of its mounts outlives it. Containers share the host's network:
  // without bridge and packet filter it disturbs no other engine and needs no kernel module.
  const child = spawn(
    "unshare",
    [
      ...["--mount", "dockerd", "--host", socket, "--data-root", join(folder, "data")],
      ...["--exec-root", join(folder, "run"), "--pidfile", join(folder, "pid")],
      ...["--bridge", "none", "--iptables=false", "--ip6tables=false"],
    ],
    { stdio: ["ignore", log.fd, log.fd], detached: true },
  );
  const exited = exitOf(child);
  endWithUs(child, "TERM");
  const close = async () => {
    await endGently(child, exited, ENDING_MS, "SIGTERM");
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const own = engine({ ...process.env, DOCKER_HOST: socket }, close);
    if (await untilReady(child, "dockerd", STARTUP_MS, async () => (await answers(own)) || undefined)) return own;
    throw new BoxError(`dockerd did not start (Debian: apt-get install docker.io): ${await log.text()}`);
  } catch (error) {
    await close();
    throw error;
  } finally {
    await log.close();
  }
}

function engine(environment: NodeJS.ProcessEnv, close: Engine["close"]): Engine {
  return {
    environment,
    close,
    async docker(args, secrets) {
      const env = { ...environment, ...secrets };
      const { stdout } = await run("docker", args, { env, maxBuffer: 64 * 2 ** 20 }).catch((error) => {
        throw new BoxError(`docker ${args[0]} failed: ${error.stderr || error.message}`);
      });
      return stdout.trim();
    },
  };
}

async function answers(engine: Engine): Promise<boolean> {
  return engine.docker(["version"]).then(
    () => true,
    () => false,
  );
}
