/** ElastiCache numbers shards and, within them, nodes from 1: `skykv-aws-0002-001` is the first of the second shard. */
export function cacheNodes(replicationGroupId: string, shards: number, replicas: number): Record<string, string> {
  const words = Array.from({ length: shards }, (_, shard) =>
    Array.from({ length: replicas + 1 }, (_, node) => `${digits(shard + 1, 4)}-${digits(node + 1, 3)}`),
  ).flat();
  return Object.fromEntries(words.map((word) => [word, `${replicationGroupId}-${word}`]));
}

function digits(value: number, count: number): string {
  return `${value}`.padStart(count, "0");
}
