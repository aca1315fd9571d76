import * as pulumi from "@pulumi/pulumi";
import type { GlobalConfig } from "../../config/global.ts";
import type { Cloud } from "../../names.ts";
import type { CloudOutputs } from "../../stacks.ts";
import type { Tags } from "../../tags.ts";
import { AwsTrust } from "./aws/trust.ts";
import { AzureTrust } from "./azure/trust.ts";
import { GcpTrust } from "./gcp/trust.ts";
import { mapClouds, type Receiver } from "./receiver.ts";

export type TrustArgs = {
  readonly config: GlobalConfig;
  readonly tags: Tags;
  /** Outputs of the stacks of the clouds that the configuration names. */
  readonly stacks: Readonly<Partial<Record<Cloud, CloudStackOutputs>>>;
};
export type CloudStackOutputs = { readonly [K in keyof CloudOutputs]: pulumi.Output<CloudOutputs[K]> };

/** Whom each cloud trusts, by tokens that live for minutes: the other clouds to add backups, GitHub to push images. */
export class Trust extends pulumi.ComponentResource {
  readonly receivers: Readonly<Partial<Record<Cloud, Receiver>>>;

  constructor(name: string, { config, tags, stacks }: TrustArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:Trust", name, {}, opts);
    const parent = { parent: this };

    this.receivers = mapClouds(stacks, ({ backups, registry }, to): Receiver => {
      const issuers = mapClouds({ ...stacks, [to]: undefined }, ({ oidcIssuer }) => oidcIssuer);
      const { region } = config.clouds[to]!;
      const args = { tags, region, issuers, backups, registry, github: config.github ?? null };
      switch (to) {
        case "aws":
          return new AwsTrust(to, { ...args, ...config.aws! }, parent);
        case "gcp":
          return new GcpTrust(to, { ...args, ...config.gcp! }, parent);
        case "azure":
          return new AzureTrust(to, { ...args, ...config.azure! }, parent);
        default:
          return to satisfies never;
      }
    });
    this.registerOutputs({});
  }

  /** By sender, then receiver: see `GlobalOutputs`. */
  get backups() {
    return mapClouds(this.receivers, (_, from) => mapClouds(this.receivers, ({ targets }) => targets[from]));
  }
}
