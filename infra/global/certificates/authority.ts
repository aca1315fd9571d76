import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

export type AuthorityArgs = { readonly commonName: string };

/** A private certificate authority. Its key stays in this stack's state, encrypted there, and nowhere else. */
export class Authority extends pulumi.ComponentResource {
  readonly certificate: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;

  constructor(name: string, { commonName }: AuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:Authority", name, {}, opts);
    const parent = { parent: this };

    const key = new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, parent);
    const certificate = new tls.SelfSignedCert(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName, organization: "SkyKV" },
        isCaCertificate: true,
        maxPathLength: 0,
        setSubjectKeyId: true,
        setAuthorityKeyId: true,
        allowedUses: ["cert_signing", "crl_signing"],
        validityPeriodHours: 10 * year,
        // With the same key and name as before: what the old certificate signed is good under the new one.
        earlyRenewalHours: 2 * year,
      },
      parent,
    );

    this.certificate = certificate.certPem;
    this.key = key.privateKeyPem;
    this.registerOutputs({ certificate: this.certificate });
  }
}

/** Hours. */
export const day = 24;
export const year = 365 * day;
