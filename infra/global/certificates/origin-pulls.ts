import * as pulumi from "@pulumi/pulumi";
import { cloudflare } from "../../sdk/cloudflare.cjs";
import type { Leaf } from "./leaf.ts";

export type OriginPullsArgs = {
  readonly zoneId: string;
  readonly certificate: Leaf;
};

/**
 * Has Cloudflare show a certificate of our own to the clouds. Its address ranges alone, or the certificate that it shows for
 * everybody, would let each other customer of Cloudflare's in.
 */
export class OriginPulls extends pulumi.ComponentResource {
  constructor(name: string, { zoneId, certificate }: OriginPullsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:OriginPulls", name, {}, opts);
    const parent = { parent: this };

    const uploaded = new cloudflare.AuthenticatedOriginPullsCertificate(
      name,
      { zoneId, certificate: certificate.certificate, privateKey: certificate.key },
      parent,
    );
    new cloudflare.AuthenticatedOriginPullsSettings(
      name,
      { zoneId, enabled: true },
      // Switched on without a certificate of the zone's, it shows the one for everybody, and the clouds refuse it.
      { ...parent, dependsOn: uploaded },
    );
    this.registerOutputs({});
  }
}
