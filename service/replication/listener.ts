import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TLSSocket } from "node:tls";
import { pack, unpack } from "./compression.ts";
import type { BlobRequest } from "./io.ts";
import { maxSentBytes, type PeerTls, stallTimeout } from "./link.ts";

export type ListenerOptions = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: PeerTls;
  readonly peers: ReadonlySet<string>;
  readonly receive: (peer: string, message: Uint8Array) => Promise<Uint8Array>;
  /** Null: there is no such blob for a peer. */
  readonly openBlob: (request: BlobRequest) => Promise<Readable | null>;
  /** Carries out a client's request that the peer passes on. */
  readonly serve: (request: IncomingMessage, response: ServerResponse, peer: string) => void;
  /** Somebody without a member's certificate, or with a message that is none. Never holds content. */
  readonly onRefused: (reason: string) => void;
  readonly onTrouble: (error: unknown) => void;
};

/** Messages of one peer that are worked on at once; it sends fewer itself. More would be memory that it can take from us. */
const maxPerPeer = 16;
/** Blobs that are sent to one peer at once: two to each of a few processes. */
const maxBlobsPerPeer = 8;
/** Clients' requests of one peer at once. */
const maxServed = 256;
/** Milliseconds for a whole message. */
const requestTimeout = 10_000;

/** The peers' port: HTTPS, where only members' certificates open anything. */
export class PeerListener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #active = new Map<string, number>();
  readonly #blobs = new Map<string, number>();
  readonly #served = new Map<string, number>();
  /** To read a certificate takes as long as to answer a small message. */
  readonly #names = new WeakMap<TLSSocket, string>();

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        ...options.tls,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: "TLSv1.3",
        // Clients' values may take longer, and have time limits of their own.
        requestTimeout: 0,
        headersTimeout: requestTimeout,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.on("tlsClientError", () => options.onRefused("certificate"));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject).listen(this.#options.port, this.#options.host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** The common name of the certificate at the other end; undefined when there is none. */
  #nameOf(socket: TLSSocket): string | undefined {
    const known = this.#names.get(socket);
    if (known !== undefined) return known;
    const name = socket.getPeerCertificate().subject?.CN;
    if (name === undefined || Array.isArray(name)) return undefined;
    this.#names.set(socket, name);
    return name;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { peers, receive, serve, onRefused, onTrouble } = this.#options;
    const refuse = (status: number, reason: string) => {
      onRefused(reason);
      // What is still on its way is not read.
      response.writeHead(status, { Connection: "close" }).end();
    };
    const peer = this.#nameOf(request.socket as TLSSocket);
    if (peer === undefined || !peers.has(peer)) return refuse(403, "stranger");
    if (request.url!.startsWith("/v1/")) {
      const served = this.#served.get(peer) ?? 0;
      if (served >= maxServed) return refuse(503, "busy");
      this.#served.set(peer, served + 1);
      response.once("close", () => this.#served.set(peer, this.#served.get(peer)! - 1));
      return serve(request, response, peer);
    }
    const blob = request.method === "GET" ? blobRequestOf(request) : null;
    if (blob === null && (request.method !== "POST" || request.url !== "/replication")) return refuse(404, "path");
    const [counts, most] = blob === null ? [this.#active, maxPerPeer] : [this.#blobs, maxBlobsPerPeer];
    const active = counts.get(peer) ?? 0;
    if (active >= most) return refuse(429, "busy");
    counts.set(peer, active + 1);
    let late: NodeJS.Timeout | undefined;
    try {
      if (blob !== null) return await this.#sendBlob(blob, response);
      late = setTimeout(() => request.destroy(new Error("expected the whole message in time")), requestTimeout);
      const sent = await bodyOf(request);
      clearTimeout(late);
      if (sent === null) return refuse(413, "oversized");
      const message = await unpack(sent).catch(() => null);
      if (message === null) return refuse(400, "malformed");
      const answer = await pack(await receive(peer, message));
      response
        .writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": answer.length })
        .end(answer);
    } catch (error) {
      // The store's troubles, or a peer that went away: it tries again.
      onTrouble(error);
      if (response.headersSent) response.destroy();
      else response.writeHead(503).end();
    } finally {
      clearTimeout(late);
      counts.set(peer, counts.get(peer)! - 1);
    }
  }

  async #sendBlob(blob: BlobRequest, response: ServerResponse): Promise<void> {
    const bytes = await this.#options.openBlob(blob);
    if (bytes === null) {
      response.writeHead(404).end();
      return;
    }
    // A peer that stopped reading would keep the file open.
    response.setTimeout(stallTimeout, () => response.destroy());
    response.writeHead(206, { "Content-Type": "application/octet-stream" });
    await pipeline(bytes, response);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    setTimeout(() => this.#server.closeAllConnections(), 1000).unref();
    await closed;
  }
}

/** Null when it is none. */
function blobRequestOf({ url, headers }: IncomingMessage): BlobRequest | null {
  const target = /^\/blobs\/([0-9a-f]{64})\?(.+)$/.exec(url!);
  const path = new URLSearchParams(target?.[2]).get("path");
  const start = /^bytes=(\d{1,15})-$/.exec(headers.range ?? "")?.[1];
  // The database would refuse a NUL.
  if (target === null || path === null || path.includes("\0") || start === undefined) return null;
  return { path, digest: target[1]!, start: Number(start) };
}

/** Null when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers["content-length"] ?? 0) > maxSentBytes) return null;
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxSentBytes) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
