import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A certificate authority in a folder, made with openssl. */
export class Certificates {
  readonly #folder: string;
  constructor(folder: string) {
    this.#folder = folder;
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  /** Makes NAME.pem and NAME.key with this common name, signed by `ca`, or by itself; valid for so many days; expired with -1. */
  async make(name: string, ca: string | null, days = 1): Promise<void> {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", this.file(`${name}.key`)];
    const subject = ["-subj", `/CN=${name.replace(/^(forged|expired)-/, "")}`];
    if (ca === null) {
      await run("openssl", ["req", "-x509", ...key, ...subject, "-days", "1", "-out", this.file(`${name}.pem`)]);
      return;
    }
    await run("openssl", ["req", ...key, ...subject, "-out", this.file(`${name}.csr`)]);
    await writeFile(this.file("extensions"), "subjectAltName=IP:127.0.0.1\n");
    const signer = ["-CA", this.file(`${ca}.pem`), "-CAkey", this.file(`${ca}.key`), "-CAcreateserial"];
    const out = ["-extfile", this.file("extensions"), "-out", this.file(`${name}.pem`)];
    await run("openssl", ["x509", "-req", "-in", this.file(`${name}.csr`), ...signer, "-days", String(days), ...out]);
  }
}
