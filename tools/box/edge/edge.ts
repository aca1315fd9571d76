/** What stands in front of the clouds: one port, steering and failover as Cloudflare's load balancer does them. */
import { createServer } from "node:http";
import { type Region, type Steering, steer } from "../../../infra/edge/steering.ts";
import type { Cloud } from "../../../infra/names.ts";
import { createControl } from "./control.ts";
import { type EdgeCloud, Endpoint } from "./endpoint.ts";
import type { Health, ProbeSettings } from "./health.ts";
import { Listener } from "./listener.ts";
import { createProxy } from "./proxy.ts";
import { route } from "./route.ts";
import type { CloudTraffic } from "./traffic.ts";
import { cloudflareTimeouts, type Timeouts } from "./upstream.ts";

export type EdgeOptions = {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** Most preferred first, each at most once, at least one of them active. */
  readonly clouds: readonly EdgeCloud[];
  readonly policy: Steering["policy"];
  readonly probe: ProbeSettings;
  /** Where clients are who do not say so in `Edge-Region`. */
  readonly region: Region;
  /** Opens the control API. */
  readonly adminKey: string;
  /** Hears one line when a cloud comes up or goes down. */
  readonly say: (line: string) => void;
  readonly timeouts?: Timeouts;
};

export type EdgeState = {
  readonly policy: Steering["policy"];
  readonly region: Region;
  readonly probe: ProbeSettings;
  readonly fallback: Cloud;
  /** For each region the active clouds, first to last choice, whatever their health. */
  readonly regions: Steering["regions"];
  /** Most preferred first. */
  readonly clouds: readonly (EdgeCloud & { readonly health: Health; readonly traffic: CloudTraffic })[];
};

export type Edge = {
  readonly url: string;
  /** Of the control API, on this machine alone. */
  readonly controlUrl: string;
  state(): EdgeState;
  /**
   * Drains a cloud or takes it back. Requests under way there finish.
   * @throws RangeError when that would leave no active cloud
   */
  setState(cloud: Cloud, state: EdgeCloud["state"]): void;
  /** Takes no new requests; those under way have ten seconds. */
  stop(): Promise<void>;
};

/** Twice what the service takes, which can say itself, and better, what is too large. */
const maxHeaderBytes = 32 * 1024;
/** Milliseconds, as the service has it. */
const headersTimeout = 15_000;
/** Milliseconds that Cloudflare keeps an idle connection of a client. */
const keepAliveTimeout = 400_000;

/** Starts the edge; rejects when it cannot listen, or no cloud is active. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { host, port, policy, probe, region, say, timeouts = cloudflareTimeouts } = options;
  let steering = steer(policy, options.clouds);
  const endpoints = new Map(
    options.clouds.map((member) => [member.cloud, new Endpoint(member, { probe, timeouts, say })]),
  );
  const members = () => [...endpoints.values()].map(({ member }) => member);

  const proxy = createProxy({
    region,
    timeouts,
    route: (region) =>
      route(steering, region, (cloud) => endpoints.get(cloud)!.isUp).map((cloud) => endpoints.get(cloud)!),
  });
  const settings = { maxHeaderSize: maxHeaderBytes, headersTimeout, keepAliveTimeout, requestTimeout: 0 };
  const server = createServer(settings, proxy);
  // Bytes are bounded; beyond a number of headers Node drops them without a word.
  server.maxHeadersCount = 0;
  // Whoever waits for "100 Continue" hears it from the cloud.
  server.on("checkContinue", proxy);
  server.on("checkExpectation", proxy);

  const edge = {
    state: () => ({
      policy,
      region,
      probe,
      fallback: steering.fallback,
      regions: steering.regions,
      clouds: [...endpoints.values()].map(({ member, health, traffic }) => ({
        ...member,
        health,
        traffic: traffic.read(),
      })),
    }),
    setState: (cloud: Cloud, state: EdgeCloud["state"]) => {
      const changed = members().map((member) => (member.cloud === cloud ? { ...member, state } : member));
      steering = steer(policy, changed);
      for (const member of changed) endpoints.get(member.cloud)!.member = member;
    },
  };
  const listener = new Listener(server);
  const control = new Listener(createControl(edge, options.adminKey));
  const stop = async () => {
    await Promise.all([listener.drain(), control.drain()]);
    for (const endpoint of endpoints.values()) endpoint.stop();
  };
  try {
    const url = await listener.listen(host, port);
    const controlUrl = await control.listen("127.0.0.1", 0);
    for (const endpoint of endpoints.values()) endpoint.probe();
    return { ...edge, url, controlUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
