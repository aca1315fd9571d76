import { readFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import type { Cluster } from "../support/cluster.ts";
import { type Lag, measureLag } from "./lag.ts";

export type Hung = { readonly quiet: Lag; readonly meanwhile: Lag };

/** Lets a peer of a cloud hang, with all connections open, and looks whether others notice. `seconds`: of the hanging. */
export async function measureHung(cluster: Cluster, from: string, hung: string, seconds: number): Promise<Hung> {
  const to = [...cluster.clouds.keys()].filter((name) => name !== from && name !== hung);
  const options = { from, to, perSecond: 100 };
  const quiet = await measureLag(cluster, { ...options, seconds: Math.min(20, seconds) });
  // What it is asked arrives nowhere, and nothing says so. And it has itself begun a request that it does not go on with.
  for (const link of cluster.links.of(hung)) link.trouble = { kind: "cut" };
  const halves = await Promise.all([from, ...to].map((name) => beginRequest(cluster, hung, name)));
  try {
    return { quiet, meanwhile: await measureLag(cluster, { ...options, seconds }) };
  } finally {
    for (const socket of halves) socket.destroy();
    for (const link of cluster.links.of(hung)) link.trouble = null;
  }
}

/** As `from`, with its certificate: half a message on the peers' port of `to`, and then nothing. */
async function beginRequest(cluster: Cluster, from: string, to: string): Promise<TLSSocket> {
  const { certificates } = cluster;
  const socket = connect({
    host: "127.0.0.1",
    port: cluster.peerPort(to),
    cert: readFileSync(certificates.file(`${from}.pem`)),
    key: readFileSync(certificates.file(`${from}.key`)),
    ca: readFileSync(certificates.file("ca.pem")),
  });
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("secureConnect", resolve));
  socket.write("POST /replication HTTP/1.1\r\nHost: peers\r\nContent-Length: 1000\r\n\r\nhalf");
  return socket;
}
