import type { Cloud } from "./names.ts";

/** What the stack of a cloud tells the stack `global`. Renaming an output breaks a running deployment: add, then remove. */
export type CloudOutputs = {
  /** The pool of this cloud's endpoints at Cloudflare. */
  readonly poolId: string;
  readonly egressAddresses: readonly string[];
  readonly oidcIssuer: string;
  /** Where the other clouds may put backups: a bucket's name, or the resource id of a blob container. */
  readonly backups: string;
  /** Where images are pushed: a repository's ARN or name, or the resource id of a registry. */
  readonly registry: string;
};

/** The certificates of one cloud, in PEM. The keys are secrets. */
export type Certificates = {
  /** For the API's port; signed by Cloudflare's origin CA. */
  readonly server: { readonly certificate: string; readonly key: string };
  /** For the peers' port, as server and as client; signed by the private CA. */
  readonly peer: { readonly certificate: string; readonly key: string };
};

/** What the stack `global` tells the stack of a cloud. */
export type GlobalOutputs = {
  /** A secret as a whole. */
  readonly certificates: Readonly<Record<Cloud, Certificates>>;
  /** Signs the certificate that Cloudflare shows to the clouds. */
  readonly originPullCa: string;
  /** Signs the peers' certificates. While it is renewed, both are in it. */
  readonly peerCa: string;
  /** From where the clouds reach each other, as far as their stacks are named in `clouds`. */
  readonly egressAddresses: Readonly<Partial<Record<Cloud, readonly string[]>>>;
  /** How pods of one cloud write backups to another: `backups.aws.gcp` is what a pod in aws needs to know for gcp. */
  readonly backups: Readonly<Partial<Record<Cloud, Readonly<Partial<Record<Cloud, BackupTarget>>>>>>;
};

/**
 * Where and as whom. The identity is what the other cloud knows the pod's ServiceAccount as; `container` is a URL, `audience`
 * what the pod's token must be for.
 */
export type BackupTarget =
  | { readonly cloud: "aws"; readonly bucket: string; readonly roleArn: string }
  | { readonly cloud: "gcp"; readonly bucket: string; readonly audience: string }
  | { readonly cloud: "azure"; readonly container: string; readonly clientId: string; readonly tenantId: string };
