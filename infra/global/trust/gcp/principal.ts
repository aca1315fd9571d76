import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { gcp } from "../../../sdk/gcp.cjs";
import { type Claims, poolId } from "./names.ts";

export type FederatedPrincipalArgs = Claims & {
  readonly project: string;
  readonly issuer: pulumi.Input<string>;
};

/**
 * One subject of one issuer outside of Google Cloud, which is given rights as it is: no service account is between. It has a
 * pool of its own, since all issuers of a pool share their subjects, and the clusters' ServiceAccounts have the same names.
 */
export class FederatedPrincipal extends pulumi.ComponentResource {
  /** Resource name of the provider, which tokens are made out for. */
  readonly provider: pulumi.Output<string>;
  /** As IAM knows it. */
  readonly member: pulumi.Output<string>;

  constructor(name: string, args: FederatedPrincipalArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:FederatedPrincipal", name, {}, opts);
    const { project, issuer, claim, value, condition } = args;
    const parent = { parent: this };

    // A deleted pool keeps its id for 30 days: one that comes back needs another.
    const suffix = new random.RandomId(name, { byteLength: 4 }, parent);
    const pool = new gcp.iam.WorkloadIdentityPool(
      name,
      { project, workloadIdentityPoolId: suffix.hex.apply((hex) => poolId(name, hex)), displayName: `SkyKV ${name}` },
      parent,
    );
    const provider = new gcp.iam.WorkloadIdentityPoolProvider(
      name,
      {
        project,
        workloadIdentityPoolId: pool.workloadIdentityPoolId,
        workloadIdentityPoolProviderId: name,
        oidc: { issuerUri: issuer },
        attributeMapping: { "google.subject": claim },
        attributeCondition: condition,
      },
      parent,
    );

    this.provider = provider.name;
    // By way of the provider, so that nobody is given rights before the condition is there.
    this.member = pulumi
      .all([pool.name, provider.name])
      .apply(([name]) => `principal://iam.googleapis.com/${name}/subject/${value}`);
    this.registerOutputs({ provider: this.provider, member: this.member });
  }
}
