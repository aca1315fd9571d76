import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import type { Box, BoxOptions } from "../../../tools/box/box.ts";
import { inspectProcess, isGone } from "../../../tools/box/process.ts";
import { freePort } from "../../support/ports.ts";
import { remove, startTestBox, temporaryFolder, until } from "./support.ts";

const standIn = join(import.meta.dirname, "standIn.ts");
/** The box's command line, with the stand-in and with the service itself. */
const withStandIn = join(import.meta.dirname, "run.ts");
const withService = join(import.meta.dirname, "../../../tools/box/main.ts");
const KEY = /^skykv_[A-Za-z0-9]{12}_[A-Za-z0-9]{43}\n$/;

describe("the box", () => {
  let folder: string;
  let data: string;
  before(async () => {
    folder = await temporaryFolder();
    data = join(folder, "data");
  });
  after(() => remove(folder));

  describe("while it runs", () => {
    let box: Box;
    const said: string[] = [];
    const start = ({ data: folder = data, ...options }: Partial<BoxOptions> = {}) =>
      startTestBox(folder, { clouds: ["local"], say: (line) => said.push(line), serviceMain: standIn, ...options });
    const get = async (path: string) => (await fetch(box.clouds[0]!.service.now().url + path)).text();
    before(async () => {
      process.env.REDIS_URL = "redis://127.0.0.1:1";
      process.env.SKYKV_ADMIN_KEY = "from elsewhere";
      box = await start().finally(() => {
        delete process.env.REDIS_URL;
        delete process.env.SKYKV_ADMIN_KEY;
      });
    });
    after(() => box.stop());

    it("gives the service its cloud, its database, its folder and the admin key's file, never the key", async () => {
      const given = JSON.parse(await get("/given"));
      const { SKYKV_CLOUD, BLOBS_DIR, SKYKV_ADMIN_KEY_FILE, REDIS_URL } = given.environment;
      assert.deepEqual(
        [SKYKV_CLOUD, BLOBS_DIR, SKYKV_ADMIN_KEY_FILE, REDIS_URL],
        ["local", join(data, "local", "blobs"), join(data, "admin.key"), "redis://127.0.0.1:1"],
      );
      assert.equal(await get("/database"), "true");
      assert.deepEqual(given.arguments, []);
      assert.equal(given.environment.SKYKV_ADMIN_KEY, undefined);
      assert.ok(!JSON.stringify(given).includes((await readFile(SKYKV_ADMIN_KEY_FILE, "utf8")).trim()));
    });

    it("keeps key, values and database from other users", async () => {
      assert.match(await readFile(box.keyFile, "utf8"), KEY);
      const modes = ["admin.key", "local/blobs", "local/postgres", "local/service.log"].map(async (name) => {
        const { mode } = await stat(join(data, name));
        return (mode & 0o077).toString(8);
      });
      assert.deepEqual(await Promise.all(modes), ["0", "0", "0", "0"]);
    });

    it("leaves word of its URL for the command line", async () => {
      assert.deepEqual(JSON.parse(await readFile(join(data, "box.json"), "utf8")), {
        clouds: ["local"],
        url: box.url,
      });
    });

    it("starts the service again when it dies, and says so", async () => {
      box.clouds[0]!.service.now().kill("SIGKILL");
      await until("the service runs again", async () => said.includes("local: the service runs again"));
      assert.ok(said.includes("local: the service ended (signal SIGKILL): starting it again"));
      assert.equal(await get("/database"), "true");
    });

    it("starts PostgreSQL again when it dies, under the same URL, and says so", async () => {
      box.clouds[0]!.postgres.now().kill("SIGKILL");
      await until("PostgreSQL runs again", async () => said.includes("local: PostgreSQL runs again"));
      assert.ok(said.includes("local: PostgreSQL ended (signal SIGKILL): starting it again"));
      assert.equal(await get("/database"), "true");
    });

    it("keeps others off its data, --fresh too", async () => {
      await assert.rejects(start(), /is in use by process/);
      await assert.rejects(start({ fresh: true }), /is in use by process/);
      assert.equal(await get("/database"), "true");
    });

    it("says when its port is in use, before it touches anything", async () => {
      const { port } = new URL(box.clouds[0]!.service.now().url);
      const elsewhere = join(folder, "elsewhere");
      await assert.rejects(
        start({ data: elsewhere, port: Number(port) }),
        /^BoxError: Port \d+, for local, is in use, .* --port\.$/,
      );
      await assert.rejects(stat(elsewhere), { code: "ENOENT" });
    });

    it("refuses data of other clouds, as of a box that had one and did not say so, and says how to go on", async () => {
      const words = /holds the data of local, not of aws, gcp\. Go on with --clouds local, .* \(--fresh\)\.$/;
      await assert.rejects(start({ clouds: ["aws", "gcp"] }), words);
      const older = join(folder, "older");
      await mkdir(older);
      await writeFile(join(older, "box.json"), JSON.stringify({ url: "http://127.0.0.1:8080" }));
      await assert.rejects(start({ clouds: ["aws", "gcp"], data: older }), words);
      assert.deepEqual(await readdir(older), ["box.json"]);
    });

    it("empties no folder that is not its own", async () => {
      const home = join(folder, "home");
      await mkdir(home);
      await writeFile(join(home, "letter.txt"), "dear");
      const { mode } = await stat(home);
      await assert.rejects(start({ data: home, fresh: true }), /holds files that are not a box's \(letter\.txt …\)/);
      assert.deepEqual([await readdir(home), (await stat(home)).mode], [["letter.txt"], mode]);
    });

    it("answers open requests while it stops, and keeps PostgreSQL until they are answered", async () => {
      const answer = await fetch(`${box.clouds[0]!.service.now().url}/when-drained`);
      const [body] = await Promise.all([answer.text(), box.stop()]);
      assert.equal(body, "database answers: true");
    });
  });

  describe("from the command line", () => {
    let box: ChildProcess | undefined;
    const start = (args: string[] = [], environment: Record<string, string> = {}, program = withStandIn) => {
      box = spawn(process.execPath, [program, "--clouds", "local", "--data", data, ...args], {
        cwd: folder,
        env: { ...process.env, ...environment },
      });
      return box;
    };
    /** Starts the box and reads the line that says all. */
    const startReady = async (environment: Record<string, string> = {}, port?: string, program?: string) => {
      const started = start(["--json", "--port", port ?? String(await freePort())], environment, program);
      const errors = text(started.stderr!);
      for await (const line of started.stdout!) return JSON.parse(String(line));
      throw new Error(await errors);
    };
    const pids = ({ clouds }: { clouds: { servicePid: number; postgresPid: number }[] }) =>
      clouds.flatMap((cloud) => [cloud.servicePid, cloud.postgresPid]);
    const exit = async () => {
      const [code, signal] = await once(box!, "exit");
      return code ?? signal;
    };
    afterEach(() => {
      box?.kill("SIGKILL");
    });

    it("prints what to open and commands to paste, without the key", async () => {
      const port = await freePort();
      const { stdout } = start(["--port", String(port)]);
      let printed = "";
      for await (const chunk of stdout!) {
        printed += chunk;
        if (printed.includes("Ctrl-C")) break;
      }
      assert.match(printed, new RegExp(`API +http://127\\.0\\.0\\.1:${port}\n`));
      assert.match(printed, new RegExp(`Console +http://127\\.0\\.0\\.1:${port}/console\n`));
      assert.ok(!printed.includes((await readFile(join(data, "admin.key"), "utf8")).trim()));
      assert.ok(!printed.includes("\x1b"), "colours are for terminals");
      const command = printed.split("\n").find((line) => line.includes("curl"))!;
      const given = command.replace("curl", "printf '%s\\n'");
      const { stdout: pasted } = await promisify(execFile)("sh", ["-c", given], { cwd: folder });
      assert.deepEqual(pasted.split("\n").slice(0, 2), [
        "-H",
        `Authorization: Bearer ${(await readFile(join(data, "admin.key"), "utf8")).trim()}`,
      ]);
      box!.kill("SIGTERM");
      assert.equal(await exit(), 0);
    });

    it("stops on Ctrl-C with nothing left running, also when npm passes the signal on a second time", async () => {
      const ready = await startReady();
      const key = await readFile(ready.keyFile, "utf8");
      box!.kill("SIGINT");
      box!.kill("SIGINT");
      assert.equal(await exit(), 0);
      assert.deepEqual(await Promise.all(pids(ready).map(inspectProcess)), [undefined, undefined]);
      assert.match(key, KEY);
    });

    it("ends at once on a second Ctrl-C", async () => {
      const ready = await startReady({ STAND_IN: "stuck" });
      box!.kill("SIGINT");
      // Repeated until it counts: in the first half second it is taken for the same wish.
      const again = setInterval(() => box!.kill("SIGINT"), 100);
      assert.equal(await exit().finally(() => clearInterval(again)), 130);
      for (const pid of pids(ready)) assert.ok(await isGone(pid, 5_000));
    });

    it("stops in order when its terminal is gone", async () => {
      await startReady();
      box!.stdout!.destroy();
      box!.stderr!.destroy();
      box!.kill("SIGHUP");
      assert.equal(await exit(), 0);
    });

    it("stops when npm, or the shell between, is killed", async () => {
      const script = [`"$@" & wait`, "sh", process.execPath, withStandIn];
      const args = ["--clouds", "local", "--data", data, "--json", "--port", String(await freePort())];
      box = spawn("sh", ["-c", ...script, ...args], { env: { ...process.env, npm_lifecycle_event: "start" } });
      const [line] = await once(box.stdout!, "data");
      box.kill("SIGKILL");
      for (const pid of pids(JSON.parse(line))) assert.ok(await isGone(pid, 5_000));
      await assert.rejects(stat(join(data, "local", "postgres", "data", "postmaster.pid")), { code: "ENOENT" });
    });

    it("leaves nothing running when it is killed, and starts again with the same data", async () => {
      const first = await startReady();
      const key = await readFile(first.keyFile, "utf8");
      box!.kill("SIGKILL");
      const second = await startReady({}, new URL(first.url).port);
      for (const pid of pids(first)) assert.ok(await isGone(pid, 5_000));
      assert.equal(await readFile(second.keyFile, "utf8"), key);
      box!.kill("SIGINT");
      assert.equal(await exit(), 0);
    });

    it("says in one line why the service does not start, and leaves nothing running", async () => {
      const { stderr } = start(["--port", String(await freePort())], { STAND_IN: "broken" });
      const [said, code] = await Promise.all([text(stderr!), exit()]);
      assert.equal(code, 1);
      const log = join(data, "local", "service.log");
      const fault = "the configuration has 1 fault: PORT: not a number";
      assert.equal(said, `The service did not start (exit code 2): ${fault}. Its log is ${log}.\n`);
      await assert.rejects(stat(join(data, "local", "postgres", "data", "postmaster.pid")), { code: "ENOENT" });
    });

    it("--fresh starts with no data and a new key", async () => {
      const key = await readFile(join(data, "admin.key"), "utf8");
      await writeFile(join(data, "local", "blobs", "old"), "old");
      start(["--fresh", "--json", "--port", String(await freePort())]);
      await once(box!.stdout!, "data");
      assert.notEqual(await readFile(join(data, "admin.key"), "utf8"), key);
      assert.deepEqual(await readdir(join(data, "local", "blobs")), []);
      box!.kill("SIGINT");
      assert.equal(await exit(), 0);
    });

    it("serves real entries, and has them all after a kill", async () => {
      const first = await startReady({}, undefined, withService);
      const headers = { Authorization: `Bearer ${(await readFile(first.keyFile, "utf8")).trim()}` };
      const url = `${first.url}/v1/kv/default/greeting`;
      assert.equal((await fetch(url, { method: "PUT", headers, body: "hello" })).status, 201);
      box!.kill("SIGKILL");
      await startReady({}, new URL(url).port, withService);
      assert.equal(await (await fetch(url, { headers })).text(), "hello");
      box!.kill("SIGINT");
      assert.equal(await exit(), 0);
    });

    it("explains itself, and what it does not understand", async () => {
      const help = start(["--help"]);
      assert.match(await text(help.stdout!), /--port PORT/);
      for (const [args, words] of [
        [["--prot", "1"], /Unknown option '--prot'\. See npm start -- --help\.\n$/],
        [["--port", "high"], /^--port takes a number up to 65535, not "high"\.\n$/],
        [
          ["--clouds", "aws,local"],
          /^--clouds takes local, or each at most once of aws,gcp,azure, not "aws,local"\.\n$/,
        ],
        [["--clouds", "aws,aws"], /^--clouds takes local, .*, not "aws,aws"\.\n$/],
      ] as const) {
        const { stderr } = start([...args]);
        const [said, code] = await Promise.all([text(stderr!), exit()]);
        assert.match(said, words);
        assert.equal(code, 1);
      }
    });
  });
});
