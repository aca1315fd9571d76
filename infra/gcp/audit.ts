import * as pulumi from "@pulumi/pulumi";
import { gcp } from "../sdk/gcp.cjs";
import { bucketArgs } from "./bucket.ts";
import type { EntityArgs } from "./entity.ts";

/** Who did what to the project, and who read what is confidential: kept for longer than Cloud Logging keeps it. */
export class Audit extends pulumi.ComponentResource {
  constructor(name: string, args: EntityArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Audit", name, {}, opts);
    const { config, protect, services } = args;
    const key = args.keys.of("audit");
    const trail = new gcp.storage.Bucket(
      "skykv-audit",
      {
        ...bucketArgs(args, key.id),
        retentionPolicy: { retentionPeriod: `${keptDays * 24 * 60 * 60}` },
        lifecycleRules: [coldAfterAMonth, { action: { type: "Delete" }, condition: { age: keptDays } }],
      },
      // The agent encrypts with the key; a bucket whose key it cannot use is refused.
      { parent: this, protect, dependsOn: [...services.of("storage"), ...key.grants] },
    );
    const sink = new gcp.logging.ProjectSink(
      "audit",
      { destination: pulumi.interpolate`storage.googleapis.com/${trail.name}`, filter, uniqueWriterIdentity: true },
      { parent: this, dependsOn: services.of("logging") },
    );
    new gcp.storage.BucketIAMMember(
      "audit",
      { bucket: trail.name, role: "roles/storage.objectCreator", member: sink.writerIdentity },
      { parent: this },
    );
    for (const [word, service] of Object.entries(watched)) {
      new gcp.projects.IAMAuditConfig(
        word,
        { project: config.project, service, auditLogConfigs: everything },
        { parent: this, dependsOn: services.of("cloudresourcemanager") },
      );
    }
    this.registerOutputs({});
  }
}

/** 400 days: a year, and the month in which somebody looks back at it. */
const keptDays = 400;

const coldAfterAMonth = { action: { type: "SetStorageClass", storageClass: "COLDLINE" }, condition: { age: 30 } };

/** Changes and refusals are always logged. Reads are for these services alone, since each log line costs. */
const watched = {
  database: "cloudsql.googleapis.com",
  keys: "cloudkms.googleapis.com",
  secrets: "secretmanager.googleapis.com",
  storage: "storage.googleapis.com",
};

const everything = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"].map((logType) => ({ logType }));

const filter = ["activity", "data_access", "policy", "system_event"]
  .map((log) => `LOG_ID("cloudaudit.googleapis.com/${log}")`)
  .join(" OR ");
