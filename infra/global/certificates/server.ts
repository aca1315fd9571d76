import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { cloudflare } from "../../sdk/cloudflare.cjs";

export type ServerCertificateArgs = {
  /** The first is the common name. */
  readonly hosts: readonly [string, ...string[]];
};

/** What one cloud shows to Cloudflare: signed by its origin CA, which nobody else trusts. */
export class ServerCertificate extends pulumi.ComponentResource {
  readonly certificate: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;

  constructor(name: string, { hosts }: ServerCertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:ServerCertificate", name, {}, opts);
    const parent = { parent: this };
    const hostnames = hosts.toSorted();

    const key = new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, parent);
    const request = new tls.CertRequest(
      name,
      { privateKeyPem: key.privateKeyPem, subject: { commonName: hosts[0] }, dnsNames: hostnames },
      parent,
    );
    const certificate = new cloudflare.OriginCaCertificate(
      name,
      // Three years. The provider renews nothing by itself: a new generation of the authorities makes new ones.
      { csr: request.certRequestPem, hostnames, requestType: "origin-ecc", requestedValidity: 1095 },
      // Deleting it would revoke it, while the cloud shows it until its own stack runs again.
      { ...parent, retainOnDelete: true },
    );

    this.certificate = certificate.certificate;
    this.key = key.privateKeyPem;
    this.registerOutputs({ certificate: this.certificate });
  }
}
