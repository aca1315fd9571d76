import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { locations } from "../../infra/edge/locations.ts";
import type { Cloud as CloudName } from "../../infra/names.ts";
import { type CertificateFiles, makeCertificates } from "./certificates.ts";
import { type Cloud, startCloud } from "./cloud.ts";
import { assertSpace } from "./cluster.ts";
import { createControl } from "./control.ts";
import { openData, publishUrl } from "./data.ts";
import { type Edge, startEdge } from "./edge/edge.ts";
import { act, boxState } from "./faults.ts";
import { PeerLinks } from "./peer-links.ts";
import { assertFree } from "./ports.ts";
import { untilServing } from "./serving.ts";
import { userOf } from "./user.ts";

/** All that runs on this machine for `npm start`. */
export type Box = {
  /** Where the API is served, without a slash at the end: by the edge, where there is one. */
  url: string;
  data: string;
  /** Holds the admin key. */
  keyFile: string;
  clouds: readonly Cloud[];
  /** Stops everything in order, after open requests have been answered. */
  stop(): Promise<void>;
  /** Ends everything at once; what was acknowledged is kept. */
  kill(): void;
};

export type BoxOptions = {
  /** {@link LOCAL}, or some of {@link CLOUDS}, the most preferred first. */
  clouds: readonly string[];
  /** The data folder, kept between runs. */
  data: string;
  /** Empty the data folder first. */
  fresh: boolean;
  host: string;
  /** The port of the API; the clouds take those behind it. 0 takes any. */
  port: number;
  /** Whom PostgreSQL runs as, where we are root. */
  postgresUid: number | undefined;
  /** Hears one line for each step. */
  say: (line: string) => void;
  /** The service's program. */
  serviceMain?: string | undefined;
};

/** A cloud by itself: no peers, no edge. */
export const LOCAL = "local";

/** Clouds that stand behind the edge, and the regions that they are said to be in: far from each other. */
export const CLOUDS: Readonly<Record<CloudName, { region: string }>> = {
  aws: { region: "us-east-1" },
  gcp: { region: "europe-west3" },
  azure: { region: "japaneast" },
};

const SERVICE_MAIN = join(import.meta.dirname, "../../service/main.ts");
/** A frozen cloud is found within five seconds, and one that is only busy is not taken for frozen. */
const PROBE = { interval: 1, timeout: 1, retries: 1, consecutiveDown: 2, consecutiveUp: 1 };

/** Starts the box; when that fails, nothing of it is left running. */
export async function startBox(options: BoxOptions): Promise<Box> {
  const { host, clouds: names, postgresUid, say, serviceMain = SERVICE_MAIN } = options;
  const ports = portsOf(options);
  for (const [what, port] of ports) await assertFree(hostOf(what, host), port, what);
  const data = resolve(options.data);
  const { keyFile } = await openData(data, names, options.fresh);
  await assertSpace(data, names.length);
  const postgresUser = postgresUid === undefined ? undefined : await userOf(postgresUid);

  await using stack = new AsyncDisposableStack();
  const running = new Map<string, Cloud>();
  const links = await PeerLinks.open(names, (name) => peerPortOf(running.get(name)));
  stack.defer(() => links.close());
  const certificates = names.length > 1 ? await makeCertificates(join(data, "certificates"), names) : undefined;
  const clouds = await allOrNone(
    names.map(async (name) => {
      const cloud = await startCloud({
        name,
        directory: join(data, name),
        host: hostOf(name, host),
        port: ports.get(name)!,
        adminKeyFile: keyFile,
        peering: certificates === undefined ? {} : peering(links.peersOf(name), certificates.get(name)!),
        main: serviceMain,
        postgresUser,
        say,
      });
      running.set(name, cloud);
      return cloud;
    }),
  );
  const stopClouds = async () => void (await Promise.all(clouds.map((cloud) => cloud.stop())));
  stack.defer(stopClouds);
  if (clouds.length > 1) await untilServing(clouds.map(({ service }) => service.now().url));
  const edge = names.includes(LOCAL) ? undefined : await startBoxEdge();
  const url = edge?.url ?? clouds[0]!.service.now().url;
  await publishUrl(data, names, url);
  // It has started: from now on `stop` ends all.
  stack.move();
  return {
    url,
    data,
    keyFile,
    clouds,
    stop: async () => {
      // Together: what is open at the edge ends when the clouds drain, watches above all.
      await Promise.all([edge?.stop(), stopClouds()]);
      await links.close();
    },
    kill: () => {
      for (const cloud of clouds) void cloud.kill();
    },
  };

  async function startBoxEdge(): Promise<Edge> {
    const adminKey = (await readFile(keyFile, "utf8")).trim();
    const parts = () => ({ clouds, links, edge });
    const control = createControl(
      { state: () => boxState(parts()), act: (...what) => act(parts(), ...what) },
      adminKey,
    );
    const edge: Edge = await startEdge({
      host,
      port: options.port,
      clouds: clouds.map(({ name, service }) => {
        const { url } = service.now();
        return { cloud: name as CloudName, url, readyUrl: `${url}/ready`, location: placeOf(name), state: "active" };
      }),
      policy: "geo",
      probe: PROBE,
      region: "WEU",
      control,
      say: (line) => say(`edge: ${line}`),
    });
    return edge;
  }
}

/** Who listens where; 0 takes any. */
function portsOf({ clouds, port }: BoxOptions): Map<string, number> {
  if (clouds.includes(LOCAL)) return new Map([[LOCAL, port]]);
  return new Map(["the edge", ...clouds].map((what, index) => [what, port === 0 ? 0 : port + index]));
}

/** Behind the edge, clouds serve this machine alone. */
function hostOf(who: string, host: string): string {
  return Object.hasOwn(CLOUDS, who) ? "127.0.0.1" : host;
}

function peerPortOf(cloud: Cloud | undefined): number | undefined {
  const url = cloud?.service.now().peerUrl;
  return url == null ? undefined : Number(new URL(url).port);
}

function peering(peers: string, { cert, key, ca }: CertificateFiles): Record<string, string> {
  return { PEERS: peers, PEER_PORT: "0", PEER_TLS_CERT_FILE: cert, PEER_TLS_KEY_FILE: key, PEER_TLS_CA_FILE: ca };
}

function placeOf(name: string) {
  const cloud = name as CloudName;
  return locations[cloud][CLOUDS[cloud].region]!;
}

/** All clouds, or, when one cannot start, its error, after the others have stopped. */
async function allOrNone(starts: Promise<Cloud>[]): Promise<Cloud[]> {
  const settled = await Promise.allSettled(starts);
  const failure = settled.find((one) => one.status === "rejected");
  const clouds = settled.filter((one) => one.status === "fulfilled").map((one) => one.value);
  if (failure === undefined) return clouds;
  await Promise.all(clouds.map((cloud) => cloud.stop()));
  throw failure.reason;
}
