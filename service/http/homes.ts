/** Requests of namespaces whose home is another cloud: passed on to it, and its answer passed back. */
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import type { TLSSocket } from "node:tls";
import type { Replication } from "../replication/replication.ts";
import type { Exchange } from "./exchange.ts";
import type { Namespace, Namespaces } from "./namespaces.ts";
import { Problem } from "./problems.ts";
import { chunksOf } from "./request.ts";
import type { Service } from "./service.ts";

/** Milliseconds until the home's answer must begin: above the deadlines that the home has itself. */
const answerTimeout = 15_000;
/** Milliseconds that an answer may stall. */
const stallTimeout = 30_000;

/** The part of a service that tells who decides; `peers` is null where this is the only cloud. */
type Place = {
  readonly cloud: string;
  readonly peers: { readonly replication: Pick<Replication, "hasMet"> } | null;
};

/**
 * Whether this cloud decides the writes of the namespace; false: they are its home's, see {@link passToHome}. Throws 503
 * while nobody may decide. What the process knows may have changed: the transaction of each write checks it again.
 */
export function isDecidedHere(
  { cloud, peers }: Place,
  exchange: Pick<Exchange, "passedBy">,
  namespace: Namespace,
): boolean {
  const { name, home, movingTo } = namespace;
  if (peers === null || (home === null && movingTo === null)) return true;
  if (movingTo !== null) throw homeMoving(name);
  if (home !== cloud) {
    if (exchange.passedBy === null) return false;
    throw homeMoving(name);
  }
  if (peers.replication.hasMet()) return true;
  throw new Problem(
    "home-unreachable",
    `this cloud was the home of ${name} when it ended, and has not heard from another one yet that it still is; nothing was done, try again`,
  );
}

/** As {@link isDecidedHere}, for what only a home can promise. Throws 409 where there is none. */
export function isDecidedAtHome(
  service: Place,
  exchange: Pick<Exchange, "passedBy">,
  namespace: Namespace,
  what: string,
): boolean {
  if (service.peers !== null && namespace.home === null && namespace.movingTo === null) {
    throw new Problem(
      "no-home",
      `${what} needs a namespace with a home cloud, and ${namespace.name} has none; give it one with POST /v1/namespaces/${namespace.name}:move-home`,
    );
  }
  return isDecidedHere(service, exchange, namespace);
}

/** Throws unless this cloud is still the home of what was read meanwhile: where it has moved, newer states may exist. */
export async function confirmHome(
  service: Place & { readonly namespaces: Pick<Namespaces, "readNow"> },
  { name, homeEpoch }: Namespace,
): Promise<void> {
  if (service.peers === null) return;
  const now = await service.namespaces.readNow(name);
  if (now?.homeEpoch !== homeEpoch) throw homeMoving(name);
}

export function homeMoving(name: string): Problem {
  return new Problem("home-moving", `the home of ${name} is being moved; nothing was done, try again`);
}

/**
 * Has the request carried out by the namespace's home. The home checks everything itself, credential and scope too, as if
 * the client had come to it. `body` is given where it was read already.
 */
export async function passToHome(
  service: Service,
  exchange: Exchange,
  { name, home }: Pick<Namespace, "name" | "home">,
  body?: Buffer,
): Promise<void> {
  const { req, res } = exchange;
  const sending = service.peers!.request(home!, {
    method: req.method!,
    path: req.url!,
    headers: requestHeaders(exchange, body),
  });
  // Before it is there nothing can have been done.
  let isConnected = false;
  sending.on("socket", (socket: TLSSocket) => {
    const connected = () => {
      isConnected = true;
    };
    if (socket.connecting || socket.getPeerCertificate() === null) socket.once("secureConnect", connected);
    else connected();
  });
  const abandoned = () => void sending.destroy();
  res.once("close", abandoned);
  try {
    const answering = new Promise<IncomingMessage>((resolve, reject) => {
      sending.once("response", resolve).on("error", reject);
    });
    answering.catch(() => {});
    if (body !== undefined) sending.end(body);
    // The home may refuse a body and answer before it has read it all: then the answer counts.
    else await Promise.race([pipeline(chunksOf(req), sending), answering]).catch(onlyProblems);
    sending.setTimeout(answerTimeout, () => sending.destroy(new Error("the home did not answer in time")));
    const answer = await answering;
    sending.setTimeout(stallTimeout);
    res.writeHead(answer.statusCode!, answerHeaders(answer));
    await pipeline(answer, res);
  } catch (error) {
    sending.destroy();
    if (error instanceof Problem) throw error;
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const isRead = req.method === "GET" || req.method === "HEAD";
    throw isConnected && !isRead
      ? new Problem(
          "uncertain",
          `${home}, the home of ${name}, did not answer: it may have done what was asked, or not`,
        )
      : new Problem("home-unreachable", `${home}, the home of ${name}, cannot be reached; nothing was done, try again`);
  } finally {
    res.off("close", abandoned);
  }
}

/** A body that stalls or breaks off is the client's fault. That the home hung up shows with the answer, or for want of one. */
function onlyProblems(error: unknown): void {
  if (error instanceof Problem) throw error;
}

/** Belong to one connection (RFC 9110, 7.6.1), or are said anew. */
const ofConnection = new Set(
  "connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect host origin x-request-id date".split(
    " ",
  ),
);

function requestHeaders({ req, id }: Exchange, body: Buffer | undefined): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { "X-Request-Id": id };
  for (const [name, value] of Object.entries(req.headers))
    if (!ofConnection.has(name) && value !== undefined) headers[name] = value;
  if (body !== undefined) headers["content-length"] = String(body.length);
  return headers;
}

function answerHeaders({ rawHeaders }: IncomingMessage): string[] {
  const headers: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (!ofConnection.has(rawHeaders[i]!.toLowerCase())) headers.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  return headers;
}
