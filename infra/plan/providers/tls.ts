import { Secret } from "../resource.ts";
import type { ProviderFacts } from "./facts.ts";

/** Keys and certificates that exist in the state alone. `replacedBy`: all but when they are renewed. */
const pem = (kind: string, name: string) => `-----BEGIN ${kind}-----\n${name}\n-----END ${kind}-----\n`;
const validity = { validityStartTime: "2026-11-25T00:00:00Z", validityEndTime: "2027-11-25T00:00:00Z" };

export const facts: ProviderFacts = {
  resources: {
    "tls:index/privateKey:PrivateKey": {
      replacedBy: ["algorithm", "ecdsaCurve", "rsaBits"],
      tags: null,
      outputs: (_, name) => ({
        privateKeyPem: new Secret(pem("PRIVATE KEY", name)),
        publicKeyPem: pem("PUBLIC KEY", name),
      }),
    },
    "tls:index/certRequest:CertRequest": {
      replacedBy: ["privateKeyPem", "subject", "dnsNames", "ipAddresses", "uris"],
      tags: null,
      outputs: (_, name) => ({ certRequestPem: pem("CERTIFICATE REQUEST", name) }),
    },
    "tls:index/selfSignedCert:SelfSignedCert": {
      replacedBy: [
        ...["privateKeyPem", "subject", "dnsNames", "ipAddresses", "uris", "allowedUses", "isCaCertificate"],
        ...["maxPathLength", "setSubjectKeyId", "setAuthorityKeyId", "validityPeriodHours"],
      ],
      tags: null,
      outputs: (_, name) => ({ certPem: pem("CERTIFICATE", name), ...validity }),
    },
    "tls:index/locallySignedCert:LocallySignedCert": {
      replacedBy: [
        ...["certRequestPem", "caCertPem", "caPrivateKeyPem", "allowedUses", "isCaCertificate"],
        ...["setSubjectKeyId", "validityPeriodHours"],
      ],
      tags: null,
      outputs: (_, name) => ({ certPem: pem("CERTIFICATE", name), ...validity }),
    },
  },
  calls: {},
};
