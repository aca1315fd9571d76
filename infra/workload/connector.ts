import * as pulumi from "@pulumi/pulumi";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { bundleFolder } from "./bundles.ts";
import { disruptionBudgetSpec, spread } from "./deployment.ts";
import { labelsOf, selectorOf } from "./labels.ts";
import { containerSecurity, podDefaults, secretFiles, serviceUser } from "./pod.ts";

export type ConnectorArgs = {
  readonly namespace: pulumi.Input<string>;
  /** cloudflared, by digest. */
  readonly image: string;
  readonly tags: Tags;
};

/** The inner end of the tunnel, over which the edge reaches the API where there is no public load balancer. */
export class Connector extends pulumi.ComponentResource {
  constructor(name: string, args: ConnectorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Connector", name, {}, opts);
    const { namespace, tags } = args;
    const metadata = { name: component, namespace, labels: labelsOf(tags, component) };
    new k8s.apps.v1.Deployment(name, { metadata, spec: connectorSpec(args.image) }, { parent: this });
    new k8s.policy.v1.PodDisruptionBudget(name, { metadata, spec: disruptionBudgetSpec(component) }, { parent: this });
    this.registerOutputs({});
  }
}

const component = "connector";
const metricsPort = 2000;

/**
 * Three, and never scaled down by load: each one that ends takes its connections with it. cloudflared ends requests under way
 * by itself after SIGTERM, for 30 s.
 */
export function connectorSpec(image: string): k8s.types.input.apps.v1.DeploymentSpec {
  const token = secretFiles("tunnel");
  const probe = { httpGet: { path: "/ready", port: "metrics" }, timeoutSeconds: 3, periodSeconds: 10 };
  return {
    replicas: 3,
    selector: { matchLabels: selectorOf(component) },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: { labels: selectorOf(component) },
      spec: {
        ...podDefaults(serviceUser),
        terminationGracePeriodSeconds: 45,
        topologySpreadConstraints: spread(component, true),
        containers: [
          {
            name: component,
            image,
            // An image by digest stays what it is: it may not replace itself.
            args: ["tunnel", "--no-autoupdate", "--metrics", `0.0.0.0:${metricsPort}`, "run"],
            env: [{ name: "TUNNEL_TOKEN_FILE", value: `${bundleFolder("tunnel")}/token` }],
            ports: [{ name: "metrics", containerPort: metricsPort }],
            resources: {
              requests: { cpu: "250m", memory: "256Mi", "ephemeral-storage": "64Mi" },
              limits: { memory: "256Mi", "ephemeral-storage": "64Mi" },
            },
            securityContext: containerSecurity,
            startupProbe: { ...probe, periodSeconds: 2, failureThreshold: 30 },
            readinessProbe: probe,
            // Restarted only when it has been without the edge for minutes: a restart does not bring the edge back.
            livenessProbe: { ...probe, periodSeconds: 30, failureThreshold: 10 },
            volumeMounts: [{ name: token.volume.name, mountPath: token.path, readOnly: true }],
          },
        ],
        volumes: [token.volume],
      },
    },
  };
}
