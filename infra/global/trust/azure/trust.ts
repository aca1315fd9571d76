import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { azure } from "../../../sdk/azure.cjs";
import { mapClouds, type Receiver, type ReceiverArgs } from "../receiver.ts";
import { backupSubject, githubIssuer, githubSubject } from "../subjects.ts";
import { acrPush, parseContainer } from "./containers.ts";
import { FederatedIdentity } from "./identity.ts";

/** Whom Azure trusts: the other clouds to add backups, GitHub to push images. */
export class AzureTrust extends pulumi.ComponentResource implements Receiver {
  readonly targets: Receiver["targets"];
  /** Client id of an identity. */
  readonly github: Receiver["github"];

  constructor(
    name: string,
    args: ReceiverArgs & { readonly subscriptionId: string; readonly tenantId: string },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("skykv:global:AzureTrust", name, {}, opts);
    const { subscriptionId, tenantId, region: location, tags, backups: scope, github } = args;
    const provider = new azure.Provider("azure", { subscriptionId, tenantId, location }, { parent: this });
    const parent = { parent: this, provider };
    const group = new azure.resources.ResourceGroup("skykv-trust", { location, tags }, parent);
    const shared = { resourceGroupName: group.name, tags };

    const container = scope.apply(parseContainer);
    const addBackups = new AddBackups("add-backups", { group: container.group }, parent);
    this.targets = mapClouds(args.issuers, (issuer, from) => {
      const { clientId } = new FederatedIdentity(
        `${from}-backups`,
        { ...shared, issuer, subject: backupSubject, scope, roleDefinitionId: addBackups.id },
        parent,
      );
      return pulumi.output({ cloud: "azure" as const, container: container.url, clientId, tenantId });
    });

    const push = { scope: args.registry, roleDefinitionId: acrPush(subscriptionId) };
    this.github =
      github &&
      new FederatedIdentity(
        "github",
        { ...shared, issuer: githubIssuer, subject: githubSubject(github), ...push },
        parent,
      ).clientId;
    this.registerOutputs({});
  }
}

/** The role that adds blobs and does nothing else: each built-in one that writes can also replace and delete. */
class AddBackups extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;

  constructor(name: string, { group }: { group: pulumi.Output<string> }, opts: pulumi.ComponentResourceOptions) {
    super("skykv:global:AddBackups", name, {}, opts);
    const uuid = new random.RandomUuid(name, { keepers: { scope: group } }, { parent: this }).result;
    const role = new azure.authorization.RoleDefinition(
      name,
      {
        roleDefinitionId: uuid,
        // Unique in the tenant.
        roleName: pulumi.interpolate`SkyKV backups ${uuid}`,
        description: "Adds blobs; neither reads, replaces nor deletes them",
        scope: group,
        assignableScopes: [group],
        permissions: [{ actions: [], notActions: [], dataActions: [addBlobs], notDataActions: [] }],
      },
      { parent: this },
    );
    this.id = role.id;
    this.registerOutputs({ id: this.id });
  }
}

/** What Put Blob and Put Block List need for a blob that is not there yet. */
const addBlobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action";
