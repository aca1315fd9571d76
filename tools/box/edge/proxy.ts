import { randomBytes } from "node:crypto";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { type Region, regions } from "../../../infra/edge/steering.ts";
import type { Cloud } from "../../../infra/names.ts";
import { answerFailure, type Failure, isRetried } from "./failure.ts";
import { answerHeaders, regionHeader, requestHeaders } from "./headers.ts";
import { sendProblem } from "./problem.ts";
import { discardBody, relay } from "./relay.ts";
import type { Traffic } from "./traffic.ts";
import type { Timeouts, Upstream } from "./upstream.ts";

/** A cloud as the proxy sees it. */
export type Target = { readonly cloud: Cloud; readonly upstream: Upstream; readonly traffic: Traffic };

export type ProxyOptions = {
  /** Where clients are who do not say. */
  readonly region: Region;
  readonly timeouts: Timeouts;
  /** The clouds to ask, in order; at least one. */
  readonly route: (region: Region) => readonly Target[];
};

/** Hands a request to a cloud and its answer back, or says in Cloudflare's statuses why there is none. */
export function createProxy(options: ProxyOptions) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const region = request.headers[regionHeader.toLowerCase()] ?? options.region;
    const id = newId();
    if (isRegion(region)) {
      // Node refuses to send what its own parser should not have let through: this connection ends, not the edge.
      forward(options, { request, response, id, region }).catch(() => response.destroy());
      return;
    }
    const known = Object.keys(regions).join(", ");
    const detail = `expected ${regionHeader} to be one of ${known}, found ${JSON.stringify(region)}`;
    refuse({ request, response, id }, { status: 400, detail });
  };
}

function isRegion(found: string | string[]): found is Region {
  return typeof found === "string" && Object.hasOwn(regions, found);
}

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly region: Region;
};

/** Asks the first cloud, and the second when no connection to the first comes about: until then nothing was sent. */
async function forward(options: ProxyOptions, exchange: Exchange): Promise<void> {
  let failure: Failure | null = null;
  for (const target of options.route(exchange.region)) {
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
