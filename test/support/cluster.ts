import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Links } from "../../tools/box/links.ts";
import type { Service } from "../../tools/box/service.ts";
import { Certificates } from "./certificates.ts";
import { Kv } from "./kv.ts";
import { freePort } from "./ports.ts";
import { ProcessCloud } from "./processes.ts";

export type ClusterOptions = {
  /** Service processes of each cloud: `aws`, `aws/2`, … */
  readonly processes?: number;
  /** For all processes of a cloud. */
  readonly environment?: (cloud: string) => Record<string, string>;
  readonly program?: string;
};

/** Several clouds of real processes that are each other's peers, over links that can be cut. */
export class Cluster {
  readonly folder: string;
  readonly certificates: Certificates;
  readonly #options: ClusterOptions;
  /** On which each process listens for peers. */
  readonly #ports: ReadonlyMap<string, number>;
  readonly links: Links;
  readonly clouds = new Map<string, ProcessCloud>();
  /** By the name of the process. */
  readonly services = new Map<string, Service>();

  private constructor(folder: string, ports: ReadonlyMap<string, number>, links: Links, options: ClusterOptions) {
    this.folder = folder;
    this.#ports = ports;
    this.links = links;
    this.#options = options;
    this.certificates = new Certificates(folder);
  }

  static async start(names: readonly string[], options: ClusterOptions = {}): Promise<Cluster> {
    const ports = new Map<string, number>();
    for (const name of names)
      for (let i = 1; i <= (options.processes ?? 1); i++) ports.set(i === 1 ? name : `${name}/${i}`, await freePort());
    const portsOf = (cloud: string) => [...ports].filter(([name]) => cloudOf(name) === cloud).map(([, port]) => port);
    const links = await Links.open(names, portsOf);
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), "skykv-cluster-")), ports, links, options);
    await cluster.certificates.make("ca", null);
    const databases = Promise.all(names.map(() => ProcessCloud.start()));
    for (const name of names) await cluster.certificates.make(name, "ca");
    for (const [i, cloud] of (await databases).entries()) cluster.clouds.set(names[i]!, cloud);
    await Promise.all([...ports.keys()].map((name) => cluster.startService(name)));
    return cluster;
  }

  /** Runs a service process, on the same ports as before. */
  async startService(name: string, environment: Record<string, string> = {}): Promise<void> {
    const before = this.services.get(name);
    const PORT = before ? new URL(before.url).port : String(await freePort());
    this.services.set(name, await this.startProcess(name, { PORT, ...environment }));
  }

  /** Runs one more process, which is in the place of `name` among the others. */
  startProcess(name: string, environment: Record<string, string> = {}): Promise<Service> {
    const cloud = cloudOf(name);
    const { certificates, clouds, links } = this;
    const others = [...clouds.keys()].filter((other) => other !== cloud);
    return clouds.get(cloud)!.startService(
      {
        SKYKV_CLOUD: cloud,
        PEERS: others.map((other) => `${other}=https://127.0.0.1:${links.between(cloud, other).port}`).join(","),
        PEER_PORT: String(this.#ports.get(name)),
        PEER_TLS_CERT_FILE: certificates.file(`${cloud}.pem`),
        PEER_TLS_KEY_FILE: certificates.file(`${cloud}.key`),
        PEER_TLS_CA_FILE: certificates.file("ca.pem"),
        ...this.#options.environment?.(cloud),
        ...environment,
      },
      this.#options.program,
    );
  }

  /** The names of a cloud's processes. */
  processesOf(cloud: string): string[] {
    return [...this.#ports.keys()].filter((name) => cloudOf(name) === cloud);
  }

  kv(name: string, namespace = "default"): Kv {
    return new Kv(this.services.get(name)!.url, undefined, undefined, namespace);
  }

  peerPort(name: string): number {
    return this.#ports.get(name)!;
  }

  /** Ends everything. What the databases hold stays in their folders. */
  async stop(): Promise<void> {
    await Promise.all([...this.clouds.values()].map((cloud) => cloud.stop()));
    await this.links.close();
  }

  async close(): Promise<void> {
    await this.stop();
    await Promise.all([...this.clouds.values()].map((cloud) => cloud.close()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** `aws` of `aws/2`. */
export function cloudOf(process: string): string {
  return process.split("/", 1)[0]!;
}
