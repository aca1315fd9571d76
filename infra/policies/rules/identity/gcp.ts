import { is, isNot, isNotUsed, isSet, test } from "../../condition.ts";
import type { Rule } from "../../rule.ts";
import { isList, isMap, type Value } from "../../value.ts";

/** What grants one role to one member, on one resource each. */
const members = [
  "gcp:projects/iAMMember:IAMMember",
  "gcp:serviceaccount/iAMMember:IAMMember",
  "gcp:storage/bucketIAMMember:BucketIAMMember",
  "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
  "gcp:pubsub/topicIAMMember:TopicIAMMember",
  "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember",
  "gcp:secretmanager/secretIamMember:SecretIamMember",
  "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
];

export const gcpIdentity: readonly Rule[] = [
  {
    name: "gcp-gke-no-old-logins",
    types: ["gcp:container/cluster:Cluster"],
    severity: "high",
    protects: "logins and rights that Kubernetes grants to everybody with a Google account, or to nobody in particular",
    standard: "CKV_GCP_7, CKV_GCP_13, CIS GKE 5.8",
    fix: "rbacBindingConfig with both insecure bindings false; neither legacy ABAC nor client certificates",
    conditions: [
      isNot("enableLegacyAbac", true),
      isNot("masterAuth.clientCertificateConfig.issueClientCertificate", true),
      is("rbacBindingConfig.enableInsecureBindingSystemAuthenticated", false),
      is("rbacBindingConfig.enableInsecureBindingSystemUnauthenticated", false),
    ],
  },
  {
    name: "gcp-gke-anonymous",
    types: ["gcp:container/cluster:Cluster"],
    severity: "medium",
    protects: "requests without a login to anything but the health checks of Kubernetes",
    standard: "",
    fix: 'anonymousAuthenticationConfig: { mode: "LIMITED" }',
    conditions: [is("anonymousAuthenticationConfig.mode", "LIMITED")],
  },
  {
    name: "gcp-gke-node-account",
    types: ["gcp:container/cluster:Cluster"],
    severity: "high",
    protects: "nodes with the rights of the project's default account, which is an editor",
    standard: "CIS GKE 5.2.1",
    fix: "clusterAutoscaling.autoProvisioningDefaults.serviceAccount of an account for nodes alone",
    conditions: [
      isSet("clusterAutoscaling.autoProvisioningDefaults.serviceAccount"),
      { ...isNot("clusterAutoscaling.autoProvisioningDefaults.serviceAccount", "default"), unknown: true },
    ],
  },
  {
    name: "gcp-sql-identity-login",
    types: ["gcp:sql/databaseInstance:DatabaseInstance"],
    severity: "high",
    protects: "passwords of programs, which leak and are not renewed",
    standard: "",
    fix: "the database flag cloudsql.iam_authentication = on",
    conditions: [
      test(
        "settings.databaseFlags",
        "contain cloudsql.iam_authentication = on",
        (flags) =>
          isList(flags) &&
          flags.some((flag) => isMap(flag) && flag.name === "cloudsql.iam_authentication" && flag.value === "on"),
        {
          right: [{ name: "cloudsql.iam_authentication", value: "on" }],
          wrong: [[{ name: "cloudsql.iam_authentication", value: "off" }]],
        },
      ),
    ],
  },
  {
    name: "gcp-valkey-identity-login",
    types: ["gcp:memorystore/instance:Instance"],
    severity: "high",
    protects: "a cache that everybody on its network may read and change",
    standard: "",
    fix: 'authorizationMode: "IAM_AUTH"',
    conditions: [is("authorizationMode", "IAM_AUTH")],
  },
  {
    name: "gcp-redis-identity-login",
    types: ["gcp:redis/cluster:Cluster"],
    severity: "high",
    protects: "a cache that everybody on its network may read and change",
    standard: "",
    fix: 'authorizationMode: "AUTH_MODE_IAM_AUTH"',
    conditions: [is("authorizationMode", "AUTH_MODE_IAM_AUTH")],
  },
  {
    name: "gcp-iam-no-broad-role",
    types: ["gcp:projects/iAMMember:IAMMember"],
    severity: "critical",
    protects: "a program that can change everything in the project",
    standard: "CKV_GCP_49, CKV_GCP_117, CIS GCP 1.5",
    fix: "a role for what is used, on the resource that it is used on",
    conditions: [
      test(
        "role",
        "be neither roles/owner, roles/editor nor any administrator's",
        (role) => !/^roles\/(owner|editor)$|[.]admin$/i.test(String(role)),
        { right: "roles/monitoring.viewer", wrong: ["roles/owner", "roles/editor", "roles/storage.admin"] },
      ),
    ],
  },
  {
    name: "gcp-iam-not-public",
    types: members,
    severity: "critical",
    protects: "what anybody on the internet may use",
    standard: "CKV_GCP_28, CKV_GCP_99",
    fix: "name the service account",
    conditions: [
      test(
        "member",
        "be neither allUsers nor allAuthenticatedUsers",
        (member) => member !== "allUsers" && member !== "allAuthenticatedUsers",
        {
          right: "serviceAccount:api@acme-skykv.iam.gserviceaccount.com",
          wrong: ["allUsers", "allAuthenticatedUsers"],
          unknown: true,
        },
      ),
    ],
  },
  {
    name: "gcp-iam-adds-only",
    types: ["gcp:projects/iAMPolicy:IAMPolicy", "gcp:projects/iAMBinding:IAMBinding"],
    severity: "high",
    protects: "rights of others that are taken away by the list that replaces them",
    standard: "",
    fix: "an IAMMember for each member, which leaves others alone",
    conditions: [isNotUsed],
  },
  {
    name: "gcp-no-account-keys",
    types: ["gcp:serviceaccount/key:Key"],
    severity: "critical",
    protects: "keys that are good from everywhere and for years",
    standard: "CIS GCP 1.4",
    fix: "Workload Identity Federation",
    conditions: [isNotUsed],
  },
  {
    name: "gcp-federation-narrow",
    types: ["gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"],
    severity: "critical",
    protects: "any identity of another cloud's issuer being taken for ours",
    standard: "CKV_GCP_118, CKV_GCP_125",
    fix: "attributeCondition with the subject that is meant",
    conditions: [
      test("attributeCondition", "compare assertion.sub", (text) => String(text).includes("assertion.sub"), {
        right: 'assertion.sub == "system:serviceaccount:skykv:skykv-replicator"',
        wrong: ["true"],
        unknown: true,
      }),
    ],
  },
  {
    name: "gcp-sink-own-identity",
    types: ["gcp:logging/projectSink:ProjectSink"],
    severity: "medium",
    protects: "a log writer that all projects of Google share",
    standard: "",
    fix: "uniqueWriterIdentity: true",
    conditions: [is("uniqueWriterIdentity", true)],
  },
  {
    name: "gcp-audit-logs",
    types: ["gcp:projects/iAMAuditConfig:IAMAuditConfig"],
    severity: "medium",
    protects: "reads and changes of data that nobody can prove later",
    standard: "CIS GCP 2.1",
    fix: "auditLogConfigs with ADMIN_READ, DATA_READ and DATA_WRITE",
    conditions: [
      test("auditLogConfigs", "have ADMIN_READ, DATA_READ and DATA_WRITE", hasDataLogs, {
        right: [{ logType: "ADMIN_READ" }, { logType: "DATA_READ" }, { logType: "DATA_WRITE" }],
        wrong: [[{ logType: "DATA_READ" }], [{ logType: "ADMIN_READ" }]],
      }),
    ],
  },
];

function hasDataLogs(configs: Value): boolean {
  const types = isList(configs) ? configs.map((config) => isMap(config) && config.logType) : [];
  return ["ADMIN_READ", "DATA_READ", "DATA_WRITE"].every((type) => types.includes(type));
}
