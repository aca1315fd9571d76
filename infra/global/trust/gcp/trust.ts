import * as pulumi from "@pulumi/pulumi";
import { gcp } from "../../../sdk/gcp.cjs";
import { mapClouds, type Receiver, type ReceiverArgs } from "../receiver.ts";
import { type Github, githubIssuer } from "../subjects.ts";
import { backupClaims, githubClaims, parseRepository } from "./names.ts";
import { FederatedPrincipal } from "./principal.ts";

/** Whom Google Cloud trusts: the other clouds to add backups, GitHub to push images. */
export class GcpTrust extends pulumi.ComponentResource implements Receiver {
  readonly targets: Receiver["targets"];
  /** Resource name of a workload identity provider. */
  readonly github: Receiver["github"];

  constructor(name: string, args: ReceiverArgs & { readonly project: string }, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:GcpTrust", name, {}, opts);
    const { project, region, backups: bucket, registry, github } = args;
    const provider = new gcp.Provider("gcp", { project, region }, { parent: this });
    const parent = { parent: this, provider };
    const apis = ["iam", "sts"].map(
      (api) =>
        new gcp.projects.Service(api, { project, service: `${api}.googleapis.com`, disableOnDestroy: false }, parent),
    );
    // Until an API is enabled, nothing of it can be made.
    const enabled = { ...parent, dependsOn: apis };

    this.targets = mapClouds(args.issuers, (issuer, from) => {
      const word = `${from}-backups`;
      const sender = new FederatedPrincipal(word, { project, issuer, ...backupClaims }, enabled);
      new gcp.storage.BucketIAMMember(
        word,
        { bucket, role: "roles/storage.objectCreator", member: sender.member },
        parent,
      );
      return pulumi.output({ cloud: "gcp" as const, bucket, audience: audienceOf(sender.provider) });
    });

    this.github = github && pusher(github, { project, registry }, parent, enabled);
    this.registerOutputs({});
  }
}

/** GitHub, with the right to push to the repository. Returns the provider that its tokens are made out for. */
function pusher(
  github: Github,
  { project, registry }: { readonly project: string; readonly registry: pulumi.Output<string> },
  parent: pulumi.ComponentResourceOptions,
  enabled: pulumi.ComponentResourceOptions,
): pulumi.Output<string> {
  const claims = githubClaims(github);
  const { provider, member } = new FederatedPrincipal("github", { project, issuer: githubIssuer, ...claims }, enabled);
  const { location, repository } = registry.apply(parseRepository);
  new gcp.artifactregistry.RepositoryIamMember(
    "github",
    { project, location, repository, role: "roles/artifactregistry.writer", member },
    parent,
  );
  return provider;
}

function audienceOf(provider: pulumi.Output<string>): pulumi.Output<string> {
  return pulumi.interpolate`//iam.googleapis.com/${provider}`;
}
