import { is, isAtLeast, isNot, isOneOf, isSet, test, where } from "../../condition.ts";
import type { Rule } from "../../rule.ts";
import { isList, isMap, type Value } from "../../value.ts";

export const gcpAvailability: readonly Rule[] = [
  {
    name: "gcp-gke-regional",
    types: ["gcp:container/cluster:Cluster"],
    severity: "high",
    protects: "a cluster that is down with one zone",
    standard: "",
    fix: "location of a region, such as us-central1",
    conditions: [
      test("location", "be a region", (location) => /^[a-z]+-[a-z]+\d+$/.test(String(location)), {
        right: "us-central1",
        wrong: ["us-central1-a"],
      }),
    ],
  },
  {
    name: "gcp-gke-protected",
    types: ["gcp:container/cluster:Cluster"],
    severity: "medium",
    protects: "a cluster that is gone after one wrong command",
    standard: "",
    fix: "deletionProtection: true",
    conditions: [is("deletionProtection", true)],
  },
  {
    name: "gcp-gke-channel",
    types: ["gcp:container/cluster:Cluster"],
    severity: "low",
    protects: "known holes in an old version of Kubernetes",
    standard: "CKV_GCP_70, CIS GKE 5.5.4",
    fix: "releaseChannel.channel REGULAR, STABLE or EXTENDED, and securityPostureConfig.mode",
    conditions: [
      isOneOf("releaseChannel.channel", "REGULAR", "STABLE", "EXTENDED"),
      isOneOf("securityPostureConfig.mode", "BASIC", "ENTERPRISE"),
    ],
  },
  {
    name: "gcp-sql-two-zones",
    types: ["gcp:sql/databaseInstance:DatabaseInstance"],
    severity: "high",
    protects: "a database that is down with one machine or zone",
    standard: "",
    fix: 'settings.availabilityType: "REGIONAL"',
    conditions: [is("settings.availabilityType", "REGIONAL")],
  },
  {
    name: "gcp-sql-backups",
    types: ["gcp:sql/databaseInstance:DatabaseInstance"],
    severity: "high",
    protects: "data that no backup brings back",
    standard: "CKV_GCP_14, CIS GCP 6.7",
    fix: "settings.backupConfiguration: { enabled, pointInTimeRecoveryEnabled, backupRetentionSettings.retainedBackups >= 7 }",
    conditions: [
      is("settings.backupConfiguration.enabled", true),
      is("settings.backupConfiguration.pointInTimeRecoveryEnabled", true),
      isAtLeast("settings.backupConfiguration.backupRetentionSettings.retainedBackups", 7),
      is("settings.backupConfiguration.backupRetentionSettings.retentionUnit", "COUNT"),
      isAtLeast("settings.backupConfiguration.transactionLogRetentionDays", 7),
    ],
  },
  {
    name: "gcp-sql-kept-backups",
    types: ["gcp:sql/databaseInstance:DatabaseInstance"],
    severity: "medium",
    protects: "backups that are deleted with the database",
    standard: "",
    fix: "settings: { retainBackupsOnDelete: true, finalBackupConfig: { enabled: true } }",
    conditions: [
      is("settings.retainBackupsOnDelete", true),
      is("settings.finalBackupConfig.enabled", true),
      isAtLeast("settings.finalBackupConfig.retentionDays", 7),
    ],
  },
  {
    name: "gcp-sql-contents-kept",
    types: ["gcp:sql/database:Database", "gcp:sql/user:User"],
    severity: "medium",
    protects: "a database, or a user that owns tables, being dropped with its resource",
    standard: "",
    fix: 'deletionPolicy: "ABANDON"',
    conditions: [is("deletionPolicy", "ABANDON")],
  },
  {
    name: "gcp-sql-protected",
    types: ["gcp:sql/databaseInstance:DatabaseInstance"],
    severity: "high",
    protects: "a database that is gone after one wrong command",
    standard: "",
    fix: "deletionProtection and settings.deletionProtectionEnabled: true",
    conditions: [is("deletionProtection", true), is("settings.deletionProtectionEnabled", true)],
  },
  {
    name: "gcp-sql-edition",
    types: ["gcp:sql/databaseInstance:DatabaseInstance"],
    severity: "low",
    protects: "the dear edition, which Google takes where none is named",
    standard: "",
    fix: "settings.edition",
    conditions: [isOneOf("settings.edition", "ENTERPRISE", "ENTERPRISE_PLUS")],
  },
  {
    name: "gcp-sql-logs",
    types: ["gcp:sql/databaseInstance:DatabaseInstance"],
    severity: "low",
    protects: "logins and waits that nobody can look up",
    standard: "CKV_GCP_51, CKV_GCP_52, CKV_GCP_53, CKV_GCP_54",
    fix: "the flags log_checkpoints, log_connections, log_disconnections and log_lock_waits on",
    conditions: ["log_checkpoints", "log_connections", "log_disconnections", "log_lock_waits"].map(flag),
  },
  {
    name: "gcp-valkey-two-zones",
    types: ["gcp:memorystore/instance:Instance"],
    severity: "high",
    protects: "a cache that is empty after the loss of one machine or zone",
    standard: "",
    fix: 'replicaCount of 1 or more, zoneDistributionConfig.mode: "MULTI_ZONE"',
    conditions: [isAtLeast("replicaCount", 1), is("zoneDistributionConfig.mode", "MULTI_ZONE")],
  },
  {
    name: "gcp-valkey-protected",
    types: ["gcp:memorystore/instance:Instance"],
    severity: "medium",
    protects: "a cache that is gone after one wrong command",
    standard: "",
    fix: "deletionProtectionEnabled: true",
    conditions: [is("deletionProtectionEnabled", true)],
  },
  {
    name: "gcp-pubsub-kept",
    types: ["gcp:pubsub/subscription:Subscription"],
    severity: "medium",
    protects: "a subscription that Google deletes after 31 quiet days",
    standard: "",
    fix: 'expirationPolicy: { ttl: "" }, and messageRetentionDuration of a day or more',
    conditions: [
      is("expirationPolicy.ttl", ""),
      test(
        "messageRetentionDuration",
        "be 86400s (a day) or more",
        (text) => Number.parseInt(String(text), 10) >= 86_400,
        {
          right: "86400s",
          wrong: ["600s"],
        },
      ),
    ],
  },
  {
    name: "gcp-bucket-recoverable",
    types: ["gcp:storage/bucket:Bucket"],
    severity: "high",
    protects: "objects that are gone after one wrong command",
    standard: "CKV_GCP_78",
    fix: "versioning or a retentionPolicy; softDeletePolicy.retentionDurationSeconds of 604800 or more",
    conditions: [
      isAtLeast("softDeletePolicy.retentionDurationSeconds", 604_800),
      test("$inputs", "have versioning.enabled or a retentionPolicy", hasVersionsOrRetention, {
        right: { versioning: { enabled: true } },
        wrong: [{ versioning: { enabled: false } }],
      }),
    ],
  },
  {
    name: "gcp-bucket-kept",
    types: ["gcp:storage/bucket:Bucket"],
    severity: "high",
    protects: "a bucket that is deleted with all that it holds",
    standard: "",
    fix: "forceDestroy: false",
    conditions: [isNot("forceDestroy", true)],
  },
  {
    name: "gcp-secret-protected",
    types: ["gcp:secretmanager/secret:Secret"],
    severity: "medium",
    protects: "a secret that is gone at once after one wrong command",
    standard: "",
    fix: "deletionProtection: true",
    conditions: [is("deletionProtection", true)],
  },
  {
    name: "gcp-registry-immutable",
    types: ["gcp:artifactregistry/repository:Repository"],
    severity: "medium",
    protects: "an image that changes under its tag",
    standard: "",
    fix: "dockerConfig: { immutableTags: true }",
    conditions: [
      where("format", "DOCKER", is("dockerConfig.immutableTags", true)),
      { ...isSet("format"), unknown: false },
    ],
  },
];

function flag(name: string) {
  const holds = (flags: Value) =>
    isList(flags) && flags.some((one) => isMap(one) && one.name === name && one.value === "on");
  const right = ["log_checkpoints", "log_connections", "log_disconnections", "log_lock_waits"].map((one) => ({
    name: one,
    value: "on",
  }));
  return test("settings.databaseFlags", `contain ${name} = on`, holds, {
    right,
    wrong: [right.filter((one) => one.name !== name)],
  });
}

function hasVersionsOrRetention(bucket: Value): boolean {
  if (!isMap(bucket)) return false;
  const { versioning, retentionPolicy } = bucket;
  return (
    (isMap(retentionPolicy) && retentionPolicy.retentionPeriod !== undefined) ||
    (isMap(versioning) && versioning.enabled === true)
  );
}
