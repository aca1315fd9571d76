import type { GcpConfig } from "../config/gcp.ts";
import type { Labels } from "./labels.ts";

/** Settings of Cloud SQL. All of them change in place; a new machine type or edition restarts the database. */
export function settingsOf(config: GcpConfig, labels: Labels, protect: boolean) {
  const { region, database } = config;
  return {
    // Unset, PostgreSQL 16 and later is ENTERPRISE_PLUS, which refuses the machine types of ENTERPRISE.
    edition: database.edition,
    tier: database.tier,
    availabilityType: database.availability,
    diskType: "PD_SSD",
    diskSize: database.diskGb,
    diskAutoresize: true,
    databaseFlags,
    ipConfiguration: {
      ipv4Enabled: false,
      sslMode: "ENCRYPTED_ONLY",
      // Its certificates name the host, so that clients can check it. Those of a CA of the instance's own do not.
      serverCaMode: "GOOGLE_MANAGED_CAS_CA",
      pscConfigs: [{ pscEnabled: true, allowedConsumerProjects: consumerProjects(config) }],
    },
    backupConfiguration: {
      enabled: true,
      location: region,
      startTime: "02:00",
      pointInTimeRecoveryEnabled: true,
      // The most that the edition ENTERPRISE has.
      transactionLogRetentionDays: 7,
      backupRetentionSettings: { retainedBackups: database.backups, retentionUnit: "COUNT" },
    },
    // A last backup, for whoever deletes the instance by mistake after all.
    finalBackupConfig: protect ? { enabled: true, retentionDays: 30 } : { enabled: false },
    retainBackupsOnDelete: protect,
    maintenanceWindow: { day: 7, hour: 3, updateTrack: "stable" },
    insightsConfig: { queryInsightsEnabled: true, recordClientAddress: false },
    deletionProtectionEnabled: protect,
    userLabels: labels,
  };
}

/** Projects whose networks may have an endpoint: ours, and that of a network which another project shares with it. */
export function consumerProjects({ project, network }: Pick<GcpConfig, "project" | "network">): string[] {
  if (!("existing" in network)) return [project];
  const [, owner] = /^projects\/([^/]+)\//.exec(network.existing.network)!;
  return [...new Set([project, owner!])];
}

/** Login by IAM, and what the CIS benchmark for Google Cloud wants in the log (6.2). */
const databaseFlags = [
  { name: "cloudsql.iam_authentication", value: "on" },
  { name: "log_checkpoints", value: "on" },
  { name: "log_connections", value: "on" },
  { name: "log_disconnections", value: "on" },
  { name: "log_lock_waits", value: "on" },
];

/** PostgreSQL's name of a service account: its e-mail address without the end that all have. */
export function databaseUser(email: string): string {
  return email.replace(/\.gserviceaccount\.com$/, "");
}

/** Names of instances are given without or with the dot at the end; zones want it, clients do not. */
export function zoneName(dnsName: string): string {
  return `${hostName(dnsName)}.`;
}

export function hostName(dnsName: string): string {
  return dnsName.replace(/\.$/, "");
}

/** Cloud SQL has no rights on one instance: a right on the project is narrowed down. */
export function loginCondition(project: string, instance: string) {
  return {
    title: "skykv-database",
    description: "This instance alone",
    expression: `resource.service == "sqladmin.googleapis.com" && resource.name == "projects/${project}/instances/${instance}"`,
  };
}
