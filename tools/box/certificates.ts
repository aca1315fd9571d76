import { KeyObject, randomBytes, type webcrypto } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Integer, Utf8String } from "asn1js";
import { AttributeTypeAndValue, BasicConstraints, Certificate, Extension, RelativeDistinguishedNames } from "pkijs";

/** Files that a cloud shows its peers, and knows them by. */
export type CertificateFiles = { readonly cert: string; readonly key: string; readonly ca: string };

type Issuer = { readonly name: string; readonly keys: webcrypto.CryptoKeyPair };

/** A box is started more often than that, and each start makes all anew. */
const DAYS = 365;
const DAY_MS = 86_400_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
/** Object identifiers: an attribute of names (X.520), an extension (RFC 5280). */
const COMMON_NAME = "2.5.4.3";
const BASIC_CONSTRAINTS = "2.5.29.19";

/**
 * Makes a certificate for each cloud, whose common name is the cloud's, and the authority that signs them. At every
 * start: nothing has to be renewed, and the authority's own key is never written down.
 */
export async function makeCertificates(
  folder: string,
  clouds: readonly string[],
): Promise<Map<string, CertificateFiles>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = { name: "SkyKV box", keys: await newKeys() };
  const ca = join(folder, "ca.pem");
  await put(ca, await issue(authority.name, authority.keys, authority, [mayIssue()]));
  const files = new Map<string, CertificateFiles>();
  for (const name of clouds) {
    const keys = await newKeys();
    const own = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`), ca };
    await put(own.cert, await issue(name, keys, authority, []));
    await put(own.key, KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }));
    files.set(name, own);
  }
  return files;
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<webcrypto.CryptoKeyPair>;
}

/** A certificate in PEM. */
async function issue(
  name: string,
  keys: webcrypto.CryptoKeyPair,
  issuer: Issuer,
  extensions: Extension[],
): Promise<string> {
  const serial = randomBytes(16);
  // Positive, and of that length.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const certificate = new Certificate({
    version: 2,
    serialNumber: new Integer({ valueHex: new Uint8Array(serial).buffer }),
    subject: distinguished(name),
    issuer: distinguished(issuer.name),
    extensions,
  });
  const now = Date.now();
  // A clock that is set back a little must not make it a certificate of tomorrow.
  certificate.notBefore.value = new Date(now - DAY_MS);
  certificate.notAfter.value = new Date(now + DAYS * DAY_MS);
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey);
  await certificate.sign(issuer.keys.privateKey, "SHA-256");
  const lines = Buffer.from(certificate.toSchema(true).toBER())
    .toString("base64")
    .match(/.{1,64}/g)!;
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function distinguished(name: string): RelativeDistinguishedNames {
  const value = new Utf8String({ value: name });
  return new RelativeDistinguishedNames({
    typesAndValues: [new AttributeTypeAndValue({ type: COMMON_NAME, value })],
  });
}

/** It signs certificates of clouds, and of no further authorities. */
function mayIssue(): Extension {
  const constraints = new BasicConstraints({ cA: true, pathLenConstraint: 0 });
  return new Extension({ extnID: BASIC_CONSTRAINTS, critical: true, extnValue: constraints.toSchema().toBER() });
}

async function put(path: string, text: string | Buffer): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
