import type { CloudConfig } from "./config/config.ts";
import type { SecretName, SecretStore } from "./platform.ts";

type VaultConfig = Extract<CloudConfig["secrets"], { store: "vault" }>;

/**
 * Secrets from Vault or OpenBao, where people put them: one entry `skykv/<cloud>` of the key-value engine, with a field
 * for each of `names`. The External Secrets Operator logs in with the token of its own ServiceAccount.
 */
export function vaultStore(config: VaultConfig, cloud: string, names: readonly SecretName[]): SecretStore {
  const { address, path, mount, role } = config;
  const serviceAccountRef = { name: "external-secrets", namespace: "external-secrets" };
  return {
    provider: {
      vault: {
        server: address,
        path,
        version: "v2",
        auth: { kubernetes: { mountPath: mount, role, serviceAccountRef } },
      },
    },
    annotations: {},
    keys: Object.fromEntries(names.map((name) => [name, `skykv/${cloud}`])),
    fields: Object.fromEntries(names.map((name) => [name, name])),
  };
}
