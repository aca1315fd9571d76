import * as pulumi from "@pulumi/pulumi";
import { aws } from "../../../sdk/aws.cjs";
import type { Tags } from "../../../tags.ts";
import { audiences } from "../subjects.ts";
import { trustPolicy } from "./policies.ts";

export type FederatedRoleArgs = {
  readonly issuer: pulumi.Input<string>;
  /** ARN of the account's provider for the issuer, of which it has one at most; null: it is made. */
  readonly provider: string | null;
  readonly subject: string;
  /** What it may do, in JSON. */
  readonly policy: pulumi.Input<string>;
  readonly tags: Tags;
};

/** A role that one subject of one issuer outside of AWS takes, with a token instead of a key. */
export class FederatedRole extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;

  constructor(
    name: string,
    { issuer, provider, subject, policy, tags }: FederatedRoleArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("skykv:global:FederatedRole", name, {}, opts);
    const parent = { parent: this };

    const providerArn =
      provider ??
      // No thumbprints: AWS verifies these issuers by its own list of authorities.
      new aws.iam.OpenIdConnectProvider(name, { url: issuer, clientIdLists: [audiences.aws], tags }, parent).arn;
    const assumeRolePolicy = pulumi.all([providerArn, issuer]).apply(([arn, url]) => trustPolicy(arn, url, subject));
    const role = new aws.iam.Role(`skykv-${name}`, { assumeRolePolicy, tags }, parent);
    new aws.iam.RolePolicy(name, { role: role.name, policy }, parent);

    this.arn = role.arn;
    this.registerOutputs({ arn: this.arn });
  }
}
