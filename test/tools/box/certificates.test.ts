import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeCertificates } from "../../../tools/box/certificates.ts";
import { remove, temporaryFolder } from "./support.ts";

describe("the box's certificates", () => {
  let folder: string;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => remove(folder));

  const make = async () => {
    const files = (await makeCertificates(folder, ["aws", "gcp"])).get("aws")!;
    const [cert, ca] = [new X509Certificate(await readFile(files.cert)), new X509Certificate(await readFile(files.ca))];
    return { files, cert, ca };
  };

  it("name their cloud, are signed by the box's authority, and last for a year", async () => {
    const { cert, ca } = await make();
    assert.equal(cert.subject, "CN=aws");
    assert.ok(cert.checkIssued(ca) && cert.verify(ca.publicKey) && ca.verify(ca.publicKey));
    assert.deepEqual([ca.ca, cert.ca], [true, false]);
    const days = (Date.parse(cert.validTo) - Date.now()) / 86_400_000;
    assert.ok(days > 364 && days <= 365);
  });

  it("are kept from other users, and the authority's key is not kept at all", async () => {
    await make();
    assert.deepEqual((await readdir(folder)).sort(), ["aws.key", "aws.pem", "ca.pem", "gcp.key", "gcp.pem"]);
    for (const name of await readdir(folder)) assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name);
  });

  it("are others at each start", async () => {
    const [before, after] = [await make(), await make()];
    assert.ok(!after.cert.verify(before.ca.publicKey));
    assert.ok(after.cert.checkPrivateKey(createPrivateKey(await readFile(after.files.key))));
  });
});
