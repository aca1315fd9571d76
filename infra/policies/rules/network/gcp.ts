import { is, isNot, isSet, test, where } from "../../condition.ts";
import type { Rule } from "../../rule.ts";

export const gcpNetwork: readonly Rule[] = [
  {
    name: "gcp-gke-private",
    types: ["gcp:container/cluster:Cluster"],
    severity: "critical",
    protects: "nodes and the API of Kubernetes being open to the internet",
    standard: "CKV_GCP_18, CKV_GCP_20, CKV_GCP_25, CKV_GCP_64",
    fix: "privateClusterConfig.enablePrivateNodes: true, and masterAuthorizedNetworksConfig without 0.0.0.0/0",
    conditions: [
      is("privateClusterConfig.enablePrivateNodes", true),
      { ...isSet("masterAuthorizedNetworksConfig"), unknown: false },
      isNot("masterAuthorizedNetworksConfig.cidrBlocks[].cidrBlock", "0.0.0.0/0"),
      isNot("masterAuthorizedNetworksConfig.gcpPublicCidrsAccessEnabled", true),
    ],
  },
  {
    name: "gcp-sql-private",
    types: ["gcp:sql/databaseInstance:DatabaseInstance"],
    severity: "critical",
    protects: "a database with an address on the internet",
    standard: "CKV_GCP_60, CIS GCP 6.6",
    fix: "settings.ipConfiguration.ipv4Enabled: false",
    conditions: [is("settings.ipConfiguration.ipv4Enabled", false)],
  },
  {
    name: "gcp-bucket-not-public",
    types: ["gcp:storage/bucket:Bucket"],
    severity: "critical",
    protects: "objects that anybody may read after one wrong grant",
    standard: "CKV_GCP_29, CKV_GCP_114",
    fix: 'uniformBucketLevelAccess: true, publicAccessPrevention: "enforced"',
    conditions: [is("uniformBucketLevelAccess", true), is("publicAccessPrevention", "enforced")],
  },
  {
    name: "gcp-pubsub-region",
    types: ["gcp:pubsub/topic:Topic"],
    severity: "medium",
    protects: "messages that are kept, or pass, in regions that nobody chose",
    standard: "",
    fix: "messageStoragePolicy: { allowedPersistenceRegions, enforceInTransit: true }",
    conditions: [
      isSet("messageStoragePolicy.allowedPersistenceRegions"),
      is("messageStoragePolicy.enforceInTransit", true),
    ],
  },
  {
    name: "gcp-firewall-narrow",
    types: ["gcp:compute/firewall:Firewall"],
    severity: "critical",
    protects: "ports other than HTTPS that are open to the internet",
    standard: "CKV_GCP_2, CKV_GCP_3",
    fix: "sourceRanges of your network, or allows of port 443 alone",
    conditions: [
      where(
        "sourceRanges[]",
        "0.0.0.0/0",
        test("allows[].ports", "be 443 alone", (ports) => String(ports) === "443", {
          right: ["443"],
          wrong: [["22"], ["443", "22"]],
          // What denies has no such list.
          absent: true,
        }),
      ),
    ],
  },
  {
    name: "gcp-network-own-subnets",
    types: ["gcp:compute/network:Network"],
    severity: "medium",
    protects: "subnets in all regions of the world with rules that nobody wrote",
    standard: "CIS GCP 3.1",
    fix: "autoCreateSubnetworks: false",
    conditions: [is("autoCreateSubnetworks", false)],
  },
  {
    name: "gcp-subnet-logs",
    types: ["gcp:compute/subnetwork:Subnetwork"],
    severity: "medium",
    protects: "traffic that nobody can look up after a break-in, and detours of calls to Google's own services",
    standard: "CKV_GCP_26, CKV_GCP_74",
    fix: "logConfig, and privateIpGoogleAccess: true",
    conditions: [isSet("logConfig"), is("privateIpGoogleAccess", true)],
  },
];
