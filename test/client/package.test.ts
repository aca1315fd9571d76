import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { entry, type Fake, startFake } from "./fake.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** An older Node where this machine has one: the package promises to run on 20. */
const node = ["/usr/bin/node", "/usr/local/bin/node"].find(existsSync) ?? process.execPath;

describe("client: the published package", () => {
  let project: string;
  let fake: Fake;

  before(async function () {
    this.timeout(120_000);
    project = await mkdtemp(join(tmpdir(), "skykv-package-"));
    const npm = (directory: string, ...args: string[]) =>
      execFileSync("npm", [...args, "--loglevel=error"], {
        cwd: directory,
        stdio: ["ignore", "pipe", "inherit"],
      }).toString();
    npm(join(root, "client"), "pack", "--pack-destination", project);
    const [archive] = (await readdir(project)).filter((name) => name.endsWith(".tgz"));
    await writeFile(
      join(project, "package.json"),
      JSON.stringify({ name: "empty", version: "1.0.0", private: true, type: "module" }),
    );
    // Its dependencies from here, so that no registry is needed.
    const dependencies = ["commander", "mrmime"].map((name) => join(root, "node_modules", name));
    npm(project, "install", "--offline", "--no-audit", "--no-fund", `./${archive}`, ...dependencies);
    fake = await startFake((request, response) =>
      entry(response, request.method === "PUT" ? 201 : 200, "from the fake"),
    );
  });
  after(async () => {
    await fake?.close();
    await rm(project, { recursive: true, force: true });
  });

  it("leaves the sources as they were", () => {
    assert.deepEqual(
      ["dist", "LICENSE"].filter((name) => existsSync(join(root, "client", name))),
      [],
    );
  });

  it("is used from plain JavaScript", async () => {
    const program = `
      import { SkyKV, SkyKVError } from "skykv";
      import { SkyKVStore } from "skykv/keyv";
      const kv = new SkyKV({ url: process.argv[2], key: "skykv_test" });
      await kv.namespace("users").putJson("42", { a: 1 });
      console.log(await kv.namespace("users").getText("42"), typeof SkyKVStore, SkyKVError.name);`;
    await writeFile(join(project, "use.js"), program);
    const { stdout } = await run(["use.js", fake.url]);
    assert.equal(stdout, "from the fake function SkyKVError\n");
  });

  it("brings the skykv command", async () => {
    const { stdout } = await run(["node_modules/.bin/skykv", "get", "greeting"]);
    assert.equal(stdout, "from the fake");
    assert.equal((await run(["node_modules/.bin/skykv", "--version"])).stdout, "0.1.0\n");
  });

  it("brings types that hold under the strictest settings, with a browser's types or Node's", async () => {
    const program = `
      import { json, type Operation, SkyKV, SkyKVError, type WatchEvent } from "skykv";
      import { SkyKVStore } from "skykv/keyv";
      const kv = new SkyKV({ url: "http://localhost", key: async () => "jwt", timeout: undefined });
      const users = kv.namespace("users");
      export const name: string | undefined = (await users.getJson<{ name: string }>("42"))?.name;
      export const unchanged: "unchanged" | undefined = await users.get("42", { ifNoneMatch: "v" }).then((found) => found === "unchanged" ? found : undefined);
      const operations: Operation[] = [{ op: "put", key: "a", value: json({}) }, { op: "check", key: "b", ifMatch: "*" }];
      for (const result of await users.transact(operations)) if (result.error instanceof SkyKVError) throw result.error;
      for await (const entry of users.list({ values: true })) entry.text();
      // @ts-expect-error: without values there is no text.
      for await (const entry of users.list()) entry.text();
      for await (const event of users.watch()) { const e: WatchEvent = event; if (e.type === "put") e.size.toFixed(); }
      // @ts-expect-error: objects are not values.
      await users.put("a", { a: 1 });
      await users.import(kv.namespace("other").export());
      export const store = new SkyKVStore({ url: "http://localhost" });`;
    await writeFile(join(project, "use.ts"), program);
    const common = {
      module: "nodenext",
      target: "es2022",
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
    };
    for (const more of [
      { lib: ["es2022", "dom"], types: [] },
      { lib: ["es2022"], types: ["node"], typeRoots: [join(root, "node_modules", "@types")] },
    ]) {
      await writeFile(
        join(project, "tsconfig.json"),
        JSON.stringify({ compilerOptions: { ...common, ...more }, files: ["use.ts"] }),
      );
      try {
        execFileSync(join(root, "node_modules", ".bin", "tsc"), ["-p", project], { stdio: ["ignore", "pipe", "pipe"] });
      } catch (error) {
        assert.fail(`${JSON.stringify(more)}: ${(error as { stdout: Buffer }).stdout}`);
      }
    }
  });

  it("imports nothing of Node in its library part, so that Deno, Bun and browsers can run it", async () => {
    const program = `
      import { registerHooks } from "node:module";
      registerHooks({ resolve(specifier, context, next) {
        if (!specifier.startsWith(".") && context.parentURL?.includes("/skykv/dist/")) throw new Error("imports " + specifier);
        return next(specifier, context);
      } });
      await import("skykv");
      await import("skykv/keyv");
      console.log("done");`;
    await writeFile(join(project, "pure.js"), program);
    assert.equal(execFileSync(process.execPath, ["pure.js"], { cwd: project }).toString(), "done\n");
  });

  /** Not `execFileSync`: the fake answers in this process. */
  async function run(args: string[]): Promise<{ stdout: string }> {
    const env = { ...process.env, SKYKV_URL: fake.url, SKYKV_KEY: "skykv_test", XDG_CACHE_HOME: project };
    return promisify(execFile)(node, args, { cwd: project, env });
  }
});
