import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import { report } from "./audit.ts";
import { lock } from "./lock.ts";
import { located, type Place } from "./place.ts";

export type KeyVaultArgs = { readonly place: Place };

/** A key vault that only roles and the services of Azure that use its keys can enter, and only from inside. */
export class KeyVault extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;
  readonly name: pulumi.Output<string>;
  /** With a slash at its end. */
  readonly uri: pulumi.Output<string>;

  constructor(name: string, { place }: KeyVaultArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:KeyVault", name, {}, opts);
    const { protect, workspaceId } = place;
    const vault = new azure.keyvault.Vault(
      name,
      { ...located(place), properties: vaultProperties(place.tenantId) },
      { parent: this, protect },
    );
    this.id = vault.id;
    this.name = vault.name;
    this.uri = vault.name.apply((it) => `https://${it}.vault.azure.net/`);
    report(`${name}-vault`, { target: this.id, workspaceId, logs: "audit", metrics: true }, { parent: this });
    if (protect) lock(`${name}-vault`, this.id, { parent: this });
    this.registerOutputs({ id: this.id, name: this.name, uri: this.uri });
  }
}

/**
 * The same in every profile: protection from purging cannot be taken back, and the days of retention cannot be changed.
 * Services refuse keys of a vault without that protection.
 */
export function vaultProperties(tenantId: string) {
  return {
    tenantId,
    sku: { family: "A", name: "standard" },
    enableRbacAuthorization: true,
    enableSoftDelete: true,
    softDeleteRetentionInDays: 90,
    enablePurgeProtection: true,
    publicNetworkAccess: "disabled",
    // Storage, PostgreSQL, Service Bus, Redis and the registry come as trusted services, by their identities.
    networkAcls: { bypass: "AzureServices", defaultAction: "Deny" },
  } as const;
}
