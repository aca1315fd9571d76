import * as pulumi from "@pulumi/pulumi";
import type { LocalConfig } from "../config/local.ts";
import { workloadNamespace } from "../names.ts";
import { SkyKV } from "../root.ts";
import { Workload } from "../workload/workload.ts";
import { LocalPlatform } from "./platform.ts";

/** The stack for any Kubernetes cluster: what a cloud would run for one runs beside the service. It is one cloud, without peers. */
export function deployLocal(config: LocalConfig): pulumi.Inputs {
  const root = new SkyKV(config);
  const { tags, protect } = root;
  const platform = new LocalPlatform("local", { config, tags, protect }, { parent: root });
  new Workload(
    "workload",
    {
      config,
      tags,
      protect,
      platform,
      secrets: platform.values,
      peers: {},
      // No certificates: the service speaks HTTP, and has no port for peers.
      authorities: null,
      peerAddresses: [],
    },
    { parent: root, provider: platform.kubernetes, dependsOn: [...platform.ready] },
  );
  return {
    url: `http://api.${workloadNamespace}.svc.cluster.local`,
    adminKey: pulumi.secret(platform.values["admin-key"]),
  };
}
