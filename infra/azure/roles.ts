import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";

/** Roles that are built into Azure, by their ids, which are the same in every tenant. */
export const roles = {
  acrPull: "7f951dda-4ed3-4680-a7ca-43fe172d538d",
  acrPush: "8311e382-0749-4cb8-b61a-304f252e45ec",
  blobDataContributor: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
  clusterAdmin: "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
  keyVaultContributor: "f25e0fa2-a7c8-4377-a976-54943a77a395",
  keyVaultCryptoServiceEncryptionUser: "e147488a-f6f5-4113-8e2d-b22465e65bf6",
  keyVaultCryptoUser: "12338af0-0e69-4776-bea7-57ae8d297424",
  keyVaultSecretsUser: "4633458b-17de-408a-b874-0445c86b69e6",
  networkContributor: "4d97b98b-1d4f-4787-a291-c67834d212e7",
  reader: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
  serviceBusDataOwner: "090c5cfd-751d-490a-894a-3ce6f1109419",
  serviceBusDataReceiver: "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
  serviceBusDataSender: "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
} as const;
export type Role = keyof typeof roles;

export type GrantArgs = {
  readonly subscriptionId: string;
  readonly role: Role;
  /** Resource id of what the role is granted on. */
  readonly scope: pulumi.Input<string>;
  /** Object id of who gets it. */
  readonly principalId: pulumi.Input<string>;
  readonly principalType: "ServicePrincipal" | "Group";
};

/**
 * Grants a role. The kind of principal is stated, since Azure looks a new identity up before all of its directory knows
 * it, and refuses the grant when it must guess.
 */
export function grant(name: string, args: GrantArgs, opts: pulumi.CustomResourceOptions) {
  const { subscriptionId, role, scope, principalId, principalType } = args;
  return new azure.authorization.RoleAssignment(
    name,
    {
      scope,
      principalId,
      principalType,
      roleDefinitionId: roleDefinitionId(subscriptionId, role),
      roleAssignmentName: pulumi.all([scope, principalId]).apply((where) => guid(...where, roles[role])),
    },
    opts,
  );
}

export function roleDefinitionId(subscriptionId: string, role: Role): string {
  return `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${roles[role]}`;
}

/**
 * A UUID (version 5, RFC 9562) made from words. An assignment is named by scope, principal and role, so that one that was
 * lost from the state is found again, and a new principal gets a new name: Azure refuses to change an old one's.
 */
export function guid(...words: readonly string[]): string {
  const bytes = createHash("sha1")
    .update(Buffer.from(urlNamespace, "hex"))
    .update(words.join("|").toLowerCase())
    .digest()
    .subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The namespace of URLs, from RFC 9562. */
const urlNamespace = "6ba7b8119dad11d180b400c04fd430c8";
