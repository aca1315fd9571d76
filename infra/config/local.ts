import { z } from "zod";
import { everyStack, type Profile, workload, workloadSizes } from "./shared.ts";

const disk = z.string().regex(/^\d+Gi$/, "expected a size such as 20Gi");

const sizes = {
  small: { database: "5Gi", queue: "1Gi", blobs: "5Gi" },
  standard: { database: "50Gi", queue: "5Gi", blobs: "50Gi" },
  large: { database: "500Gi", queue: "20Gi", blobs: "500Gi" },
} as const;

export const localConfig = (profile: Profile) => {
  const size = sizes[profile];
  return z.strictObject({
    ...everyStack,
    kind: z.literal("local"),
    context: z.string().min(1).optional().describe("Context of the kubeconfig. Left out: the current one"),
    storageClass: z.string().min(1).optional().describe("Of all volumes. Left out: the cluster's default"),
    workload: workload({
      api: { ...workloadSizes[profile].api, min: 1 },
      replicator: { ...workloadSizes[profile].replicator, min: 1 },
    }).refine(({ image }) => image !== undefined, {
      path: ["image"],
      error: "is missing: expected an image by digest that the cluster can pull",
    }),
    images: z
      .strictObject({
        postgres: z.string().min(1).default("docker.io/library/postgres:18.1"),
        valkey: z.string().min(1).default("docker.io/valkey/valkey:9.0"),
        rabbitmq: z.string().min(1).default("docker.io/library/rabbitmq:4.2"),
      })
      .prefault({})
      .describe("What runs beside the service"),
    disks: z
      .strictObject({
        database: disk.default(size.database),
        queue: disk.default(size.queue),
        blobs: disk.default(size.blobs),
        shared: z
          .boolean()
          .default(false)
          .describe(
            "The storage class can mount one volume on several nodes. Without it all pods need to be on one node",
          ),
      })
      .prefault({}),
  });
};

export type LocalConfig = z.output<ReturnType<typeof localConfig>>;
