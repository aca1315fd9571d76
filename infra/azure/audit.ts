import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import type { Place } from "./place.ts";
import { located } from "./place.ts";

export type AuditArgs = { readonly place: Omit<Place, "workspaceId"> };

/** Who did what: the workspace that every service reports to, and the subscription's own log of changes. */
export class Audit extends pulumi.ComponentResource {
  readonly workspaceId: pulumi.Output<string>;

  constructor(name: string, { place }: AuditArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Audit", name, {}, opts);
    const workspace = new azure.operationalinsights.Workspace(
      name,
      {
        ...located(place),
        sku: { name: "PerGB2018" },
        retentionInDays,
        // Entra identities alone: the workspace's shared keys would let anybody who holds them write entries.
        features: { disableLocalAuth: true },
      },
      { parent: this, protect: place.protect },
    );
    this.workspaceId = workspace.id;
    report(
      `${name}-activity`,
      {
        target: `/subscriptions/${place.subscriptionId}`,
        workspaceId: this.workspaceId,
        logs: ["Administrative", "Security", "Policy", "Alert", "ServiceHealth", "ResourceHealth"],
        metrics: false,
      },
      { parent: this },
    );
    this.registerOutputs({ workspaceId: this.workspaceId });
  }
}

/** What people who look into an incident a quarter later still need. */
const retentionInDays = 90;

export type ReportArgs = {
  /** Resource id of what reports. */
  readonly target: pulumi.Input<string>;
  readonly workspaceId: pulumi.Input<string>;
  /** Categories of its logs, or `audit`: the group of those that say who did what. */
  readonly logs: readonly string[] | "audit";
  /** Left out where the resource has none (the subscription). */
  readonly metrics: boolean;
};

/** Has a resource send its logs and metrics to the workspace. */
export function report(name: string, args: ReportArgs, opts: pulumi.CustomResourceOptions) {
  return new azure.monitor.DiagnosticSetting(
    name,
    {
      resourceUri: args.target,
      workspaceId: args.workspaceId,
      logs:
        args.logs === "audit"
          ? [{ categoryGroup: "audit", enabled: true }]
          : args.logs.map((category) => ({ category, enabled: true })),
      metrics: args.metrics ? [{ category: "AllMetrics", enabled: true }] : [],
    },
    opts,
  );
}
