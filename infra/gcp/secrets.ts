import * as pulumi from "@pulumi/pulumi";
import type { PlatformArgs } from "../cloud.ts";
import type { GcpConfig } from "../config/gcp.ts";
import type { SecretName, SecretStore } from "../platform.ts";
import { gcp } from "../sdk/gcp.cjs";
import { vaultStore } from "../vault.ts";
import type { EntityArgs } from "./entity.ts";
import type { Identity } from "./identity.ts";

export type SecretsArgs = EntityArgs & {
  readonly identity: Identity;
  readonly values: PlatformArgs<GcpConfig>["secrets"];
};

/** Where the cluster takes its secrets from: Secret Manager, which then holds them; or Vault, where people put them. */
export class Secrets extends pulumi.ComponentResource {
  readonly contract: SecretStore;

  constructor(name: string, args: SecretsArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Secrets", name, {}, opts);
    const { config, identity, values } = args;
    const names = Object.keys(values) as SecretName[];
    this.contract =
      config.secrets.store === "vault"
        ? vaultStore(config.secrets, "gcp", names)
        : {
            // Without `auth` the operator is who its own ServiceAccount is.
            provider: { gcpsm: { projectID: config.project } },
            annotations: identity.annotations("secrets"),
            keys: Object.fromEntries(names.map((secret) => [secret, stored(secret, values[secret]!, args, this)])),
            fields: {},
          };
    this.registerOutputs({});
  }
}

/** Returns the id under which Secret Manager has it. The operator may read this one; nothing else may. */
function stored(name: SecretName, secretData: pulumi.Output<string>, args: SecretsArgs, parent: Secrets) {
  const { config, labels, protect, services, identity, nameOf } = args;
  const key = args.keys.of("secrets");
  const replica = { location: config.region, customerManagedEncryption: { kmsKeyName: key.id } };
  const secret = new gcp.secretmanager.Secret(
    name,
    {
      secretId: nameOf(255, name),
      replication: { userManaged: { replicas: [replica] } },
      deletionProtection: protect,
      labels,
    },
    // The agent encrypts with the key; a secret whose key it cannot use is refused.
    { parent, protect, dependsOn: [...services.of("secretmanager"), ...key.grants] },
  );
  new gcp.secretmanager.SecretVersion(name, { secret: secret.id, secretData }, { parent });
  new gcp.secretmanager.SecretIamMember(
    name,
    { secretId: secret.id, role: "roles/secretmanager.secretAccessor", member: identity.member("secrets") },
    { parent },
  );
  return secret.secretId;
}
