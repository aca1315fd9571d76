import * as pulumi from "@pulumi/pulumi";
import { aws } from "../../../sdk/aws.cjs";
import { mapClouds, type Receiver, type ReceiverArgs } from "../receiver.ts";
import { backupSubject, type Github, githubIssuer, githubSubject } from "../subjects.ts";
import { addBackups, pushImages } from "./policies.ts";
import { FederatedRole } from "./role.ts";

export type AwsAccount = {
  readonly accountId: string;
  readonly githubProviderArn: string | null;
};

type Args = ReceiverArgs & AwsAccount;

/** Whom AWS trusts: the other clouds to add backups, GitHub to push images. */
export class AwsTrust extends pulumi.ComponentResource implements Receiver {
  readonly targets: Receiver["targets"];
  /** ARN of a role. */
  readonly github: Receiver["github"];

  constructor(name: string, args: Args, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:AwsTrust", name, {}, opts);
    const { accountId, region, tags, backups, github } = args;
    const provider = new aws.Provider("aws", { region, allowedAccountIds: [accountId] }, { parent: this });
    const own = { parent: this, provider };

    const add = backups.apply((bucket) => addBackups(bucket, region));
    this.targets = mapClouds(args.issuers, (issuer, from) => {
      const role = new FederatedRole(
        `${from}-backups`,
        { issuer, provider: null, subject: backupSubject, policy: add, tags },
        own,
      );
      return pulumi.output({ cloud: "aws" as const, bucket: backups, roleArn: role.arn });
    });

    this.github = github && this.#github(github, args, own);
    this.registerOutputs({});
  }

  #github(github: Github, { registry, githubProviderArn, tags }: Args, own: pulumi.ComponentResourceOptions) {
    const [provider, subject, policy] = [githubProviderArn, githubSubject(github), registry.apply(pushImages)];
    return new FederatedRole("github", { issuer: githubIssuer, provider, subject, policy, tags }, own).arn;
  }
}
