import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { type Authority, day, year } from "./authority.ts";

export type LeafArgs = {
  readonly authority: Authority;
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly algorithm: "ECDSA" | "RSA";
  readonly uses: readonly ("server_auth" | "client_auth")[];
};

/** A certificate that an authority signs, with its key. */
export class Leaf extends pulumi.ComponentResource {
  readonly certificate: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;

  constructor(name: string, args: LeafArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:Leaf", name, {}, opts);
    const parent = { parent: this };
    const { authority, commonName, dnsNames, algorithm, uses } = args;

    const size = algorithm === "RSA" ? { rsaBits: 2048 } : { ecdsaCurve: "P256" };
    const key = new tls.PrivateKey(name, { algorithm, ...size }, parent);
    const request = new tls.CertRequest(
      name,
      { privateKeyPem: key.privateKeyPem, subject: { commonName, organization: "SkyKV" }, dnsNames: [...dnsNames] },
      parent,
    );
    const certificate = new tls.LocallySignedCert(
      name,
      {
        certRequestPem: request.certRequestPem,
        caCertPem: authority.certificate,
        caPrivateKeyPem: authority.key,
        setSubjectKeyId: true,
        allowedUses: ["digital_signature", ...uses],
        validityPeriodHours: year,
        // Time for two runs of this stack that are a month apart, and one of each cloud's after it.
        earlyRenewalHours: 90 * day,
      },
      parent,
    );

    this.certificate = certificate.certPem;
    this.key = key.privateKeyPem;
    this.registerOutputs({ certificate: this.certificate });
  }
}
