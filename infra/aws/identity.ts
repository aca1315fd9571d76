import * as pulumi from "@pulumi/pulumi";
import { type Component, components, serviceAccount, workloadNamespace } from "../names.ts";
import type { Identity as IdentityAnswer } from "../platform.ts";
import type { Cache } from "./cache.ts";
import type { Cluster } from "./cluster.ts";
import type { Database } from "./database.ts";
import type { EntityArgs } from "./entity.ts";
import type { KeyArns } from "./keys.ts";
import { PodRole, type PodRoleArgs } from "./pod-role.ts";
import type { Queue } from "./queue.ts";
import { databaseUser, measureQueue, readSecrets, rightsOf } from "./rights.ts";

export type IdentityArgs = EntityArgs & {
  readonly cluster: Cluster;
  readonly keys: KeyArns;
  readonly database: Database;
  readonly cache: Cache;
  /** Null without SQS. */
  readonly queue: Queue | null;
  readonly valuesArn: pulumi.Output<string>;
  /** What the External Secrets Operator may read; empty when it reads elsewhere. */
  readonly secretArns: readonly pulumi.Output<string>[];
};

/** Who pods are in AWS: the components of the service, the External Secrets Operator, KEDA. */
export class Identity extends pulumi.ComponentResource {
  readonly answers: Readonly<Record<Component, IdentityAnswer>>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: IdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Identity", name, {}, opts);
    const { cache, cluster, config, database, keys, queue, secretArns, tags } = args;
    const { accountId, region } = config;
    const who = { clusterName: cluster.name, clusterArn: cluster.arn, after: [...cluster.ready], tags };
    const pod = (word: string, more: Omit<PodRoleArgs, keyof typeof who>) =>
      new PodRole(word, { ...who, ...more }, { parent: this });

    const resources = pulumi.output({
      region,
      accountId,
      databaseId: database.resourceId,
      cache: cache.arn,
      cacheUsers: cache.users.arns,
      queue: queue === null ? null : { arn: queue.arn, key: keys.queue },
      values: { arn: args.valuesArn, key: keys.blobs },
    });
    const roles = components.map((component) =>
      pod(serviceAccount(component), {
        namespace: workloadNamespace,
        serviceAccount: serviceAccount(component),
        description: `SkyKV: ${component}`,
        statements: resources.apply((known) => rightsOf(component, known)),
      }),
    );
    if (secretArns.length > 0) {
      const statements = pulumi
        .all([pulumi.all([...secretArns]), pulumi.all([keys.secrets, keys.database])])
        .apply(([secrets, ofSecrets]) => readSecrets(secrets, ofSecrets, region));
      const account = { namespace: "external-secrets", serviceAccount: "external-secrets" };
      roles.push(pod("external-secrets", { ...account, description: "Reads the secrets of SkyKV", statements }));
    }
    if (queue !== null) {
      const account = { namespace: "keda", serviceAccount: "keda-operator" };
      const statements = queue.arn.apply(measureQueue);
      roles.push(pod("keda-operator", { ...account, description: "Scales SkyKV's replicators", statements }));
    }

    this.answers = Object.fromEntries(components.map((component) => [component, answer(component, cache)])) as Record<
      Component,
      IdentityAnswer
    >;
    this.ready = roles.flatMap((role) => role.ready);
    this.registerOutputs({});
  }
}

/** Pod Identity goes by the ServiceAccount's name: neither it nor its pods carry anything. The migration uses no cache. */
function answer(component: Component, cache: Cache): IdentityAnswer {
  const cacheUser = component === "migration" ? "" : cache.users.names[component];
  return { annotations: {}, podLabels: {}, databaseUser: databaseUser(component), cacheUser };
}
