import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Service } from "../../tools/box/service.ts";
import { Certificates } from "./certificates.ts";
import { Kv } from "./kv.ts";
import { freePort } from "./ports.ts";
import { ProcessCloud } from "./processes.ts";

/** Several clouds of real processes that are each other's peers. */
export class Cluster {
  readonly #folder: string;
  readonly certificates: Certificates;
  readonly #ports: ReadonlyMap<string, number>;
  readonly clouds = new Map<string, ProcessCloud>();
  readonly services = new Map<string, Service>();

  private constructor(folder: string, ports: ReadonlyMap<string, number>) {
    this.#folder = folder;
    this.#ports = ports;
    this.certificates = new Certificates(folder);
  }

  static async start(names: readonly string[]): Promise<Cluster> {
    const ports = new Map<string, number>();
    for (const name of names) ports.set(name, await freePort());
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), "skykv-cluster-")), ports);
    await cluster.certificates.make("ca", null);
    for (const name of names) {
      await cluster.certificates.make(name, "ca");
      cluster.clouds.set(name, await ProcessCloud.start());
    }
    await Promise.all(names.map((name) => cluster.startService(name)));
    return cluster;
  }

  /** Runs the cloud's service process, on the same peers' port as before. */
  async startService(name: string): Promise<void> {
    const others = [...this.#ports].filter(([other]) => other !== name);
    const { certificates } = this;
    const service = await this.clouds.get(name)!.startService({
      SKYKV_CLOUD: name,
      PEERS: others.map(([other, port]) => `${other}=https://127.0.0.1:${port}`).join(","),
      PEER_PORT: String(this.#ports.get(name)),
      PEER_TLS_CERT_FILE: certificates.file(`${name}.pem`),
      PEER_TLS_KEY_FILE: certificates.file(`${name}.key`),
      PEER_TLS_CA_FILE: certificates.file("ca.pem"),
    });
    this.services.set(name, service);
  }

  kv(name: string): Kv {
    return new Kv(this.services.get(name)!.url);
  }

  peerPort(name: string): number {
    return this.#ports.get(name)!;
  }

  async close(): Promise<void> {
    await Promise.all([...this.clouds.values()].map((cloud) => cloud.close()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
