/** A real API of Kubernetes for tests that only ask whether it takes an object: no node is needed, and no pod runs. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const { SKYKV_KUBE_UP, KUBECONFIG } = process.env;

/** Call it first in a `before` hook: skips the suite where there is no cluster, and fails it where CI=true. */
export function needsKubernetes(context: Mocha.Context): void {
  if (SKYKV_KUBE_UP || KUBECONFIG) return;
  const how = "needs KUBECONFIG of a throw-away cluster (kind create cluster), kubectl and go on the PATH";
  if (process.env.CI === "true") throw new Error(how);
  console.log(`      ${how}`);
  context.skip();
}

export type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
};

/** The cluster that KUBECONFIG names, or one that the script SKYKV_KUBE_UP starts: that comes first. */
export class Kubernetes {
  /** Where the started one lives; null for one that was there. */
  readonly #folder: string | null;
  readonly #made: string[] = [];

  private constructor(folder: string | null) {
    this.#folder = folder;
  }

  static async start(): Promise<Kubernetes> {
    if (!SKYKV_KUBE_UP) return new Kubernetes(null);
    const folder = await mkdtemp(join(tmpdir(), "skykv-kube-"));
    const cluster = new Kubernetes(folder);
    // Should the tests not get to it.
    process.once("exit", () => cluster.#end());
    const { status, stderr } = cluster.#script(SKYKV_KUBE_UP);
    if (status === 0) return cluster;
    await cluster.stop();
    throw new Error(`${SKYKV_KUBE_UP} ended with ${status}: ${stderr}`);
  }

  /** Ends what `start` started; else deletes what was made in the cluster. */
  async stop(): Promise<void> {
    if (this.#folder !== null) {
      this.#end();
      await rm(this.#folder, { recursive: true, force: true });
    } else if (this.#made.length > 0) {
      this.#kubectl(["delete", "--ignore-not-found", "--wait=false", ...this.#made]);
    }
  }

  /** Applies objects on the server, as Pulumi does. Returns what the server has against them, refusals and warnings. */
  apply(objects: readonly KubernetesObject[]): readonly string[] {
    const clusterWide = objects.filter(({ metadata }) => metadata.namespace === undefined);
    for (const { kind, metadata } of clusterWide) this.#made.push(`${kind.toLowerCase()}/${metadata.name}`);
    const args = ["apply", "--server-side", "--force-conflicts", "--field-manager=skykv-test", "--filename=-"];
    // The server says it of every object and by name; kubectl, asked to look itself, sends nothing once one is wrong.
    return this.#complaints([...args, "--validate=false"], objects);
  }

  /** As `apply`, but nothing is kept: what admission says of objects that are to be created. */
  wouldCreate(objects: readonly KubernetesObject[]): readonly string[] {
    return this.#complaints(["create", "--dry-run=server", "--validate=false", "--filename=-"], objects);
  }

  /** Asks for objects to be deleted, and does not wait until they are gone. */
  delete(objects: readonly KubernetesObject[]): readonly string[] {
    return this.#complaints(["delete", "--wait=false", "--filename=-"], objects);
  }

  /** Installs definitions of custom objects from files, and waits until the server knows them. */
  define(files: readonly string[]): void {
    const from = files.map((file) => `--filename=${file}`);
    const end = performance.now() + 30_000;
    for (const args of [
      ["apply", "--server-side", "--force-conflicts", ...from],
      ["wait", "--for=condition=Established", "--timeout=30s", ...from],
    ]) {
      let result = this.#kubectl(args);
      // kubectl does not wait for what is so new that it has no status at all: that is an error to it.
      while (result.stderr.includes("accessor error") && performance.now() < end) result = this.#kubectl(args);
      if (result.status !== 0) throw new Error(`kubectl ${args[0]} ended with ${result.status}: ${result.stderr}`);
    }
  }

  #complaints(args: readonly string[], objects: readonly KubernetesObject[]): readonly string[] {
    if (objects.length === 0) return [];
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    const { status, stderr } = this.#kubectl(args, list);
    const lines = stderr.split("\n").filter(Boolean);
    return status === 0 || lines.length > 0 ? lines : [`kubectl ended with ${status} and said nothing`];
  }

  #kubectl(args: readonly string[], input = ""): SpawnSyncReturns<string> {
    const [file, ...before] = this.#folder === null ? ["kubectl"] : [join(this.#folder, "enter"), "kubectl"];
    const result = spawnSync(file!, [...before, ...args], { input, encoding: "utf8" });
    if (result.error !== undefined) throw result.error;
    return result;
  }

  /** Does nothing when it has ended. */
  #end(): void {
    this.#script(join(dirname(SKYKV_KUBE_UP!), "down.sh"));
  }

  /** A control plane alone, beside any other that runs here. */
  #script(file: string): SpawnSyncReturns<string> {
    const own = { NODE: "0", ADDONS: "0", ROOT: this.#folder!, CG: `skykv-test-${process.pid}` };
    return spawnSync(file, { encoding: "utf8", env: { ...process.env, ...own } });
  }
}
