import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import type { PeerCertificate } from "node:tls";
import { pack, unpack } from "./compression.ts";
import type { BlobRequest, Link } from "./io.ts";

/** Certificate and key of this cloud, and the authority that signs those of all members. The common name is the cloud's. */
export type PeerTls = { readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer };

/** Milliseconds until an answer is given up. */
const timeout = 5000;
/**
 * Connections to one peer. Blobs and clients' requests have some of their own: what takes minutes must not be in the way of
 * what takes none.
 */
const maxConnections = 8;
const maxBlobConnections = 2;
const maxRequestConnections = 64;
/** Milliseconds without a byte of a blob after which it is given up. */
export const stallTimeout = 10_000;
/** Bytes of one message as sent: a batch of small entries, or one entry with the largest inline value. */
export const maxSentBytes = 16 * 2 ** 20;

/** Speaks to peers over HTTPS with certificates on both sides. Each peer has connections of its own. */
export class HttpsLink implements Link {
  readonly #peers = new Map<
    string,
    { readonly url: string; readonly agent: Agent; readonly blobAgent: Agent; readonly requestAgent: Agent }
  >();

  constructor(peers: ReadonlyMap<string, string>, tls: PeerTls) {
    for (const [peer, url] of peers) {
      const options = {
        ...tls,
        keepAlive: true,
        minVersion: "TLSv1.3",
        // Who it is says the certificate's name, not the host's: addresses move, clouds do not.
        checkServerIdentity: (_host: string, { subject }: PeerCertificate) =>
          subject.CN === peer
            ? undefined
            : new Error(`expected the certificate of ${peer}, found that of ${subject.CN}`),
      } as const;
      const agent = new Agent({ ...options, maxSockets: maxConnections });
      const blobAgent = new Agent({ ...options, maxSockets: maxBlobConnections });
      const requestAgent = new Agent({ ...options, maxSockets: maxRequestConnections });
      this.#peers.set(peer, { url, agent, blobAgent, requestAgent });
    }
  }

  async call(peer: string, message: Uint8Array): Promise<Uint8Array> {
    const { url, agent } = this.#peers.get(peer)!;
    const body = await pack(message);
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const sending = request(new URL("/replication", url), {
        method: "POST",
        agent,
        headers: { "Content-Type": "application/octet-stream", "Content-Length": body.length },
        // Of the whole exchange: a peer that sends a byte now and then is no better than one that is silent.
        signal: AbortSignal.timeout(timeout),
      });
      sending.on("error", reject).on("response", (response) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on("error", reject).on("data", (part: Buffer) => {
          length += part.length;
          if (length > maxSentBytes) response.destroy(new Error(`expected at most ${maxSentBytes} bytes`));
          else parts.push(part);
        });
        response.on("end", () => {
          if (response.statusCode === 200) resolve(Buffer.concat(parts));
          else reject(new Error(`${peer} answered ${response.statusCode}`));
        });
      });
      sending.end(body);
    });
    return unpack(answer);
  }

  /** `GET /blobs/{digest}?path={namespace}/{key}` with a `Range`. */
  blob(peer: string, { path, digest, start }: BlobRequest): Promise<IncomingMessage | null> {
    const { url, blobAgent } = this.#peers.get(peer)!;
    const target = new URL(`/blobs/${digest}?${new URLSearchParams({ path })}`, url);
    return new Promise((resolve, reject) => {
      const headers = { Range: `bytes=${start}-` };
      const sending = request(target, { agent: blobAgent, headers, timeout: stallTimeout });
      sending.on("timeout", () => sending.destroy(new Error(`${peer} sent nothing for ${stallTimeout / 1000} s`)));
      sending.on("error", reject).on("response", (response) => {
        if (response.statusCode === 206) return resolve(response);
        response.resume();
        if (response.statusCode === 404) resolve(null);
        else reject(new Error(`${peer} answered ${response.statusCode}`));
      });
      sending.end();
    });
  }

  /** Begins a client's request that the peer is to carry out; `path` is the request target. */
  request(peer: string, { path, ...options }: Pick<RequestOptions, "method" | "path" | "headers">): ClientRequest {
    const { url, requestAgent } = this.#peers.get(peer)!;
    const { protocol, hostname, port } = new URL(url);
    // Not as a URL: that would be normalised, and keys with it.
    return request({ protocol, hostname, port, path, agent: requestAgent, ...options });
  }

  close(): void {
    for (const { agent, blobAgent, requestAgent } of this.#peers.values()) {
      agent.destroy();
      blobAgent.destroy();
      requestAgent.destroy();
    }
  }
}
