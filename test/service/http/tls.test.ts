import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { readConfig } from "../../../service/config.ts";
import type { Running } from "../../../service/main.ts";
import { sharedService, startBeside } from "./support.ts";

const run = promisify(execFile);

describe("TLS", () => {
  const shared = sharedService();
  let folder: string;
  const file = (name: string) => join(folder, name);
  before(async function () {
    folder = await mkdtemp(join(tmpdir(), "skykv-tls-"));
    try {
      await run("openssl", ["version"]);
    } catch (error) {
      if (process.env.CI === "true") throw error;
      console.log("    skipped: openssl is not installed (Debian: apt-get install openssl)");
      this.skip();
    }
    for (const name of ["server-ca", "client-ca", "other-ca"]) await certify(name, null);
    await certify("server", "server-ca");
    await certify("client", "client-ca");
    await certify("stranger", "other-ca");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A key and a certificate signed by `ca`, or by itself. */
  async function certify(name: string, ca: string | null): Promise<void> {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file(`${name}.key`)];
    const subject = ["-subj", `/CN=${name}`];
    if (ca === null) {
      await run("openssl", ["req", "-x509", ...key, ...subject, "-days", "1", "-out", file(`${name}.pem`)]);
      return;
    }
    await run("openssl", ["req", ...key, ...subject, "-out", file(`${name}.csr`)]);
    await writeFile(file("extensions"), "subjectAltName=IP:127.0.0.1\n");
    const signing = [
      "-CA",
      file(`${ca}.pem`),
      "-CAkey",
      file(`${ca}.key`),
      "-CAcreateserial",
      "-days",
      "1",
      "-extfile",
      file("extensions"),
    ];
    await run("openssl", ["x509", "-req", "-in", file(`${name}.csr`), ...signing, "-out", file(`${name}.pem`)]);
  }

  async function get(url: string, client?: string): Promise<{ status: number; body: string }> {
    const ca = await readFile(file("server-ca.pem"));
    const own =
      client === undefined
        ? {}
        : { cert: await readFile(file(`${client}.pem`)), key: await readFile(file(`${client}.key`)) };
    return new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${shared.service.adminKey}` };
      const asking = request(url, { ca, ...own, headers, agent: false }, (response) => {
        let body = "";
        response.on("data", (chunk) => (body += chunk));
        response.on("end", () => resolve({ status: response.statusCode!, body }));
      });
      asking.on("error", reject).end();
    });
  }

  describe("with a certificate and its key", () => {
    let running: Running;
    before(async () => {
      running = await startBeside({ TLS_CERT_FILE: file("server.pem"), TLS_KEY_FILE: file("server.key") });
    });
    after(() => running?.close());

    it("the API speaks HTTPS, entries and other routes alike", async () => {
      assert.match(running.url, /^https:/);
      await shared.api.send("PUT /v1/kv/default/tls", { body: "secret" });
      assert.deepEqual(await get(`${running.url}/v1/kv/default/tls`), { status: 200, body: "secret" });
      assert.equal((await get(`${running.url}/v1/kv/default`)).status, 200);
      assert.equal((await get(`${running.url}/health`)).status, 200);
    });

    it("plain HTTP and old versions of TLS are turned away, and others go on", async () => {
      const answer = await fetch(running.url.replace("https", "http")).then(
        (response) => response.status,
        () => "closed",
      );
      assert.ok(answer === 400 || answer === "closed", String(answer));
      const { port } = new URL(running.url);
      await assert.rejects(
        new Promise((resolve, reject) => {
          const options = {
            host: "127.0.0.1",
            port: Number(port),
            maxVersion: "TLSv1.1",
            minVersion: "TLSv1",
            rejectUnauthorized: false,
          } as const;
          connect({ ...options, ciphers: "DEFAULT@SECLEVEL=0" }, () => resolve(null)).on("error", reject);
        }),
      );
      assert.equal((await get(`${running.url}/health`)).status, 200);
    });

    it("metrics and probes stay on plain HTTP, on their own port", async () => {
      assert.equal((await fetch(`${running.metricsUrl}/ready`)).status, 200);
    });
  });

  describe("with a CA for clients", () => {
    let running: Running;
    before(async () => {
      running = await startBeside({
        TLS_CERT_FILE: file("server.pem"),
        TLS_KEY_FILE: file("server.key"),
        TLS_CLIENT_CA_FILE: file("client-ca.pem"),
      });
    });
    after(() => running?.close());

    it("those whose certificate it signed come in", async () => {
      assert.equal((await get(`${running.url}/v1/kv/default`, "client")).status, 200);
    });

    it("those without one, or with another's, do not", async () => {
      await assert.rejects(get(`${running.url}/health`));
      await assert.rejects(get(`${running.url}/health`, "stranger"));
    });
  });

  it("wants files that can be read and belong together, and says which are not", async () => {
    const config = (environment: Record<string, string>) => () =>
      readConfig({ DATABASE_URL: "postgres://localhost/x", ...environment });
    assert.throws(config({ TLS_CERT_FILE: file("server.pem") }), /TLS_KEY_FILE: is missing/);
    assert.throws(config({ TLS_KEY_FILE: file("server.key") }), /TLS_CERT_FILE: is missing/);
    assert.throws(
      config({ TLS_CERT_FILE: file("none.pem"), TLS_KEY_FILE: file("server.key") }),
      /TLS_CERT_FILE: cannot be read/,
    );
    assert.throws(config({ TLS_CLIENT_CA_FILE: file("client-ca.pem") }), /TLS_CLIENT_CA_FILE: needs/);
    await assert.rejects(startBeside({ TLS_CERT_FILE: file("server.pem"), TLS_KEY_FILE: file("client.key") }));
  });
});
