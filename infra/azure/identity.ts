import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import { located, type Place } from "./place.ts";

export type IdentityArgs = {
  readonly place: Place;
  /** Who in the cluster is taken for it. */
  readonly serviceAccount: { readonly namespace: string; readonly name: string };
  readonly oidcIssuer: pulumi.Input<string>;
};

/** Somebody in Azure, whom pods of one ServiceAccount are taken for by the tokens that their cluster signs. */
export class Identity extends pulumi.ComponentResource {
  /** Object id: what rights are granted to. */
  readonly principalId: pulumi.Output<string>;
  readonly clientId: pulumi.Output<string>;
  readonly name: pulumi.Output<string>;
  /** What a pod's ServiceAccount must carry. */
  readonly annotations: Readonly<Record<string, pulumi.Input<string>>>;
  /** Before it exists no token is taken. */
  readonly trust: pulumi.Resource;

  constructor(name: string, args: IdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Identity", name, {}, opts);
    const { place, serviceAccount, oidcIssuer } = args;
    const identity = new azure.managedidentity.UserAssignedIdentity(name, located(place), { parent: this });
    // One for each identity. A second on the same one must wait for the first: Azure refuses concurrent writes.
    this.trust = new azure.managedidentity.FederatedIdentityCredential(
      name,
      {
        resourceGroupName: place.group.name,
        resourceName: identity.name,
        issuer: oidcIssuer,
        subject: subject(serviceAccount),
        audiences: ["api://AzureADTokenExchange"],
      },
      { parent: this },
    );
    this.principalId = identity.principalId;
    this.clientId = identity.clientId;
    this.name = identity.name;
    this.annotations = {
      "azure.workload.identity/client-id": this.clientId,
      "azure.workload.identity/tenant-id": place.tenantId,
    };
    this.registerOutputs({ principalId: this.principalId, clientId: this.clientId });
  }
}

/** As tokens of Kubernetes name a ServiceAccount. */
export function subject({ namespace, name }: IdentityArgs["serviceAccount"]): string {
  return `system:serviceaccount:${namespace}:${name}`;
}
