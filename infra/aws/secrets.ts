import * as pulumi from "@pulumi/pulumi";
import type { PlatformArgs } from "../cloud.ts";
import type { AwsConfig } from "../config/aws.ts";
import type { SecretName, SecretStore } from "../platform.ts";
import { aws } from "../sdk/aws.cjs";
import { vaultStore } from "../vault.ts";
import type { Broker } from "./broker.ts";
import type { Database } from "./database.ts";
import type { EntityArgs } from "./entity.ts";

export type SecretsArgs = Pick<EntityArgs, "tags" | "protect"> & {
  readonly key: pulumi.Output<string>;
  readonly values: Readonly<Partial<Record<SecretName, pulumi.Output<string>>>>;
};

/** Secrets of the workload in Secrets Manager, one each. */
export class Secrets extends pulumi.ComponentResource {
  readonly arns: Readonly<Partial<Record<SecretName, pulumi.Output<string>>>>;
  readonly versions: readonly pulumi.Resource[];

  constructor(name: string, { key, protect, tags, values }: SecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Secrets", name, {}, opts);
    const parent = { parent: this };
    const entries = Object.entries(values).map(([word, value]) => {
      const secret = new aws.secretsmanager.Secret(
        word,
        { kmsKeyId: key, recoveryWindowInDays: protect ? 30 : 0, tags },
        { ...parent, protect },
      );
      const version = new aws.secretsmanager.SecretVersion(
        word,
        { secretId: secret.id, secretString: pulumi.secret(value) },
        parent,
      );
      return { word, arn: secret.arn, version };
    });
    this.arns = Object.fromEntries(entries.map(({ word, arn }) => [word, arn]));
    this.versions = entries.map(({ version }) => version);
    this.registerOutputs({});
  }
}

/** What there is to put into a store, beside what the platform was given. */
export type StoreArgs = {
  readonly key: pulumi.Output<string>;
  readonly database: Database;
  readonly broker: Broker | null;
};

export type Store = {
  readonly answer: SecretStore;
  /** What the External Secrets Operator must be allowed to read. */
  readonly arns: readonly pulumi.Output<string>[];
  readonly ready: readonly pulumi.Resource[];
};

/** The store that the configuration chooses. In Vault people put what the workload needs; nothing of it is written to AWS. */
export function makeStore(
  { config, protect, secrets, tags }: PlatformArgs<AwsConfig>,
  { key, database, broker }: StoreArgs,
  opts: pulumi.ComponentResourceOptions,
): Store {
  if (config.secrets.store === "vault") {
    const names = [...(Object.keys(secrets) as SecretName[]), ...(Object.keys(fieldsOfAdmin) as SecretName[])];
    return { answer: vaultStore(config.secrets, config.kind, names), arns: [], ready: [] };
  }
  const values = { ...secrets, ...(broker && { "queue-user": broker.user, "queue-password": broker.password }) };
  const { arns, versions } = new Secrets("secrets", { key, protect, tags, values }, opts);
  const admin = Object.fromEntries(Object.keys(fieldsOfAdmin).map((name) => [name, database.adminSecretArn]));
  return {
    answer: {
      // The operator reads as itself, by its pod's identity.
      provider: { aws: { service: "SecretsManager", region: config.region } },
      annotations: {},
      keys: { ...arns, ...admin },
      fields: fieldsOfAdmin,
    },
    arns: [...Object.values(arns), database.adminSecretArn],
    ready: versions,
  };
}

/** RDS keeps both as one JSON object. */
const fieldsOfAdmin = { "database-admin-user": "username", "database-admin-password": "password" } as const;
