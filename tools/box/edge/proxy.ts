import { randomBytes } from "node:crypto";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { type Region, regions } from "../../../infra/edge/steering.ts";
import type { Cloud } from "../../../infra/names.ts";
import { answerFailure, type Failure, isRetried } from "./failure.ts";
import { answerHeaders, cloudHeader, regionHeader, requestHeaders } from "./headers.ts";
import { sendProblem } from "./problem.ts";
import { discardBody, relay } from "./relay.ts";
import { Traffic } from "./traffic.ts";
import type { Timeouts, Upstream } from "./upstream.ts";

/** A cloud as the proxy sees it. */
export type Target = { readonly cloud: Cloud; readonly upstream: Upstream; readonly traffic: Traffic };

export type ProxyOptions = {
  /** Where clients are who do not say. */
  readonly region: Region;
  readonly timeouts: Timeouts;
  /** The clouds to ask, in order; at least one. */
  readonly route: (region: Region) => readonly Target[];
  readonly find: (cloud: string) => Target | undefined;
};

/** Hands a request to a cloud and its answer back, or says in Cloudflare's statuses why there is none. */
export function createProxy(options: ProxyOptions) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const region = request.headers[regionHeader.toLowerCase()] ?? options.region;
    const asked = request.headers[cloudHeader.toLowerCase()];
    const id = newId();
    if (!isRegion(region)) {
      const known = Object.keys(regions).join(", ");
      refuse({ request, response, id }, unexpected(regionHeader, `one of ${known}`, region));
      return;
    }
    const targets = asked === undefined ? options.route(region) : alone(options.find(String(asked)));
    if (targets.length === 0) {
      refuse({ request, response, id }, unexpected(cloudHeader, "a cloud behind this edge", asked));
      return;
    }
    // Node refuses to send what its own parser should not have let through: this connection ends, not the edge.
    forward(options, { request, response, id, region }, targets).catch(() => response.destroy());
  };
}

function unexpected(header: string, expected: string, found: unknown) {
  return { status: 400, detail: `expected ${header} to be ${expected}, found ${JSON.stringify(found)}` };
}

function isRegion(found: string | string[]): found is Region {
  return typeof found === "string" && Object.hasOwn(regions, found);
}

/** What goes to a cloud because it was asked for is not counted: it would hide how clients are steered. */
function alone(target: Target | undefined): Target[] {
  return target === undefined ? [] : [{ cloud: target.cloud, upstream: target.upstream, traffic: new Traffic() }];
}

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly region: Region;
};

/** Asks the first cloud, and the second when no connection to the first comes about: until then nothing was sent. */
async function forward(options: ProxyOptions, exchange: Exchange, targets: readonly Target[]): Promise<void> {
  let failure: Failure | null = null;
  for (const target of targets) {
    const out = open(target, exchange);
    failure = await target.upstream.connected(out);
    if (exchange.response.destroyed) return;
    if (failure === null) return carry(options, exchange, target, out);
    target.traffic.failed(failure.status);
    if (!isRetried(failure)) break;
  }
  refuse(exchange, failure!);
}

function carry(options: ProxyOptions, exchange: Exchange, { cloud, traffic }: Target, out: ClientRequest): void {
  const { request, response, id, region } = exchange;
  relay({
    request,
    response,
    out,
    patience: options.timeouts.read,
    headersOf: (answer) => {
      traffic.answered(region);
      return answerHeaders(answer.rawHeaders, id, cloud);
    },
    onFailure: (error) => {
      const failure = answerFailure(error);
      traffic.failed(failure.status);
      refuse(exchange, failure);
    },
  });
}

/** Answers for the clouds. */
function refuse(
  { request, response, id }: Pick<Exchange, "request" | "response" | "id">,
  { status, detail }: { status: number; detail: string },
): void {
  sendProblem(response, status, detail, id);
  discardBody(request);
}

/** A request to one cloud, which ends when the client leaves. */
function open({ upstream, traffic }: Target, { request, response, id }: Exchange): ClientRequest {
  const out = upstream.request({
    method: request.method!,
    target: request.url!,
    headers: requestHeaders({ method: request.method!, rawHeaders: request.rawHeaders }, id, upstream.host),
  });
  traffic.started();
  const leave = () => out.destroy();
  response.once("close", leave);
  out.once("close", () => {
    traffic.ended();
    response.off("close", leave);
  });
  return out;
}

const prefix = randomBytes(4).toString("hex");
let lastId = 0;

/** Unique in this process, and nearly so among all. */
function newId(): string {
  return `${prefix}-${(++lastId).toString(36)}`;
}
