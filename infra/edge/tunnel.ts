import * as pulumi from "@pulumi/pulumi";
import type { CloudConfig } from "../config/config.ts";
import { endpointHost, workloadNamespace } from "../names.ts";
import { cloudflare } from "../sdk/cloudflare.cjs";

export type TunnelArgs = {
  readonly config: CloudConfig;
  readonly protect: boolean;
};

/** A way to the API from inside of the cluster, which needs no public address. */
export class Tunnel extends pulumi.ComponentResource {
  /** What Cloudflare knows it by, as the address of an endpoint. */
  readonly address: pulumi.Output<string>;
  /** What the connector in the cluster proves itself with. A secret. */
  readonly token: pulumi.Output<string>;

  constructor(name: string, { config, protect }: TunnelArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:edge:Tunnel", name, {}, opts);
    const { accountId } = config.cloudflare;
    const host = endpointHost(config.kind, config.domain);

    // Without a `tunnelSecret`, which would have the tunnel replaced when it is imported. Another tunnel has another
    // address and token, so this one is protected.
    const tunnel = new cloudflare.ZeroTrustTunnelCloudflared(
      config.kind,
      { accountId, name: host, configSrc: "cloudflare" },
      { parent: this, protect },
    );
    new cloudflare.ZeroTrustTunnelCloudflaredConfig(
      config.kind,
      { accountId, tunnelId: tunnel.id, source: "cloudflare", config: { ingresses: ingressRules(host) } },
      { parent: this },
    );

    this.address = pulumi.interpolate`${tunnel.id}.cfargotunnel.com`;
    // The resource does not tell its token; the data source does, and does not mark it as a secret.
    const { token } = cloudflare.getZeroTrustTunnelCloudflaredTokenOutput(
      { accountId, tunnelId: tunnel.id },
      { parent: this },
    );
    this.token = pulumi.secret(token);
    this.registerOutputs({ address: this.address });
  }
}

/** Where the connector leads requests: those for the cloud's host name to the API's Service, others nowhere. */
export function ingressRules(host: string) {
  return [
    {
      hostname: host,
      service: `https://api.${workloadNamespace}.svc.cluster.local:443`,
      // The certificate is for the host name, by Cloudflare's origin CA, which the connector trusts of itself.
      originRequest: { originServerName: host, noTlsVerify: false, connectTimeout: 5, tlsTimeout: 5 },
    },
    // Cloudflare wants one last rule for all else.
    { service: "http_status:404" },
  ];
}
