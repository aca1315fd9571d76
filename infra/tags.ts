import * as pulumi from "@pulumi/pulumi";

/** What every resource that can be tagged carries: who to ask, what it belongs to, how to treat what it holds. */
export type Tags = {
  readonly project: string;
  readonly stack: string;
  readonly owner: string;
  readonly "data-class": string;
};

/**
 * Tags for AWS and Azure, labels for Google Cloud and Kubernetes: lower-case words of at most 63 characters are allowed
 * everywhere (Google Cloud's labels are the strictest).
 */
export function tagsOf(config: { readonly owner: string; readonly dataClass: string }): Tags {
  return {
    project: pulumi.getProject(),
    stack: pulumi.getStack(),
    owner: config.owner,
    "data-class": config.dataClass,
  };
}
