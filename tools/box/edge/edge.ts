/** What stands in front of the clouds: one port, steering and failover as Cloudflare's load balancer does them. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Region, type Steering, steer } from "../../../infra/edge/steering.ts";
import type { Cloud } from "../../../infra/names.ts";
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
  /** Answers what is asked below `/box`; without it a cloud does. */
  readonly control?: (request: IncomingMessage, response: ServerResponse) => void;
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
  readonly clouds: readonly (EdgeCloud & {
    readonly isCutOff: boolean;
    readonly health: Health;
    readonly traffic: CloudTraffic;
  })[];
};

export type Edge = {
  readonly url: string;
  state(): EdgeState;
  /**
   * Drains a cloud or takes it back. Requests under way there finish.
   * @throws RangeError when that would leave no active cloud
   */
  setState(cloud: Cloud, state: EdgeCloud["state"]): void;
  /** A cloud that is cut off gets no new connections. Those that it has go on. */
  cutOff(cloud: Cloud, isCutOff: boolean): void;
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
    find: (cloud) => endpoints.get(cloud as Cloud),
    route: (region) =>
      route(steering, region, (cloud) => endpoints.get(cloud)!.isUp).map((cloud) => endpoints.get(cloud)!),
  });
  const { control } = options;
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    control !== undefined && /^\/box(?=[/?]|$)/.test(request.url!)
      ? control(request, response)
      : proxy(request, response);
  const settings = { maxHeaderSize: maxHeaderBytes, headersTimeout, keepAliveTimeout, requestTimeout: 0 };
  const server = createServer(settings, handle);
  // Bytes are bounded; beyond a number of headers Node drops them without a word.
  server.maxHeadersCount = 0;
  // Whoever waits for "100 Continue" hears it from the cloud.
  server.on("checkContinue", handle);
  server.on("checkExpectation", handle);

  const edge = {
    state: () => ({
      policy,
      region,
      probe,
      fallback: steering.fallback,
      regions: steering.regions,
      clouds: [...endpoints.values()].map(({ member, isCutOff, health, traffic }) => ({
        ...member,
        isCutOff,
        health,
        traffic: traffic.read(),
      })),
    }),
    setState: (cloud: Cloud, state: EdgeCloud["state"]) => {
      const changed = members().map((member) => (member.cloud === cloud ? { ...member, state } : member));
      steering = steer(policy, changed);
      for (const member of changed) endpoints.get(member.cloud)!.member = member;
    },
    cutOff: (cloud: Cloud, isCutOff: boolean) => {
      endpoints.get(cloud)!.isCutOff = isCutOff;
    },
  };
  const listener = new Listener(server);
  const stop = async () => {
    await listener.drain();
    for (const endpoint of endpoints.values()) endpoint.stop();
  };
  try {
    const url = await listener.listen(host, port);
    for (const endpoint of endpoints.values()) endpoint.probe();
    return { ...edge, url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
