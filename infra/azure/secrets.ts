import * as pulumi from "@pulumi/pulumi";
import type { PlatformArgs } from "../cloud.ts";
import type { AzureConfig } from "../config/azure.ts";
import type { SecretName, SecretStore } from "../platform.ts";
import { azure } from "../sdk/azure.cjs";
import { vaultStore } from "../vault.ts";
import type { EntityArgs } from "./entity.ts";
import type { Identities } from "./identities.ts";
import { KeyVault } from "./key-vault.ts";
import { located } from "./place.ts";
import { PrivateEndpoint } from "./private-endpoint.ts";
import { grant } from "./roles.ts";

export type SecretsArgs = EntityArgs & {
  readonly identities: Identities;
  readonly values: PlatformArgs<AzureConfig>["secrets"];
};

/** Where the cluster takes its secrets from: a key vault of their own, or Vault, where people put them. */
export class Secrets extends pulumi.ComponentResource {
  readonly contract: SecretStore;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: SecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Secrets", name, {}, opts);
    const { config, identities, values } = args;
    const names = Object.keys(values) as SecretName[];
    if (config.secrets.store === "vault") {
      this.contract = vaultStore(config.secrets, "azure", names);
      this.ready = [];
    } else {
      const { uri, ready } = fillVault(name, args, this);
      this.contract = {
        provider: keyVaultProvider(uri, config.tenantId),
        annotations: identities.secrets!.annotations,
        keys: Object.fromEntries(names.map((secret) => [secret, secret])),
        fields: {},
      };
      this.ready = ready;
    }
    this.registerOutputs({});
  }
}

/** A vault that holds nothing else: the operator may read all of it. */
function fillVault(name: string, { place, network, dns, identities, values }: SecretsArgs, parent: Secrets) {
  const { resourceGroupName, tags } = located(place);
  const vault = new KeyVault(name, { place }, { parent });
  const endpoint = new PrivateEndpoint(
    name,
    { place, target: vault.id, groupId: "vault", subnetId: network.subnets.endpoints, zone: dns.zones.vaults },
    { parent },
  );
  const secrets = Object.entries(values).map(
    ([secretName, value]) =>
      new azure.keyvault.Secret(
        secretName,
        {
          resourceGroupName,
          tags,
          vaultName: vault.name,
          secretName,
          properties: { value: pulumi.secret(value), contentType: "text/plain" },
        },
        { parent },
      ),
  );
  const right = grant(
    `${name}-reader`,
    {
      subscriptionId: place.subscriptionId,
      role: "keyVaultSecretsUser",
      scope: vault.id,
      principalId: identities.secrets!.principalId,
      principalType: "ServicePrincipal",
    },
    { parent },
  );
  return { uri: vault.uri, ready: [...endpoint.ready, ...secrets, right] };
}

/** The operator reads the vault as its own identity, with a token of its ServiceAccount. */
function keyVaultProvider(vaultUrl: pulumi.Input<string>, tenantId: string): SecretStore["provider"] {
  const serviceAccountRef = { name: "external-secrets", namespace: "external-secrets" };
  return { azurekv: { authType: "WorkloadIdentity", vaultUrl, tenantId, serviceAccountRef } };
}
