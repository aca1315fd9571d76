import * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import type { EntityArgs } from "./entity.ts";
import { keyPolicy } from "./key-policy.ts";
import { stackName } from "./names.ts";

/** A key for each kind of data: who may read one kind may not read another, and losing a key loses one kind. */
export const keyKinds = {
  cluster: "Secrets of Kubernetes, disks of nodes",
  database: "The database, its backups and its administrator's password",
  cache: "The cache and its snapshots",
  queue: "Hints for replicators",
  blobs: "Large values, and backups of other clouds",
  registry: "Images",
  secrets: "Secrets that the workload reads",
  logs: "Logs and the audit trail",
  alarms: "Alarms on their way to people",
} as const;
export type KeyKind = keyof typeof keyKinds;

/** ARN of the key of each kind of data. */
export type KeyArns = Readonly<Record<KeyKind, pulumi.Output<string>>>;

/** Customer-managed keys that AWS rotates every year; or the one key that was given, for everything. */
export class Keys extends pulumi.ComponentResource {
  readonly arns: KeyArns;

  constructor(name: string, { config, tags, protect }: EntityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Keys", name, {}, opts);
    const make = (kind: KeyKind) => {
      const key = new aws.kms.Key(
        kind,
        {
          description: keyKinds[kind],
          enableKeyRotation: true,
          deletionWindowInDays: protect ? 30 : 14,
          policy: keyPolicy(kind, config),
          tags,
        },
        { parent: this, protect },
      );
      new aws.kms.Alias(kind, { name: `alias/${stackName(240, kind)}`, targetKeyId: key.keyId }, { parent: this });
      return key.arn;
    };
    const { key } = config;
    const entries = (Object.keys(keyKinds) as KeyKind[]).map((kind) => [kind, key ? pulumi.output(key) : make(kind)]);
    this.arns = Object.fromEntries(entries) as KeyArns;
    this.registerOutputs({ arns: this.arns });
  }
}
