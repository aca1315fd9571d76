/** What the edge changes in headers, which are flat lists of names and values as they came over the wire. Pure. */

/** Says where a client is: one of Cloudflare's regions. */
export const regionHeader = "Edge-Region";
/** Of an answer: the cloud that gave it. Of a request: the one cloud that may, whatever steering and health say. */
export const cloudHeader = "Edge-Cloud";
/** Of every answer: names the request, as `CF-Ray` does. The cloud gets it as `X-Request-Id`. */
export const requestIdHeader = "Edge-Request-Id";

/** They speak of one connection (RFC 9110, section 7.6.1), or answer a proxy. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
]);
/** A client that names them in `Connection` must not take them away: body and request would come apart. */
const framing = new Set(["content-length", "host", "transfer-encoding"]);
/** Methods that `node:http` sends without a body when nothing says that there is one. */
const bodiless = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"]);

export type RequestHead = {
  readonly method: string;
  readonly rawHeaders: readonly string[];
};

/** @param host of the cloud, for clients of HTTP/1.0, who need not name one */
export function requestHeaders({ method, rawHeaders }: RequestHead, id: string, host: string): string[] {
  const headers = endToEnd(rawHeaders, (name) => name.startsWith("edge-"));
  const names = new Set(headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
  if (!names.has("host")) headers.push("Host", host);
  if (!names.has("x-request-id")) headers.push("X-Request-Id", id);
  const framed = names.has("content-length") || names.has("transfer-encoding");
  if (!framed && !bodiless.has(method)) headers.push("Content-Length", "0");
  return headers;
}

/** `Transfer-Encoding` is left to `node:http`, which knows what the client's version of HTTP can take. */
export function answerHeaders(rawHeaders: readonly string[], id: string, cloud: string): string[] {
  const headers = endToEnd(rawHeaders, (name) => name === "transfer-encoding" || name.startsWith("edge-"));
  headers.push(cloudHeader, cloud, requestIdHeader, id);
  return headers;
}

function endToEnd(rawHeaders: readonly string[], isOurs: (name: string) => boolean): string[] {
  const named = namedInConnection(rawHeaders);
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (!hopByHop.has(name) && !named?.has(name) && !isOurs(name)) kept.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return kept;
}

/** Headers that `Connection` declares to be of this connection alone; undefined when it says no more than usual. */
function namedInConnection(rawHeaders: readonly string[]): Set<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() !== "connection") continue;
    for (const token of rawHeaders[i + 1]!.toLowerCase().split(",")) {
      const name = token.trim();
      if (name === "" || name === "keep-alive" || name === "close" || framing.has(name)) continue;
      named ??= new Set();
      named.add(name);
    }
  }
  return named;
}
