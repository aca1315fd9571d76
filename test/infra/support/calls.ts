/** What a provider asks of the cloud for one type of resource, by the names that rights have there. */
export type Calls = {
  /** To make it, read it and change it. */
  readonly keep: readonly string[];
  readonly remove: readonly string[];
};

/** Names that begin alike: `named("rds:", "CreateDBCluster DescribeDBClusters")`. */
export function named(prefix: string, names: string): string[] {
  return names.split(" ").map((name) => `${prefix}${name}`);
}
