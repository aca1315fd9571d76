import * as pulumi from "@pulumi/pulumi";
import { adminKey } from "../admin-key.ts";
import type { LocalConfig } from "../config/local.ts";
import { changesInPlace } from "../kubernetes.ts";
import { type Component, components, dataNamespace } from "../names.ts";
import type { Identity, WorkloadPlatform } from "../platform.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { Namespace } from "../workload/namespace.ts";
import type { SecretValues } from "../workload/secrets.ts";
import { makePasswords } from "./passwords.ts";
import { Server } from "./server.ts";
import { postgres, rabbitmq, user, valkey } from "./servers.ts";

export type LocalPlatformArgs = {
  readonly config: LocalConfig;
  readonly tags: Tags;
  /** Whether what holds data is protected from deletion. */
  readonly protect: boolean;
};

/** A Kubernetes cluster of one's own, with database, cache and queue inside of it. */
export class LocalPlatform extends pulumi.ComponentResource implements WorkloadPlatform {
  readonly cloud = "local";
  readonly region = "local";
  readonly kubernetes: k8s.Provider;
  readonly database: WorkloadPlatform["database"];
  readonly cache: WorkloadPlatform["cache"];
  readonly queue: WorkloadPlatform["queue"];
  readonly blobs: WorkloadPlatform["blobs"];
  readonly registry = null;
  readonly identities = identities();
  readonly ingress = { api: null, peers: null };
  readonly secrets = { provider: null, annotations: {}, keys: {}, fields: {} };
  readonly scaler = null;
  readonly ready: readonly pulumi.Resource[];
  /** What the workload's Secrets hold: there is no other store. */
  readonly values: SecretValues;

  constructor(name: string, args: LocalPlatformArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:local:Platform", name, {}, opts);
    const { config, tags, protect } = args;
    const { context, storageClass, disks } = config;
    this.kubernetes = new k8s.Provider(
      "kubernetes",
      { ...(context !== undefined && { context }), ...changesInPlace },
      { parent: this },
    );
    const options = { parent: this, provider: this.kubernetes };

    const passwords = makePasswords({ parent: this });
    const { namespace } = new Namespace("data", { namespace: dataNamespace, tags }, options);
    const common = { namespace, tags, protect };
    const database = new Server("postgres", { ...common, ...postgres(config, passwords) }, options);
    const cache = new Server("valkey", { ...common, ...valkey(config, passwords) }, options);
    const queue = new Server("rabbitmq", { ...common, ...rabbitmq(config, passwords) }, options);

    this.database = { host: database.host, port: 5432, name: user, ca: null, login: "password" };
    this.cache = { host: cache.host, port: 6379, cluster: false, tls: false, ca: null, login: "password" };
    this.queue = { kind: "rabbitmq", host: queue.host, port: 5672, tls: false };
    this.blobs = {
      kind: "volume",
      size: disks.blobs,
      storageClass: storageClass === undefined ? null : storageClass,
      accessMode: disks.shared ? "ReadWriteMany" : "ReadWriteOnce",
    };
    this.ready = [database, cache, queue];
    this.values = {
      "admin-key": adminKey(this),
      "database-password": passwords.database,
      "cache-password": passwords.cache,
      "queue-user": pulumi.secret(user),
      "queue-password": passwords.queue,
    };
    this.registerOutputs({});
  }
}

/** In a cluster of one's own nobody is told apart: the password says it all. */
function identities(): Record<Component, Identity> {
  const identity = { annotations: {}, podLabels: {}, databaseUser: user, cacheUser: user };
  return Object.fromEntries(components.map((component) => [component, identity])) as Record<Component, Identity>;
}
