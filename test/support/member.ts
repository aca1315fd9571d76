import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { unpack } from "../../service/replication/compression.ts";
import { type Answer, decode, type Head, type Message, readAnswer } from "../../service/replication/protocol.ts";
import type { Cluster } from "./cluster.ts";
import { query } from "./databases.ts";

/** What the peers' port of a cloud answers to somebody: a status, or how the connection broke. */
export type Reply =
  | { readonly status: number; readonly body: Buffer }
  | { readonly status: null; readonly error: string };

/** Sends a body to a cloud's peers' port, with the certificate of that name; null: with none. */
export async function knock(
  cluster: Cluster,
  to: string,
  certificate: string | null,
  body: Buffer,
  { path = "/replication", isChunked = false } = {},
): Promise<Reply> {
  const { certificates } = cluster;
  const own = certificate && {
    cert: await readFile(certificates.file(`${certificate}.pem`)),
    key: await readFile(certificates.file(`${certificate}.key`)),
  };
  return new Promise((resolve) => {
    const place = { method: "POST", port: cluster.peerPort(to), path, host: "127.0.0.1" };
    const sending = request({ ...place, ...own, rejectUnauthorized: false, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part)).on("error", () => {});
      response.on("end", () => resolve({ status: response.statusCode!, body: Buffer.concat(parts) }));
    });
    sending.on("error", (error: NodeJS.ErrnoException) =>
      resolve({ status: null, error: error.code ?? error.message }),
    );
    if (!isChunked) sending.setHeader("Content-Length", body.length);
    sending.end(body);
  });
}

/** The answer in a reply. Throws where there is none. */
export async function answerIn(reply: Reply): Promise<Message<Answer>> {
  if (reply.status !== 200) throw new Error(`expected an answer, found ${JSON.stringify(reply)}`);
  return decode(await unpack(reply.body), readAnswer);
}

/** What `from` would say of itself to `to` now. */
export async function headOf(cluster: Cluster, from: string, to: string): Promise<Head> {
  const text = "select incarnation, incarnated_at, floor, confirmed from cluster";
  const [[mine], [theirs]] = (await Promise.all([from, to].map((name) => query(cluster.clouds.get(name)!, text)))) as [
    Record<string, string>[],
    Record<string, string>[],
  ];
  const { incarnation, incarnated_at, floor, confirmed } = mine!;
  return {
    sender: { peer: from, incarnation: incarnation!, incarnatedAt: Number(incarnated_at) },
    to: theirs!.incarnation!,
    stage: "whole",
    news: { floor: BigInt(floor!), confirmed: BigInt(confirmed!), yours: null, expelled: {}, settled: true },
  };
}
