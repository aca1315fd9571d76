import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Now } from "../kv/clock.ts";
import { UnderWay } from "../under-way.ts";
import { describe, type Exchange, sendProblem } from "./exchange.ts";
import { type Head, readHead } from "./head.ts";
import type { Metrics } from "./metrics.ts";
import { Problem, type ProblemCode, problemType } from "./problems.ts";
import { noLimits } from "./rate-limits.ts";

export type Tls = {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Given: clients must show a certificate that it signed. */
  readonly clientCa: Buffer | null;
};

export type ServerOptions = {
  readonly host: string;
  readonly port: number;
  readonly tls: Tls | null;
  /** Open connections; those beyond get 429. */
  readonly maxConnections: number;
  readonly handle: (exchange: Exchange) => void;
  readonly monotonic: Now;
  readonly log: Logger;
  readonly metrics: Metrics;
};

/** Milliseconds: above the idle times of every cloud's load balancer (GCP's is fixed at 600 s), else they see resets. */
const keepAliveTimeout = 620_000;
/** Milliseconds that a client may take to send its headers. */
const headersTimeout = 15_000;
/** Milliseconds for busy clients to hear that their connection closes. */
const goodbyeMs = 250;
const maxHeaderBytes = 16 * 1024;

/** The listener of the API: connections, timeouts, malformed HTTP, request ids, timing. What is asked is others' business. */
export class ApiServer {
  readonly #options: ServerOptions;
  #server: Server;
  readonly #sockets = new Set<Duplex>();
  /** Since when those of them are open that have not sent a request yet: Node does not count them as idle. */
  readonly #unused = new Map<Duplex, number>();
  /** Answers that are under way. */
  readonly #open = new UnderWay<ServerResponse>();
  /** Of the configuration; where that was 0, the one that was found free. */
  #port: number;
  #draining = false;
  readonly #logsRequests: boolean;
  #lastId = 0;
  readonly #idPrefix = Math.random().toString(36).slice(2, 8);

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#logsRequests = options.log.isLevelEnabled("debug");
    this.#server = this.#create();
  }

  #create(): Server {
    const { tls } = this.#options;
    const settings = {
      keepAliveTimeout,
      headersTimeout,
      requestTimeout: 0,
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: 1000,
      joinDuplicateHeaders: false,
      // Looked at by `checkHost`, which answers with a problem.
      requireHostHeader: false,
    };
    const listener = (req: IncomingMessage, res: ServerResponse) => this.serve(req, res);
    const client = tls?.clientCa ? { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true } : {};
    const server = tls
      ? createHttps({ ...settings, cert: tls.cert, key: tls.key, minVersion: "TLSv1.2", ...client }, listener)
      : createHttp(settings, listener);
    server.on(tls ? "secureConnection" : "connection", (socket: Socket) => this.#admit(socket));
    // Expectations other than 100-continue are passed over.
    server.on("checkExpectation", listener);
    server.on("clientError", (error, socket) => this.#refuse(socket, faultOf(error as NodeJS.ErrnoException)));
    return server;
  }

  #admit(socket: Socket): void {
    const { maxConnections } = this.#options;
    if (this.#sockets.size >= maxConnections) {
      refuse(
        socket,
        "too-many-connections",
        `at most ${maxConnections} connections are open at once; close some, or wait`,
        { limit: maxConnections },
      );
      return;
    }
    this.#sockets.add(socket);
    this.#unused.set(socket, this.#options.monotonic());
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#unused.delete(socket);
    });
  }

  /** What cannot be parsed is refused behind the answer to the request before it, which may have been carried out. */
  #refuse(socket: Duplex, fault: ReturnType<typeof faultOf>): void {
    const last = [...this.#open].findLast(({ req }) => req.socket === socket);
    if (last === undefined || (!last.req.complete && !last.headersSent)) refuse(socket, ...fault);
    else if (!last.req.complete) socket.destroy();
    else if (last.shouldKeepAlive) {
      last.shouldKeepAlive = false;
      last.once("close", () => refuse(socket, ...fault));
    }
  }

  /** Answers a request, one of the listener or one that another cloud passes on. */
  serve(req: IncomingMessage, res: ServerResponse, passedBy: string | null = null): void {
    const { monotonic, log, handle } = this.#options;
    this.#unused.delete(req.socket);
    const head = readHead(req.rawHeaders);
    const exchange: Exchange = {
      req,
      res,
      head,
      id: this.#idOf(head),
      log,
      route: "other",
      principal: null,
      passedBy,
      limits: noLimits,
      startedAt: monotonic(),
      state: "open",
      onSent: this.#count,
    };
    if (this.#draining) res.shouldKeepAlive = false;
    try {
      checkHost(head, req.httpVersion);
      handle(exchange);
    } catch (error) {
      sendProblem(exchange, error);
    }
    // It goes at the end of this turn, and does not wait behind an earlier answer: nothing is left to watch.
    if (exchange.state === "leaving" && res.socket !== null) return;
    exchange.state = "watched";
    const place = this.#open.add(res);
    res.on("close", () => {
      this.#open.delete(place);
      this.#count(exchange);
    });
  }

  readonly #count = (exchange: Exchange): void => {
    const { monotonic, metrics, log } = this.#options;
    const seconds = (monotonic() - exchange.startedAt) / 1000;
    metrics.request(exchange.route, methodLabel(exchange.req.method!), exchange.res.statusCode, seconds);
    if (this.#logsRequests) log.debug({ ...describe(exchange), seconds }, "request");
  };

  /** The client's `X-Request-Id` if it is sane, else our own: unique in the process, and nearly so among all. */
  #idOf({ requestId }: Head): string {
    if (requestId !== undefined && /^[\w.:/+=-]{1,128}$/.test(requestId)) return requestId;
    return `${this.#idPrefix}-${(++this.#lastId).toString(36)}`;
  }

  /** Rejects when it cannot listen. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: this.#options.host, port: this.#port, backlog: 1024 }, () => {
        this.#server.off("error", reject);
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  get port(): number {
    return this.#port;
  }

  /** Stops taking connections; those that are open go on. A refused connection is retried elsewhere at once, a 503 is not. */
  closeListener(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  /** Takes connections again after {@link closeListener}. */
  async reopen(): Promise<void> {
    this.#server = this.#create();
    await this.listen();
  }

  /** Ends gracefully: no new connections, open requests finish, then connections close; after `deadline` ms by force. */
  async drain(deadline: number): Promise<void> {
    this.#draining = true;
    // From now on each answer is the last of its connection and says so. A client that was just answered may be sending
    // its next request: closing its connection before it was told would lose that one.
    for (const res of this.#open) res.shouldKeepAlive = false;
    await sleep(goodbyeMs);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const idle = setInterval(() => {
      this.#server.closeIdleConnections();
      const now = this.#options.monotonic();
      for (const [socket, since] of this.#unused) if (now - since > unusedMs) socket.destroy();
    }, 50);
    const force = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, deadline);
    await closed;
    clearInterval(idle);
    clearTimeout(force);
  }
}

/** A connection that has sent nothing for so long is one in reserve, as browsers and clients have: it loses nothing. */
const unusedMs = 1000;

const methods = new Set(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"]);
function methodLabel(method: string): string {
  return methods.has(method) ? method : "OTHER";
}

/** Two of them are how requests are smuggled past proxies. */
function checkHost({ hosts }: Head, httpVersion: string): void {
  if (hosts > 1 || (hosts === 0 && httpVersion !== "1.0")) {
    throw new Problem("bad-request", `expected one Host header, found ${hosts === 0 ? "none" : "several"}`);
  }
}

function faultOf(error: NodeJS.ErrnoException): [ProblemCode, string, Record<string, unknown>?] {
  if (error.code === "HPE_HEADER_OVERFLOW") {
    return ["headers-too-large", `the headers may have ${maxHeaderBytes} bytes in all`, { limit: maxHeaderBytes }];
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return [
      "request-timeout",
      `expected the headers within ${headersTimeout / 1000} s`,
      { limit: headersTimeout / 1000 },
    ];
  }
  return ["bad-request", "expected HTTP/1.1; the request could not be parsed"];
}

/** A problem on a connection that no request can be read from. */
function refuse(socket: Duplex, code: ProblemCode, detail: string, members: Record<string, unknown> = {}): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const problem = new Problem(code, detail, members);
  const body = JSON.stringify(problem.body());
  const head = `HTTP/1.1 ${problem.status} ${problem.code}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n`;
  socket.end(head + body);
  socket.on("error", () => socket.destroy());
  setTimeout(() => socket.destroy(), 1000).unref();
}
