import { type SecretName, secretNames } from "../platform.ts";

/**
 * The Kubernetes Secrets of the workload: their items, and under which name the platform has each. What is used together is
 * in one, so that a certificate and its key change together.
 */
export const bundles = {
  "admin-key": { key: secretNames.adminKey },
  "server-tls": { certificate: secretNames.serverCertificate, key: secretNames.serverKey },
  "peer-tls": { certificate: secretNames.peerCertificate, key: secretNames.peerKey },
  database: { password: secretNames.databasePassword },
  "database-admin": { user: secretNames.databaseAdminUser, password: secretNames.databaseAdminPassword },
  cache: { password: secretNames.cachePassword },
  queue: { user: secretNames.queueUser, password: secretNames.queuePassword },
  tunnel: { token: secretNames.tunnelToken },
} as const satisfies Record<string, Record<string, SecretName>>;

export type Bundle = keyof typeof bundles;
export type Item<B extends Bundle> = keyof (typeof bundles)[B] & string;

/** Folder of a container in which the items of a bundle are files. */
export function bundleFolder(bundle: Bundle): string {
  return `/etc/skykv/secrets/${bundle}`;
}

/** Certificates that sign those of others: public, hence in a ConfigMap. */
export const authorityNames = ["database", "cache", "origin-pull", "peers"] as const;
export type AuthorityName = (typeof authorityNames)[number];

export const authoritiesFolder = "/etc/skykv/authorities";
