import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startTestService, type TestService } from "../../support/service.ts";
import { problem, startFake } from "../fake.ts";

const command = fileURLToPath(new URL("../../../client/bin/skykv.js", import.meta.url));

/** Where nobody listens. */
async function closedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

type Ended = { code: number | null; stdout: Buffer; stderr: string };

describe("client/cli: the skykv command", () => {
  let service: TestService;
  let folder: string;
  const children = new Set<ChildProcess>();

  before(async () => {
    service = await startTestService();
    folder = await mkdtemp(join(tmpdir(), "skykv-cli-"));
  });
  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
  });
  after(async () => {
    await service?.close();
    await rm(folder, { recursive: true, force: true });
  });

  function start(
    args: string[],
    environment: Record<string, string | undefined> = {},
    directory = folder,
  ): ChildProcess {
    const env = {
      ...process.env,
      SKYKV_URL: service.url,
      SKYKV_KEY: service.adminKey,
      SKYKV_NAMESPACE: undefined,
      ...environment,
    };
    const child = spawn(process.execPath, [command, ...args], { cwd: directory, env });
    children.add(child);
    child.on("close", () => children.delete(child));
    return child;
  }

  function run(
    args: string[],
    {
      input = "",
      environment = {},
      directory = folder,
    }: { input?: string | Buffer; environment?: Record<string, string | undefined>; directory?: string } = {},
  ): Promise<Ended> {
    const child = start(args, environment, directory);
    const stdout: Buffer[] = [];
    let stderr = "";
    child.stdout!.on("data", (chunk) => stdout.push(chunk));
    child.stderr!.on("data", (chunk) => {
      stderr += chunk;
    });
    child.stdin!.on("error", () => {});
    child.stdin!.end(input);
    return new Promise((resolve) =>
      child.on("close", (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr })),
    );
  }

  async function printed(args: string[], options: Parameters<typeof run>[1] = {}): Promise<string> {
    const { code, stdout, stderr } = await run(args, options);
    assert.equal(code, 0, stderr);
    return stdout.toString();
  }

  it("puts, gets, lists, touches, counts and deletes", async () => {
    assert.match(await printed(["put", "greeting", "hello"]), /^created greeting [0-9a-f]{16}-local\n$/);
    assert.equal(await printed(["get", "greeting"]), "hello");
    assert.match(
      await printed(["put", "greeting", "-", "--ttl", "1h", "--meta", '{"a":1}'], { input: "from stdin" }),
      /^replaced/,
    );
    const entry = JSON.parse(await printed(["get", "greeting", "--json"]));
    assert.deepEqual(
      [entry.value, entry.meta, entry.content_type],
      ["from stdin", { a: 1 }, "application/octet-stream"],
    );
    assert.ok(Date.parse(entry.expires_at) > Date.now());
    assert.match(await printed(["touch", "greeting", "--ttl", "none"]), /expires never/);
    assert.equal(await printed(["increment", "visits", "--by", "-5"]), "-5\n");
    assert.equal(await printed(["list"]), "greeting\nvisits\n");
    assert.match(await printed(["list", "gre", "--long"]), /10 B.*-local.*octet-stream.*greeting\n/);
    assert.deepEqual(
      (await printed(["list", "--json", "--values"]))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).value),
      ["from stdin", "-5"],
    );
    assert.equal(await printed(["delete", "greeting", "visits"]), "");
    assert.equal(await printed(["list"]), "");
  });

  it("keeps every byte, from stdin and files, with a content type by name", async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256));
    await writeFile(join(folder, "picture.png"), bytes);
    await printed(["put", "picture", "-f", "picture.png"]);
    assert.deepEqual((await run(["get", "picture"])).stdout, bytes);
    assert.equal(JSON.parse(await printed(["get", "picture", "--json"])).content_type, "image/png");
    await printed(["put", "piped"], { input: bytes });
    await printed(["get", "piped", "-o", "copy.png"]);
    assert.deepEqual(await readFile(join(folder, "copy.png")), bytes);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes("partial")),
      [],
    );
    await printed(["delete", "picture", "piped"]);
  });

  it("ends with a code that says what went wrong, and says it on stderr", async () => {
    await printed(["put", "k", "1"]);
    const cases: [string[], number, RegExp, Record<string, string>?][] = [
      [["get", "absent"], 3, /absent is not there/],
      [["touch", "absent", "--ttl", "5"], 3, /absent is not there/],
      [["get", "k", "-n", "nowhere"], 3, /no namespace nowhere/],
      [["put", "k", "2", "--create-only"], 4, /condition-failed.*the entry is at [0-9a-f]{16}-local/],
      [["delete", "k", "--if-match", "0000000000000000-local"], 4, /condition-failed/],
      [["get", "k"], 5, /unauthorized/, { SKYKV_KEY: "skykv_wrong" }],
      [["get"], 2, /missing required argument/],
      [["put", "k", "v", "--ttl", "soon"], 2, /expected seconds/],
      [["put", "k", "v", "--meta", "[]"], 2, /JSON object/],
      [["frobnicate"], 2, /unknown command/],
      [["get", "k", "-n", ".."], 2, /namespace/],
      [["list", "--url", "nonsense"], 2, /expected a URL/],
      [["import", "file.unknown"], 2, /format/],
      [["delete", "--prefix", "k"], 2, /--yes/],
      [["get", "k", "--timeout", "3"], 1, /no answer from http:.*ECONNREFUSED/, { SKYKV_URL: await closedUrl() }],
    ];
    const fake = await startFake((_, response) => problem(response, 504, "unconfirmed", { version: "v7" }));
    cases.push([["put", "k", "v", "--durability", "all"], 6, /unconfirmed/, { SKYKV_URL: fake.url }]);
    for (const [args, code, message, environment = {}] of cases) {
      const ended = await run(args, { environment });
      assert.equal(ended.code, code, `${args.join(" ")}: ${ended.stderr}`);
      assert.match(ended.stderr, message);
      assert.equal(ended.stdout.length, 0);
    }
    await fake.close();
    assert.match(await printed(["--help"]), /Exit codes: 0 done/);
    assert.match(await printed(["keys", "create", "--help"]), /Examples:\n {2}skykv keys create/);
  });

  it("never prints a key, and warns when one is given where others can read it", async () => {
    const { code, stderr } = await run(["get", "k", "--key", service.adminKey], {
      environment: { SKYKV_KEY: undefined },
    });
    assert.equal(code, 0);
    assert.match(stderr, /warning: --key/);
    const wrong = await run(["get", "k", "--key", "skykv_secret"], { environment: { SKYKV_KEY: undefined } });
    assert.ok(!wrong.stderr.includes("skykv_secret"));
    await writeFile(join(folder, "key"), `${service.adminKey}\n`, { mode: 0o600 });
    assert.equal(await printed(["get", "k", "--key-file", "key"], { environment: { SKYKV_KEY: undefined } }), "1");
  });

  it("finds the box from a directory below it, and gives its key to no one else", async () => {
    const box = join(folder, "project", ".skykv");
    const below = join(folder, "project", "a", "b");
    await mkdir(box, { recursive: true });
    await mkdir(below, { recursive: true });
    await writeFile(join(box, "box.json"), JSON.stringify({ url: service.url }));
    await writeFile(join(box, "admin.key"), service.adminKey);
    await chmod(join(box, "admin.key"), 0o600);
    const environment = { SKYKV_URL: undefined, SKYKV_KEY: undefined };
    assert.equal(await printed(["get", "k"], { environment, directory: below }), "1");
    const elsewhere = service.url.replace("127.0.0.1", "localhost");
    const refused = await run(["get", "k", "--url", elsewhere], { environment, directory: below });
    assert.match(refused.stderr, /unauthorized|ECONNREFUSED/);
    const lost = await run(["get", "k"], { environment });
    assert.deepEqual([lost.code, /no service is known/.test(lost.stderr)], [2, true]);
  });

  it("escapes what a terminal would obey", async () => {
    await printed(["put", "evil\u001b[2J\nkey", "x"]);
    assert.match(await printed(["list", "evil"]), /^evil\\u001b\[2J\\u000akey\n$/);
    assert.equal(JSON.parse(await printed(["list", "evil", "--json"])).key, "evil\u001b[2J\nkey");
    assert.equal(await printed(["delete", "--prefix", "evil", "--yes"]), "deleted 1\n");
  });

  it("prints changes as they happen, and resumes from a cursor", async () => {
    const watcher = start(["watch", "w/", "--json", "--values", "--snapshot"]);
    const events: { type: string; key?: string; value?: string; cursor?: string }[] = [];
    let text = "";
    const seen = (count: number) =>
      new Promise<void>((resolve) => {
        const check = () => {
          const lines = text.split("\n").slice(0, -1);
          events.splice(0, events.length, ...lines.map((line) => JSON.parse(line)));
          if (events.length >= count) resolve();
        };
        watcher.stdout!.on("data", check);
        check();
      });
    watcher.stdout!.on("data", (chunk) => {
      text += chunk;
    });
    await seen(1);
    await printed(["put", "w/a", "1"]);
    await seen(2);
    await printed(["delete", "w/a"]);
    await seen(3);
    assert.deepEqual(
      events.map(({ type, key, value }) => [type, key, value]),
      [
        ["live", undefined, undefined],
        ["put", "w/a", "1"],
        ["delete", "w/a", undefined],
      ],
    );
    watcher.kill("SIGINT");
    const again = start(["watch", "w/", "--since", events[1]!.cursor!]);
    const [line] = await new Promise<Buffer[]>((resolve) => again.stdout!.on("data", (chunk) => resolve([chunk])));
    assert.match(line!.toString(), /^delete {2}w\/a/);
  });

  it("imports and exports JSON Lines, JSON and tar", async () => {
    await printed(["namespaces", "create", "shop", "--default-ttl", "1d"]);
    await writeFile(
      join(folder, "cities.json"),
      JSON.stringify(
        [
          { country: "de", name: "Köln" },
          { country: "fr", name: "Lyon" },
        ],
        null,
        2,
      ),
    );
    assert.equal(
      await printed(["import", "cities.json", "-n", "shop", "--key-field", "country", "--key-field", "name"]),
      "imported 2\n",
    );
    assert.deepEqual(JSON.parse(await printed(["get", "de/Köln", "-n", "shop"])), { country: "de", name: "Köln" });
    assert.equal(
      await printed(["import", "-", "-n", "shop"], {
        input: '{"key":"a","value":"1"}\n\n{"key":"b","value":"/w==","encoding":"base64"}',
      }),
      "imported 2\n",
    );
    const { stderr } = await run(["export", "-n", "shop", "-o", "shop.jsonl"]);
    assert.match(stderr, /exported 4/);
    const exported = (await readFile(join(folder, "shop.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      exported.map(({ type, key }) => key ?? type),
      ["header", "a", "b", "de/Köln", "fr/Lyon", "end"],
    );
    await printed(["namespaces", "create", "copy"]);
    assert.equal(await printed(["import", "shop.jsonl", "-n", "copy", "--versions", "keep"]), "imported 4\n");
    const version = async (namespace: string) =>
      JSON.parse(await printed(["get", "b", "-n", namespace, "--json"])).version;
    assert.equal(await version("copy"), await version("shop"));

    await printed(["export", "-n", "shop", "--format", "tar", "-o", "shop.tar"]);
    assert.match(
      execFileSync("tar", ["tf", join(folder, "shop.tar"), "--warning=no-unknown-keyword"], {
        env: { ...process.env, LC_ALL: "C.UTF-8" },
      }).toString(),
      /^a\nb\nde\/K.*ln\nfr\/Lyon\n$/,
    );
    await printed(["namespaces", "create", "third"]);
    assert.equal(await printed(["import", "shop.tar", "-n", "third"]), "imported 4\n");
    assert.equal(
      JSON.parse(await printed(["get", "de/Köln", "-n", "third", "--json"])).content_type,
      "application/json",
    );

    const failed = await run(["import", "-", "-n", "shop"], {
      input: '{"key":"ok","value":"1"}\n{"key":"","value":"1"}\nnonsense\n',
    });
    assert.equal(failed.code, 1);
    assert.equal(failed.stdout.toString(), "imported 1, failed 2\n");
    assert.match(failed.stderr, /record 2.*\n.*record 3/);
    for (const name of ["shop", "copy", "third"]) await printed(["namespaces", "delete", name, "--force"]);
  });

  it("leaves no half file behind when an export fails or is interrupted, and replaces only files", async () => {
    const { code } = await run(["export", "-n", "nowhere", "-o", "none.jsonl"]);
    assert.equal(code, 3);
    assert.equal(existsSync(join(folder, "none.jsonl")), false);
    const slow = createHttpServer((_, response) => response.writeHead(200).write('{"type":"header","cursor":"c"}\n'));
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
    try {
      const SKYKV_URL = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
      const exporter = start(["export", "-o", "half.jsonl"], { SKYKV_URL });
      while (!(await readdir(folder)).some((name) => name.includes("partial"))) await setTimeout(20);
      exporter.kill("SIGINT");
      assert.equal(await new Promise((resolve) => exporter.on("close", resolve)), 130);
    } finally {
      slow.closeAllConnections();
      slow.close();
    }
    await printed(["put", "k", "1"]);
    await printed(["get", "k", "-o", "/dev/null"]);
    assert.ok(statSync("/dev/null").isCharacterDevice());
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes("partial")),
      [],
    );
  });

  it("is quiet when its reader has seen enough", async () => {
    const lines = Array.from({ length: 2000 }, (_, i) =>
      JSON.stringify({ key: `pipe/${i}`, value: "x".repeat(20) }),
    ).join("\n");
    await printed(["import", "-"], { input: lines });
    const lister = start(["list", "--json"]);
    let stderr = "";
    lister.stderr!.on("data", (chunk) => {
      stderr += chunk;
    });
    lister.stdout!.once("data", () => lister.stdout!.destroy());
    const code = await new Promise((resolve) => lister.on("close", resolve));
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(await printed(["delete", "--prefix", "pipe/", "--yes", "--json"]), '{"deleted":2000}\n');
  });

  it("shows the state, and manages keys and namespaces", async () => {
    assert.match(await printed(["status"]), /is ready: cloud local/);
    assert.equal(JSON.parse(await printed(["status", "--json"])).clouds[0].lag_ms, 0);
    const key = (
      await printed(["keys", "create", "ci", "--scope", "read:*", "--scope", "write:ci", "--expires", "2099-01-31"])
    ).trim();
    assert.match(key, /^skykv_/);
    const id = key.split("_")[1]!;
    assert.match(
      await printed(["keys", "list"]),
      new RegExp(`${id} +ci +valid +2099-01-31T00:00:00.000Z +read:\\* write:ci`),
    );
    assert.equal((await run(["put", "k", "v"], { environment: { SKYKV_KEY: key } })).code, 5);
    await printed(["keys", "revoke", id]);
    assert.match(await printed(["keys", "list"]), new RegExp(`${id} +ci +revoked`));
    await printed(["namespaces", "create", "team", "--rate-limit", "100/60", "--public-read", "--max-value", "64K"]);
    const shown = JSON.parse(await printed(["namespaces", "show", "team", "--json"]));
    assert.deepEqual(
      [shown.rate_limit, shown.public_read, shown.max_value_bytes],
      [{ requests: 100, seconds: 60 }, true, 65536],
    );
    assert.match(await printed(["namespaces", "show", "team"]), /max_value_bytes +65536/);
    assert.match((await run(["namespaces", "create", "team"])).stderr, /exists; --replace/);
    await printed(["namespaces", "create", "team", "--replace"]);
    assert.equal(JSON.parse(await printed(["namespaces", "show", "team", "--json"])).public_read, false);
    assert.match(await printed(["namespaces", "list"]), /team/);
    assert.equal(JSON.parse(await printed(["namespaces", "move-home", "team", "local", "--json"])).home, "local");
    await printed(["namespaces", "move-home", "team", "--none"]);
    assert.equal(JSON.parse(await printed(["namespaces", "show", "team", "--json"])).home, null);
    for (const wrong of [[], ["local", "--none"]])
      assert.equal((await run(["namespaces", "move-home", "team", ...wrong])).code, 2);
    await printed(["namespaces", "delete", "team"]);
  });

  it("completes commands and options in bash, and prints scripts for zsh and fish", async () => {
    const script = await printed(["completion", "bash"]);
    const complete = (...words: string[]) => {
      const code = `${script}\nCOMP_WORDS=(skykv ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _skykv; echo "\${COMPREPLY[*]}"`;
      return execFileSync("bash", ["-c", code]).toString().trim().split(" ");
    };
    assert.deepEqual(complete("na"), ["namespaces"]);
    assert.deepEqual(complete("keys", "").slice(0, 3), ["create", "list", "revoke"]);
    assert.deepEqual(complete("keys", "create", "--sc"), ["--scope"]);
    assert.deepEqual(complete("--json", "put", "list", "--tt"), ["--ttl"]);
    assert.match(await printed(["completion", "zsh"]), /compdef _skykv skykv/);
    assert.match(
      await printed(["completion", "fish"]),
      /complete -c skykv -n '__fish_seen_subcommand_from keys; and __fish_seen_subcommand_from create' -l scope/,
    );
  });

  it("runs under a Node that knows no TypeScript", async function () {
    const old = ["/usr/bin/node", "/usr/local/bin/node"].find(
      (node) => existsSync(node) && /^v20\./.test(execFileSync(node, ["--version"]).toString()),
    );
    if (!old) this.skip();
    assert.equal(execFileSync(old, [command, "--version"]).toString(), "0.1.0\n");
  });
});
