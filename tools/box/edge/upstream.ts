import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { noConnection } from "./cut.ts";
import { connectFailure, type Failure, TimeUp } from "./failure.ts";

/** Seconds that Cloudflare gives a cloud. */
export type Timeouts = {
  /** For a connection to come about, TLS included. */
  readonly connect: number;
  /** Between two signs of life on a connection. */
  readonly read: number;
};

/** As Cloudflare documents them ("Connection limits") for zones that have not bought others. */
export const cloudflareTimeouts: Timeouts = { connect: 19, read: 120 };

export type UpstreamHead = {
  readonly method: string;
  /** As it came over the wire. */
  readonly target: string;
  readonly headers: readonly string[];
};

/** Connections to one cloud, kept alive between requests. */
export class Upstream {
  /** For a `Host` header. */
  readonly host: string;
  readonly #url: URL;
  readonly #encrypted: boolean;
  readonly #agent: HttpAgent;
  readonly #connectMs: number;
  readonly #isCutOff: () => boolean;

  constructor(url: string, timeouts: Timeouts, isCutOff: () => boolean) {
    this.#url = new URL(url);
    this.host = this.#url.host;
    this.#encrypted = this.#url.protocol === "https:";
    this.#agent = new (this.#encrypted ? HttpsAgent : HttpAgent)({ keepAlive: true });
    this.#connectMs = timeouts.connect * 1000;
    this.#isCutOff = isCutOff;
  }

  /** A request that nothing of was sent yet; `connected` tells when that may begin. */
  request({ method, target, headers }: UpstreamHead): ClientRequest {
    const send = this.#encrypted ? httpsRequest : httpRequest;
    const { hostname, port } = this.#url;
    const out = send({
      ...(this.#isCutOff() ? noConnection : { agent: this.#agent }),
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? undefined : port,
      method,
      path: target,
      headers,
    });
    // Bytes are bounded by Node; beyond a number of headers it drops them without a word.
    out.maxHeadersCount = 0;
    return out;
  }

  /** Resolves with null when the request has its connection, or with why it gets none. */
  connected(out: ClientRequest): Promise<Failure | null> {
    return new Promise((resolve) => {
      const settle = (failure: Failure | null) => {
        clearTimeout(timer);
        resolve(failure);
      };
      const timer = setTimeout(() => out.destroy(new TimeUp()), this.#connectMs);
      out.once("error", (error) => settle(connectFailure(error, this.#encrypted)));
      out.once("socket", (socket) => {
        if (out.reusedSocket) settle(null);
        else socket.once(this.#encrypted ? "secureConnect" : "connect", () => settle(null));
      });
    });
  }

  /** Ends all connections at once. */
  close(): void {
    this.#agent.destroy();
  }
}
