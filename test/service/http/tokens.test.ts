import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import type { Running } from "../../../service/main.ts";
import { Api, expectProblem, sharedService, startBeside } from "./support.ts";

const issuer = "https://login.example";
const audience = "skykv";

describe("tokens of an OIDC issuer", () => {
  const shared = sharedService();
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  let jwks: Server;
  let running: Running;
  let api: Api;
  let ns: string;
  before(async () => {
    keys = await generateKeyPair("ES256", { extractable: true });
    const published = JSON.stringify({
      keys: [{ ...(await exportJWK(keys.publicKey)), kid: "1", alg: "ES256", use: "sig" }],
    });
    jwks = createServer((_, res) => res.setHeader("Content-Type", "application/json").end(published)).listen(
      0,
      "127.0.0.1",
    );
    await once(jwks, "listening");
    const url = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/keys`;
    running = await startBeside({ JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS_URL: url });
    api = new Api(running.url);
    ns = await shared.api.namespace();
    await shared.api.send(`PUT /v1/kv/${ns}/a`, { body: "x" });
  });
  after(async () => {
    api.close();
    await running.close();
    jwks.closeAllConnections();
    jwks.close();
  });

  /** A token with what is usual, but for `claims`. */
  function sign(
    claims: Record<string, unknown> = {},
    key: Parameters<SignJWT["sign"]>[0] = keys.privateKey,
    alg = "ES256",
  ): Promise<string> {
    const now = Math.floor(shared.clock.now() / 1000);
    const usual = { iss: issuer, aud: audience, sub: "ada", exp: now + 300, scope: `openid read:${ns} email` };
    return new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg, kid: "1" }).sign(key);
  }
  const read = (key: string) => api.send(`GET /v1/kv/${ns}/a`, { key });

  it("give the scopes that their claim names; other words in it are passed over", async () => {
    const key = await sign();
    assert.equal((await read(key)).text, "x");
    expectProblem(await api.send(`PUT /v1/kv/${ns}/a`, { key }), 403, "forbidden");
    expectProblem(await read(await sign({ scope: "openid email" })), 403, "forbidden");
    expectProblem(await read(await sign({ scope: undefined })), 403, "forbidden");
    assert.equal((await read(await sign({ scope: "read:*" }))).status, 200);
  });

  it("that expire are refused from then on, though they were remembered", async () => {
    shared.clock.stop();
    const key = await sign({ exp: Math.floor(shared.clock.now() / 1000) + 3 });
    assert.equal((await read(key)).status, 200);
    shared.clock.advance(3001);
    expectProblem(await read(key), 401, "unauthorized");
  });

  it("of others, for others, without an end or a subject, or forged, are refused", async () => {
    const stranger = await generateKeyPair("ES256");
    const pem = new TextEncoder().encode(await exportSPKI(keys.publicKey));
    const good = await sign();
    const [head, , signature] = good.split(".");
    const more = Buffer.from(
      JSON.stringify({ iss: issuer, aud: audience, sub: "ada", exp: 9e9, scope: "admin:*" }),
    ).toString("base64url");
    for (const [what, key] of [
      ["issuer", await sign({ iss: "https://evil.example" })],
      ["audience", await sign({ aud: "other" })],
      ["no end", await sign({ exp: undefined })],
      ["no subject", await sign({ sub: undefined })],
      ["not yet", await sign({ nbf: Math.floor(shared.clock.now() / 1000) + 100 })],
      ["another's key", await sign({}, stranger.privateKey)],
      ["the public key as a secret", await sign({}, pem, "HS256")],
      ["changed", `${head}.${more}.${signature}`],
      ["unsigned", `${Buffer.from('{"alg":"none"}').toString("base64url")}.${more}.`],
      ["cut", good.slice(0, -4)],
    ] as const) {
      const answer = await read(key);
      assert.equal(answer.status, 401, what);
      expectProblem(answer, 401, "unauthorized");
    }
  });

  it("go beside API keys", async () => {
    assert.equal((await read(shared.service.adminKey)).status, 200);
  });

  it("are not taken where no issuer is configured", async () => {
    expectProblem(await shared.api.send(`GET /v1/kv/${ns}/a`, { key: await sign() }), 401, "unauthorized");
  });
});
