import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../platform.ts";
import { azure } from "../sdk/azure.cjs";
import type { EntityArgs } from "./entity.ts";
import type { Identities } from "./identities.ts";
import { PrivateEndpoint } from "./private-endpoint.ts";
import { grant } from "./roles.ts";
import { StorageAccount } from "./storage-account.ts";

export type BlobsArgs = EntityArgs & { readonly identities: Identities };

/** Values above 1 MiB. */
export class Blobs extends pulumi.ComponentResource {
  readonly contract: Platform["blobs"];
  /** Resource id of the account. */
  readonly id: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: BlobsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Blobs", name, {}, opts);
    const { config, place, network, dns, keys, identities } = args;
    const retentionDays = config.database.backupDays;
    const account = new StorageAccount(
      name,
      { place, key: keys.for.blobs, allowedAddresses: null, retentionDays, lasting: true },
      { parent: this },
    );
    const values = new azure.storage.BlobContainer(
      "values",
      {
        resourceGroupName: place.group.name,
        accountName: account.name,
        containerName: "values",
        publicAccess: "None",
      },
      { parent: this, protect: place.protect },
    );
    const endpoint = new PrivateEndpoint(
      name,
      { place, target: account.id, groupId: "blob", subnetId: network.subnets.endpoints, zone: dns.zones.blobs },
      { parent: this },
    );
    const rights = (["api", "replicator"] as const).map((word) =>
      grant(
        `${name}-${word}`,
        {
          subscriptionId: place.subscriptionId,
          role: "blobDataContributor",
          scope: values.id,
          principalId: identities.of[word].principalId,
          principalType: "ServicePrincipal",
        },
        { parent: this },
      ),
    );
    this.id = account.id;
    this.contract = { kind: "azure", account: account.name, container: values.name };
    this.ready = [...endpoint.ready, ...rights];
    this.registerOutputs({ id: this.id });
  }
}
