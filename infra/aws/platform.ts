import * as pulumi from "@pulumi/pulumi";
import type { PlatformArgs } from "../cloud.ts";
import type { AwsConfig } from "../config/aws.ts";
import type { Component } from "../names.ts";
import type * as contract from "../platform.ts";
import { aws } from "../sdk/aws.cjs";
import type { k8s } from "../sdk/k8s.cjs";
import { Alarms } from "./alarms.ts";
import { Audit } from "./audit.ts";
import { Blobs } from "./blobs.ts";
import { Broker } from "./broker.ts";
import { Cache } from "./cache.ts";
import { Cluster } from "./cluster.ts";
import { Database } from "./database.ts";
import { Identity } from "./identity.ts";
import { Ingress } from "./ingress.ts";
import { Keys } from "./keys.ts";
import { givenNetwork, OwnNetwork } from "./network.ts";
import { Queue } from "./queue.ts";
import { Registry } from "./registry.ts";
import { makeStore } from "./secrets.ts";

/** All that AWS provides to the service. */
export class AwsPlatform extends pulumi.ComponentResource implements contract.Platform {
  readonly cloud = "aws";
  readonly region: string;
  readonly kubernetes: k8s.Provider;
  readonly database: contract.Database;
  readonly cache: contract.Cache;
  readonly queue: contract.Queue;
  readonly blobs: contract.Blobs;
  readonly registry: contract.Registry;
  readonly identities: Readonly<Record<Component, contract.Identity>>;
  readonly ingress: contract.Ingress;
  readonly secrets: contract.SecretStore;
  readonly scaler: contract.Scaler;
  readonly egressAddresses: pulumi.Output<readonly string[]>;
  readonly oidcIssuer: pulumi.Output<string>;
  readonly backups: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: PlatformArgs<AwsConfig>, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Platform", name, {}, opts);
    const { config, tags, protect } = args;
    const { region, accountId } = config;
    // Nothing is made in an account that somebody is logged in to by mistake.
    const provider = new aws.Provider(name, { region, allowedAccountIds: [accountId] }, { parent: this });
    const parent = { parent: this, providers: [provider] };
    const common = { config, tags, protect };

    const { arns: keys } = new Keys("keys", common, parent);
    const network =
      "existing" in config.network
        ? givenNetwork(config.network.existing)
        : new OwnNetwork("network", { config, network: config.network, tags }, parent);
    const blobs = new Blobs("blobs", { ...common, key: keys.blobs }, parent);
    const own = network instanceof OwnNetwork ? network : null;
    new Audit("audit", { ...common, key: keys.logs, network: own, watchedBucketArn: blobs.backups.arn }, parent);

    const cluster = new Cluster("cluster", { ...common, network, keys }, parent);
    const inside = { ...common, network, clients: cluster.securityGroupId };
    const database = new Database("database", { ...inside, keys }, parent);
    const cache = new Cache("cache", { ...inside, key: keys.cache }, parent);
    const queue = config.queue === "sqs" ? new Queue("queue", { tags, key: keys.queue }, parent) : null;
    const broker = config.queue === "rabbitmq" ? new Broker("broker", { ...inside, key: keys.queue }, parent) : null;
    new Alarms("alarms", { ...common, key: keys.alarms, database, cache, queue, broker }, parent);
    const registry = new Registry("registry", { ...common, key: keys.registry }, parent);
    const ingress = new Ingress("ingress", { config, tags, publicSubnets: network.publicSubnets }, parent);

    const store = makeStore(args, { key: keys.secrets, database, broker }, parent);
    const identity = new Identity(
      "identity",
      { ...common, cluster, keys, database, cache, queue, valuesArn: blobs.values.arn, secretArns: store.arns },
      parent,
    );

    this.region = region;
    this.kubernetes = cluster.kubernetes;
    this.database = database.answer;
    this.cache = cache.answer;
    this.queue = queueAnswer(region, queue, broker);
    this.blobs = { kind: "s3", bucket: blobs.values.name, region };
    this.registry = registry.answer;
    this.identities = identity.answers;
    this.ingress = ingress.answer;
    this.secrets = store.answer;
    this.scaler = { managed: false, annotations: {}, clientId: null };
    this.egressAddresses = network.egressAddresses;
    this.oidcIssuer = cluster.oidcIssuer;
    this.backups = blobs.backups.name;
    this.ready = [
      ...network.ready,
      ...cluster.ready,
      ...database.ready,
      ...cache.ready,
      ...(broker === null ? [] : broker.ready),
      ...store.ready,
      ...identity.ready,
    ];
    this.registerOutputs({ egressAddresses: this.egressAddresses, oidcIssuer: this.oidcIssuer, backups: this.backups });
  }
}

function queueAnswer(region: string, queue: Queue | null, broker: Broker | null): contract.Queue {
  if (queue !== null) return { kind: "sqs", url: queue.url, region };
  if (broker !== null) return { kind: "rabbitmq", host: broker.host, port: broker.port, tls: true };
  return { kind: "postgres" };
}
