import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import { located, type Place } from "./place.ts";
import { grant } from "./roles.ts";

/** A customer-managed key, in all the forms in which Azure's services ask for one. */
export type Key = {
  /** Resource id: what rights are granted on. */
  readonly id: pulumi.Input<string>;
  readonly name: string;
  /** Without a version, for services that follow to new ones by themselves. */
  readonly uri: pulumi.Output<string>;
  /** For those that do not: `pulumi up --refresh` moves them on. */
  readonly versionedUri: pulumi.Output<string>;
  readonly vaultId: pulumi.Input<string>;
  /** With a slash at its end. */
  readonly vaultUri: pulumi.Input<string>;
};

/** The parts of a given key's names. */
export function keyNames(given: { readonly vaultId: string; readonly keyUri: string }) {
  const [, , , , resourceGroupName, , , , vaultName] = given.vaultId.split("/") as string[];
  const url = new URL(given.keyUri);
  const [, , keyName] = url.pathname.split("/");
  return {
    resourceGroupName: resourceGroupName!,
    vaultName: vaultName!,
    keyName: keyName!,
    vaultUri: `${url.origin}/`,
  };
}

/** A key that is there already. Its newest version is looked up. */
export function existingKey(
  given: { readonly vaultId: string; readonly keyUri: string },
  opts: pulumi.InvokeOptions,
): Key {
  const { vaultUri, keyName, ...vault } = keyNames(given);
  return {
    id: `${given.vaultId}/keys/${keyName}`,
    name: keyName,
    uri: pulumi.output(given.keyUri),
    versionedUri: azure.keyvault.getKeyOutput({ ...vault, keyName }, opts).keyUriWithVersion,
    vaultId: given.vaultId,
    vaultUri,
  };
}

export type KeyUserArgs = { readonly place: Place; readonly key: Key };

/**
 * The identity as which a service uses its key, with the right to do so and no other. What encrypts must depend on all of
 * it: the service tries the key when it is made, and fails for good where the right is not there yet.
 */
export class KeyUser extends pulumi.ComponentResource {
  readonly identityId: pulumi.Output<string>;
  readonly clientId: pulumi.Output<string>;
  readonly principalId: pulumi.Output<string>;

  constructor(name: string, { place, key }: KeyUserArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:KeyUser", name, {}, opts);
    const identity = new azure.managedidentity.UserAssignedIdentity(`${name}-key-user`, located(place), {
      parent: this,
    });
    this.identityId = identity.id;
    this.clientId = identity.clientId;
    this.principalId = identity.principalId;
    grant(
      `${name}-uses-key`,
      {
        subscriptionId: place.subscriptionId,
        role: "keyVaultCryptoServiceEncryptionUser",
        scope: key.id,
        principalId: this.principalId,
        principalType: "ServicePrincipal",
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** PostgreSQL and the registry take their identities as a map with empty values; all others as a list. */
export function asMap(ids: readonly pulumi.Input<string>[]): pulumi.Output<Record<string, object>> {
  return pulumi.all([...ids]).apply((all) => Object.fromEntries(all.map((id) => [id, {}])));
}
