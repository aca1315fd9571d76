import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { azure } from "../../../sdk/azure.cjs";
import type { Tags } from "../../../tags.ts";
import { audiences } from "../subjects.ts";

export type FederatedIdentityArgs = {
  readonly resourceGroupName: pulumi.Input<string>;
  readonly issuer: pulumi.Input<string>;
  readonly subject: string;
  /** Resource id of what it may use, and of the role that says how. */
  readonly scope: pulumi.Input<string>;
  readonly roleDefinitionId: pulumi.Input<string>;
  readonly tags: Tags;
};

/**
 * An identity that one subject of one issuer outside of Azure takes, with one right. Each has its own: credentials of one
 * identity cannot be written at the same time, and logs tell who it was.
 */
export class FederatedIdentity extends pulumi.ComponentResource {
  readonly clientId: pulumi.Output<string>;

  constructor(name: string, args: FederatedIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:FederatedIdentity", name, {}, opts);
    const { resourceGroupName, issuer, subject, scope, roleDefinitionId, tags } = args;
    const parent = { parent: this };

    const identity = new azure.managedidentity.UserAssignedIdentity(
      `skykv-${name}`,
      { resourceGroupName, tags },
      parent,
    );
    new azure.managedidentity.FederatedIdentityCredential(
      name,
      { resourceGroupName, resourceName: identity.name, issuer, subject, audiences: [audiences.azure] },
      parent,
    );
    // Assignments are named by UUIDs, and none may be used again for another scope or identity.
    const keepers = { scope, principal: identity.principalId, role: roleDefinitionId };
    new azure.authorization.RoleAssignment(
      name,
      {
        roleAssignmentName: new random.RandomUuid(name, { keepers }, parent).result,
        scope,
        roleDefinitionId,
        principalId: identity.principalId,
        // Else Azure looks the identity up, and may not find it yet.
        principalType: "ServicePrincipal",
      },
      parent,
    );

    this.clientId = identity.clientId;
    this.registerOutputs({ clientId: this.clientId });
  }
}
