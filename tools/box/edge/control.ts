import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Cloud } from "../../../infra/names.ts";
import type { Edge } from "./edge.ts";

/** What the control API works on. */
type Controlled = Pick<Edge, "state" | "setState">;

/**
 * The edge's control API. With `Authorization: Bearer <admin key>`:
 *
 * - `GET /v1/edge`: the {@link EdgeState}: steering, health, last probes and traffic of each cloud
 * - `POST /v1/edge/clouds/{cloud}:drain` and `:undrain`: takes traffic off a cloud and puts it back; answers the state.
 *   409 when it is the last active one
 */
export function createControl(edge: Controlled, adminKey: string): Server {
  const expected = digest(`Bearer ${adminKey}`);
  return createServer((request, response) => {
    request.resume();
    const authorized = timingSafeEqual(digest(request.headers.authorization ?? ""), expected);
    if (!authorized) send(response, 401, { detail: "expected Authorization: Bearer with the box's admin key" });
    else answer(edge, request, response);
  });
}

function answer(edge: Controlled, { method, url }: IncomingMessage, response: ServerResponse): void {
  const [, cloud, action] = /^\/v1\/edge\/clouds\/([a-z]+):(drain|undrain)$/.exec(url!) ?? [];
  const isKnown = edge.state().clouds.some((known) => known.cloud === cloud);
  if (method === "GET" && url === "/v1/edge") send(response, 200, edge.state());
  else if (method === "POST" && isKnown) setState(edge, cloud as Cloud, action === "drain", response);
  else send(response, 404, { detail: "expected GET /v1/edge or POST /v1/edge/clouds/{cloud}:drain or :undrain" });
}

function setState(edge: Controlled, cloud: Cloud, drain: boolean, response: ServerResponse): void {
  try {
    edge.setState(cloud, drain ? "drained" : "active");
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    send(response, 409, { detail: `${cloud} is the last active cloud; undrain another one first` });
    return;
  }
  send(response, 200, edge.state());
}

function send(response: ServerResponse, status: number, body: object): void {
  const isProblem = status >= 400;
  response.writeHead(status, {
    "Content-Type": isProblem ? "application/problem+json" : "application/json",
    "Cache-Control": "no-store",
  });
  response.end(JSON.stringify(isProblem ? { type: "about:blank", status, ...body } : body));
}

/** Of equal length, and compared in constant time whatever was sent. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
