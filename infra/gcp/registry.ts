import * as pulumi from "@pulumi/pulumi";
import type { Registry as Contract } from "../platform.ts";
import { gcp } from "../sdk/gcp.cjs";
import type { EntityArgs } from "./entity.ts";

/** Images. A tag, once pushed, always means the same image. */
export class Registry extends pulumi.ComponentResource {
  readonly contract: Contract;
  readonly #resource: gcp.artifactregistry.Repository;

  constructor(name: string, args: EntityArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Registry", name, {}, opts);
    const { config, labels, protect, services } = args;
    const key = args.keys.of("registry");
    this.#resource = new gcp.artifactregistry.Repository(
      "images",
      {
        location: config.region,
        repositoryId: args.nameOf(63, "images"),
        format: "DOCKER",
        kmsKeyName: key.id,
        dockerConfig: { immutableTags: true },
        cleanupPolicies,
        cleanupPolicyDryRun: false,
        vulnerabilityScanningConfig: { enablementConfig: "INHERITED" },
        labels,
      },
      // The agent encrypts with the key from the first moment on.
      { parent: this, protect, dependsOn: [...services.of("artifactregistry", "containerscanning"), ...key.grants] },
    );
    const { id, repositoryId } = this.#resource;
    this.contract = {
      id,
      repository: pulumi.interpolate`${config.region}-docker.pkg.dev/${config.project}/${repositoryId}/skykv`,
      // Docker pushes as whoever `gcloud auth configure-docker` has set up.
      credentials: null,
    };
    this.registerOutputs({});
  }

  mayPull(name: string, member: pulumi.Input<string>, parent: pulumi.Resource): pulumi.Resource {
    const { location, repositoryId } = this.#resource;
    return new gcp.artifactregistry.RepositoryIamMember(
      name,
      { location, repository: repositoryId, role: "roles/artifactregistry.reader", member },
      { parent },
    );
  }
}

/**
 * Images that no tag names any more go after 30 days, but never the ten newest. Tagged ones stay: tags are immutable, so
 * deleting what one names is refused.
 */
const cleanupPolicies = [
  { id: "delete-untagged", action: "DELETE", condition: { tagState: "UNTAGGED", olderThan: `${30 * 24 * 60 * 60}s` } },
  { id: "keep-newest", action: "KEEP", mostRecentVersions: { keepCount: 10 } },
];
