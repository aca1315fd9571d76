import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { aws } from "../sdk/aws.cjs";
import type { Tags } from "../tags.ts";
import { stackName } from "./names.ts";

/** The components that use the cache. */
export const cacheComponents = ["api", "replicator"] as const;
export type CacheComponent = (typeof cacheComponents)[number];

export type CacheUsersArgs = { readonly tags: Tags };

/** Who may log in to the cache: a user of each component, by its identity in IAM. */
export class CacheUsers extends pulumi.ComponentResource {
  readonly names: Readonly<Record<CacheComponent, string>>;
  readonly arns: Readonly<Record<CacheComponent, pulumi.Output<string>>>;
  readonly groupId: pulumi.Output<string>;

  constructor(name: string, { tags }: CacheUsersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:CacheUsers", name, {}, opts);
    const parent = { parent: this };
    const users = cacheComponents.map((component) => {
      // With login by IAM, id and name must be the same.
      const userId = stackName(40, component);
      const user = new aws.elasticache.User(
        component,
        {
          userId,
          userName: userId,
          engine: "valkey",
          authenticationMode: { type: "iam" },
          accessString: accessToEntries,
          tags,
        },
        parent,
      );
      return [component, user] as const;
    });

    // A group must have a user `default`, the one that clients without a name get: this one is switched off. One without a
    // password is not allowed in a group of Valkey, and nobody learns this password.
    const { result } = new random.RandomPassword("default", { length: 64, special: false }, parent);
    const nobody = new aws.elasticache.User(
      "default",
      {
        userId: stackName(40, "default"),
        userName: "default",
        engine: "valkey",
        authenticationMode: { type: "password", passwords: [result] },
        accessString: "off ~* -@all",
        tags,
      },
      parent,
    );
    const group = new aws.elasticache.UserGroup(
      name,
      {
        userGroupId: stackName(40),
        engine: "valkey",
        userIds: [nobody.userId, ...users.map(([, user]) => user.userId)],
        tags,
      },
      parent,
    );
    this.names = record(users.map(([component]) => [component, stackName(40, component)]));
    this.arns = record(users.map(([component, user]) => [component, user.arn]));
    this.groupId = group.userGroupId;
    this.registerOutputs({ groupId: this.groupId });
  }
}

/** All keys and channels, no command that harms the server or its other users; clients learn of the cluster's nodes. */
export const accessToEntries =
  "on ~* &* +@all -@admin -@dangerous +info +cluster|slots +cluster|shards +cluster|nodes +cluster|info";

function record<V>(entries: readonly (readonly [CacheComponent, V])[]): Record<CacheComponent, V> {
  return Object.fromEntries(entries) as Record<CacheComponent, V>;
}
