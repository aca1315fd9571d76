/** Choices that change the cost much, each worked out from a plan of its own. */

import type { CloudConfig } from "../../../config/config.ts";
import type { Profile } from "../../../config/shared.ts";

export type Choice = {
  readonly stack: CloudConfig["kind"];
  readonly profile: Profile;
  /** Keys of the configuration, as people would set them. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The key, as the guide shows it. */
  readonly key: string;
  /** What one gets and gives for it. */
  readonly effect: string;
};

/** A whole key replaces that of the stack's file, which has these. */
const administrators = {
  administratorsGroupId: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
  administratorsGroupName: "skykv-administrators",
};

export const choices: readonly Choice[] = [
  {
    stack: "azure",
    profile: "small",
    config: { cluster: { ...administrators, mode: "managed-nodes", nodes: { min: 0 } } },
    key: "cluster: { mode: managed-nodes, nodes: { min: 0 } }",
    effect:
      "Two nodes for all in place of AKS Automatic; no promise of uptime of the control plane. Changing the mode later replaces the cluster.",
  },
  {
    stack: "azure",
    profile: "standard",
    config: { cluster: { ...administrators, mode: "managed-nodes" } },
    key: "cluster: { mode: managed-nodes }",
    effect: "Machines and their updates are yours to choose. Changing the mode later replaces the cluster.",
  },
  {
    stack: "aws",
    profile: "standard",
    config: { network: { endpoints: false } },
    key: "network: { endpoints: false }",
    effect: "Calls of AWS's services leave through NAT: they need it to be up.",
  },
  {
    stack: "aws",
    profile: "standard",
    config: { network: { natPerZone: false } },
    key: "network: { natPerZone: false }",
    effect: "With the zone that has the gateway, peers are lost too until another is made.",
  },
  {
    stack: "aws",
    profile: "standard",
    config: { queue: "sqs" },
    key: "queue: sqs",
    effect: "Hints do not go through the database. They may all be lost wherever they go, so nothing is safer.",
  },
  {
    stack: "azure",
    profile: "standard",
    config: { queue: "servicebus" },
    key: "queue: servicebus",
    effect: "As on AWS: hints leave the database, and nothing is safer.",
  },
  {
    stack: "gcp",
    profile: "standard",
    config: { database: { edition: "ENTERPRISE_PLUS", tier: "db-perf-optimized-N-4" } },
    key: "database: { edition: ENTERPRISE_PLUS, tier: db-perf-optimized-N-4 }",
    effect:
      "Twice the CPUs, four times the memory, and maintenance without a break: an SLA of 99.99 % in place of 99.95 % for a cloud that may be lost anyway.",
  },
];
