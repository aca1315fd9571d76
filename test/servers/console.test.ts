import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { consoleFile } from "../../service/console/serve.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { assertAccessible } from "./console/accessibility.ts";
import { launchChromium } from "./console/chromium.ts";
import { openLink } from "./console/link.ts";
import { newNamespace, type Store } from "./console/store.ts";
import { openConsole, type Visitor } from "./console/visitor.ts";

describe("the console's files", () => {
  it("are the page at the top, and style sheets, images and modules by their names", () => {
    assert.deepEqual(consoleFile(""), consoleFile("/"));
    const page = new TextDecoder().decode(consoleFile("/")!.body);
    const names = [...page.matchAll(/(?:src|href)="\/console(\/[^"]+)"/g)].map(([, name]) => name!);
    assert.ok(names.length > 20);
    const types: Record<string, string> = {
      ts: "text/javascript; charset=utf-8",
      css: "text/css; charset=utf-8",
      svg: "image/svg+xml",
    };
    for (const name of names) {
      assert.equal(consoleFile(name)?.headers["content-type"], types[name.split(".").at(-1)!], name);
    }
  });

  it("are nothing else that lies on the disk", () => {
    const paths = [
      "/../serve.ts",
      "/../../../package.json",
      "/keys",
      "/keys/",
      "//main.ts",
      "/main",
      "/style",
      "/%2e%2e/serve.ts",
    ];
    for (const path of paths) assert.equal(consoleFile(path), null, path);
  });

  it("carry an entity tag and headers that keep strangers out", () => {
    const { headers } = consoleFile("/main.ts")!;
    assert.match(headers.etag!, /^"[\w-]{22}"$/);
    assert.notEqual(headers.etag, consoleFile("/dom.ts")!.headers.etag);
    const policy = headers["content-security-policy"]!.split("; ");
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(rule), rule);
    }
    assert.doesNotMatch(headers["content-security-policy"]!, /unsafe|\*|http/);
    assert.equal(headers["x-content-type-options"], "nosniff");
  });

  it("are made without a warning in the log", () => {
    const program =
      'import { consoleFile } from "./service/console/serve.ts"; console.log(consoleFile("/main.ts").body.length > 0)';
    const options = { encoding: "utf8", stdio: "pipe", cwd: new URL("../..", import.meta.url) } as const;
    // Both streams: what Node warns of goes to the second.
    const output = execFileSync(
      "sh",
      ["-c", '"$0" --input-type=module -e "$1" 2>&1', process.execPath, program],
      options,
    );
    assert.equal(output, "true\n");
  });
});

describe("the console in Chromium", function () {
  this.timeout(120_000);
  let browser: Browser;
  let service: TestService;
  let visitors: Visitor[] = [];
  let lastNamespace = 0;

  before(async function () {
    browser = await launchChromium(this);
    service = await startTestService();
  });
  after(async () => {
    await browser?.close();
    await service?.close();
  });
  afterEach(async () => {
    const leaving = visitors;
    visitors = [];
    for (const visitor of leaving) await visitor.leave();
  });

  /** A signed-in visitor. */
  async function open(
    options: BrowserContextOptions = {},
    url = service.url,
    key = service.adminKey,
  ): Promise<Visitor> {
    const visitor = await openConsole(browser, url, key, options);
    visitors.push(visitor);
    return visitor;
  }

  /** A namespace that no other test knows, and a visitor who looks at its keys. */
  async function openKeys(
    settings: object = {},
  ): Promise<{ page: Page; name: string; store: Store; visit: Visitor["visit"] }> {
    lastNamespace += 1;
    const name = `console-${lastNamespace}`;
    const store = await newNamespace(service.url, service.adminKey, name, settings);
    const { page, visit } = await open();
    await visit(`/keys/${name}`);
    return { page, name, store, visit };
  }

  const keyLinks = (page: Page) => page.getByRole("grid").getByRole("link");
  const pane = (page: Page) => page.getByRole("region", { name: "Entry" });
  const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true });

  describe("signing in", () => {
    it("asks for a key, refuses a wrong one and opens with the right one", async () => {
      const visitor = await openConsole(browser, service.url, null);
      visitors.push(visitor);
      const { page } = visitor;
      await page.getByLabel("API key").fill("skykv_000000000000_wrong");
      await button(page, "Sign in").click();
      await page.getByText("This API key is not accepted").waitFor();
      await page.getByLabel("API key").fill(` ${service.adminKey} `);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Keys" }).waitFor();
    });

    it("takes the key of the fragment, and leaves it neither in the address nor in the history", async () => {
      const { page } = await open();
      assert.equal(new URL(page.url()).hash, "#/keys");
      await page.getByRole("link", { name: "Watch" }).click();
      await page.goBack();
      assert.ok(!page.url().includes("skykv"), page.url());
    });

    it("forgets the key on signing out, and returns to the place after signing in again", async () => {
      const { page, name } = await openKeys();
      await button(page, "Sign out").click();
      await page.getByLabel("API key").fill(service.adminKey);
      await page.keyboard.press("Enter");
      await page.getByText(`No keys in ${name} yet`).waitFor();
    });

    it("tells a key with few rights what it may not do", async () => {
      const { name, store } = await openKeys();
      await store.put("note", "hello");
      const response = await fetch(`${service.url}/v1/keys`, {
        method: "POST",
        headers: { authorization: `Bearer ${service.adminKey}` },
        body: JSON.stringify({ name: "reader", scopes: [`read:${name}`] }),
      });
      const { key } = (await response.json()) as { key: string };
      const { page, visit } = await open({}, service.url, key);
      await visit(`/keys/${name}?key=note`);
      await pane(page).getByText("hello").waitFor();
      await button(page, "Edit").click();
      await page.getByLabel("Value", { exact: true }).fill("bye");
      await button(page, "Save").click();
      await page.getByRole("alert").getByText(`write:${name}`).waitFor();
      await page.getByText("Sign in with a key that has this scope").waitFor();
      assert.equal(await store.text("note"), "hello");
    });
  });

  describe("keys", () => {
    it("are made, and found at their own link", async () => {
      const { page, name, store } = await openKeys();
      await button(page, "New key").first().click();
      await page.getByLabel("Key in").fill("notes/first");
      await page.getByLabel("Value", { exact: true }).fill("Hello, sky\nsecond line");
      await page.getByLabel("Expires").selectOption("after");
      await page.getByLabel("Amount").fill("2");
      await page.locator("summary", { hasText: "Metadata" }).click();
      await page.getByLabel("A JSON object").fill('{"für": "alle"}');
      await button(page, "Create").click();
      await pane(page).getByText("Hello, sky").waitFor();
      assert.equal(new URL(page.url()).hash, `#/keys/${name}?key=notes/first`);
      const entry = await store.get("notes/first");
      assert.equal(await entry.text(), "Hello, sky\nsecond line");
      assert.equal(entry.headers.get("content-type"), "text/plain; charset=utf-8");
      assert.deepEqual(JSON.parse(entry.headers.get("kv-meta")!), { für: "alle" });
      const left = Date.parse(entry.headers.get("kv-expires-at")!) - Date.now();
      assert.ok(left > 7_100_000 && left <= 7_200_000, `${left} ms`);
    });

    it("are not written over by making them", async () => {
      const { page, store } = await openKeys();
      await store.put("taken", "theirs");
      await button(page, "New key").first().click();
      await page.getByLabel("Key in").fill("taken");
      await page.getByLabel("Value", { exact: true }).fill("mine");
      await button(page, "Create").click();
      await page.getByRole("heading", { name: "This key exists already" }).waitFor();
      assert.equal(await store.text("taken"), "theirs");
      await button(page, "Open it").click();
      await pane(page).getByText("theirs").waitFor();
    });

    it("are paged: 2,500 of them, each once and in order", async () => {
      const { page, store } = await openKeys();
      const keys = Array.from({ length: 2500 }, (_, i) => `item-${String(i).padStart(4, "0")}`);
      await store.putAll(keys);
      await button(page, "Refresh").click();
      const seen: string[] = [];
      for (;;) {
        await page.getByText(`Rows ${seen.length + 1}–${seen.length + 100}`).waitFor();
        seen.push(...(await keyLinks(page).allTextContents()));
        if (await button(page, "Next").isDisabled()) break;
        await button(page, "Next").click();
      }
      assert.deepEqual(seen, keys);
      await button(page, "Previous").click();
      await page.getByText("Rows 2301–2400").waitFor();
      assert.equal(await keyLinks(page).first().textContent(), "item-2300");
    });

    it("are searched by their beginning while it is typed", async () => {
      const { page, store } = await openKeys();
      await store.putAll(["apple", "apricot", "banana", "fruit/apple"]);
      await button(page, "Refresh").click();
      await keyLinks(page).getByText("banana").waitFor();
      await page.getByRole("searchbox").pressSequentially("ap");
      await keyLinks(page).getByText("banana").waitFor({ state: "detached" });
      assert.deepEqual(await keyLinks(page).allTextContents(), ["apple", "apricot"]);
      await page.getByRole("searchbox").pressSequentially("x");
      await page.getByText("No key starts with apx").waitFor();
      await page.reload();
      assert.equal(await page.getByRole("searchbox").inputValue(), "apx");
    });

    it("are folded into folders by the delimiter that the user chooses", async () => {
      const { page, store } = await openKeys();
      await store.putAll(["a/b/c", "a/b/d", "a/e", "top", "x:y"]);
      await button(page, "Refresh").click();
      await page.getByRole("link", { name: "a/ folder" }).click();
      await page.getByRole("link", { name: "b/ folder" }).click();
      await keyLinks(page).getByText("c", { exact: true }).waitFor();
      assert.deepEqual(await keyLinks(page).allTextContents(), ["c", "d"]);
      await page.getByRole("navigation", { name: "Folder" }).getByRole("link", { name: "a", exact: true }).click();
      await keyLinks(page).getByText("e", { exact: true }).waitFor();
      await page.getByLabel("Folders").selectOption(":");
      await page.getByRole("link", { name: "x: folder" }).waitFor();
      await page.getByLabel("Folders").selectOption("none");
      await keyLinks(page).getByText("x:y").waitFor();
      assert.deepEqual(await keyLinks(page).allTextContents(), ["a/b/c", "a/b/d", "a/e", "top", "x:y"]);
    });

    it("of any name are shown as text and can be opened", async () => {
      const { page, store } = await openKeys();
      const keys = [
        "<img src=x onerror=alert(1)>",
        "a/../b",
        "..%2F",
        "100%",
        "ключ 🗝",
        "q?x#y&z=1",
        "two  spaces ",
        "'quote\"",
        "tail/:touch",
      ];
      for (const key of keys) await store.put(key, `value of ${key}`);
      await page.getByLabel("Folders").selectOption("none");
      await keyLinks(page).getByText("ключ 🗝").waitFor();
      const shown = await keyLinks(page).allTextContents();
      assert.deepEqual(shown.toSorted(), keys.toSorted());
      for (const key of keys) {
        await keyLinks(page).filter({ hasText: key }).click();
        await pane(page).getByLabel("Text").getByText(`value of ${key}`).waitFor();
      }
      assert.equal(await page.locator("#page img[src=x]").count(), 0);
    });

    it("cannot hide what they are: invisible characters and turned text are spelled out", async () => {
      const { page, store } = await openKeys();
      await store.put("pay\u202eelif\u200b\n", "?");
      await button(page, "Refresh").click();
      await keyLinks(page).getByText("pay⟨U+202E⟩elif⟨U+200B⟩⟨U+000A⟩").waitFor();
    });

    it("are deleted after a question, and only as they were shown", async () => {
      const { page, store } = await openKeys();
      await store.put("gone", "one");
      await store.put("stays", "two");
      await button(page, "Refresh").click();
      await keyLinks(page).getByText("gone").click();
      await button(page, "Delete").click();
      await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
      await keyLinks(page).getByText("gone").waitFor({ state: "detached" });
      assert.equal((await store.get("gone")).status, 404);

      await keyLinks(page).getByText("stays").click();
      await pane(page).getByText("two").waitFor();
      await store.put("stays", "three");
      await button(page, "Delete").click();
      await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
      await page.getByRole("heading", { name: "It changed meanwhile" }).waitFor();
      await button(page, "Reload").click();
      await pane(page).getByText("three").waitFor();
      assert.equal(await store.text("stays"), "three");
    });
  });

  describe("values", () => {
    it("are shown as text, laid-out JSON, an image or bytes, by what they are", async () => {
      const { page, name, store, visit } = await openKeys();
      const look = async (key: string) => {
        await visit(`/keys/${name}?key=${key}`);
        await pane(page).getByRole("heading", { name: key }).waitFor();
      };
      await store.put("text", "grüße\n");
      await look("text");
      await pane(page).getByLabel("Text").getByText("grüße").waitFor();

      await store.put("json", '{"big":12345678901234567890,"a":[1.0,{}],"a":2}', "application/json");
      await look("json");
      const laidOut = '{\n  "big": 12345678901234567890,\n  "a": [\n    1.0,\n    {}\n  ],\n  "a": 2\n}';
      assert.equal(await pane(page).getByLabel("Formatted JSON").textContent(), laidOut);
      await button(page, "As stored").click();
      assert.equal(
        await pane(page).getByLabel("Stored JSON").textContent(),
        '{"big":12345678901234567890,"a":[1.0,{}],"a":2}',
      );

      const svg =
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><script>top.document.title="run"</script></svg>';
      await store.put("image", svg, "image/svg+xml");
      await look("image");
      await pane(page).getByText("40 × 30 pixels").waitFor();

      await store.put("html", "<script>document.title='run'</script><b>bold</b>", "text/html");
      await look("html");
      await pane(page).getByText("<b>bold</b>").waitFor();
      assert.ok(!(await page.title()).includes("run"));

      await store.put(
        "bytes",
        Uint8Array.from({ length: 256 }, (_, i) => i),
        "application/octet-stream",
      );
      await look("bytes");
      const dump = (await pane(page).getByLabel("Bytes").textContent())!;
      assert.equal(dump.split("\n").length, 16);
      assert.match(dump, /^00000 {2}00 01 02 03 04 05 06 07 {2}08 .* 0f {2}·{16}\n/);
      assert.match(dump, /\n00040 {2}40 .* {2}@ABCDEFGHIJKLMNO\n/);

      await store.put("liar", Uint8Array.of(0xff, 0xfe, 0x41), "text/plain; charset=utf-8");
      await look("liar");
      assert.match((await pane(page).getByLabel("Bytes").textContent())!, /ff fe 41 +··A$/);

      await store.put("empty", "");
      await look("empty");
      await pane(page).getByText("Empty: 0 bytes").waitFor();
    });

    it("that are stored compressed are shown unpacked, and a false claim of that is told", async () => {
      const { page, name, store, visit } = await openKeys();
      await store.put("packed", Uint8Array.from(gzipSync('{"a":1}')), "application/json", {
        "content-encoding": "gzip",
      });
      await visit(`/keys/${name}?key=packed`);
      await pane(page).getByLabel("Formatted JSON").waitFor();
      await button(page, "Edit").click();
      await page.getByText("It is stored compressed (gzip).").waitFor();
      await page.getByLabel("Value", { exact: true }).fill('{"a":2}');
      await button(page, "Save").click();
      await pane(page).getByText('"a": 2').waitFor();
      assert.equal((await store.get("packed")).headers.get("content-encoding"), null);

      await store.put("liar", "not gzip at all", "text/plain", { "content-encoding": "gzip" });
      await visit(`/keys/${name}?key=liar`);
      await page.getByText("The value cannot be unpacked").waitFor();
    });

    it("of JSON are laid out token by token, whatever they hold", async () => {
      const { page } = await openKeys();
      const texts = fc
        .sample(fc.json({ maxDepth: 5 }), 500)
        .map((text, i) => (i % 2 ? text : `\n${text.replaceAll(":", " :\t")} `));
      const laidOut = await page.evaluate<string[]>(
        `import("/console/json.ts").then(({ formatJson }) => ${JSON.stringify(texts)}.map(formatJson))`,
      );
      const withoutSpace = (text: string) => text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
      texts.forEach((text, i) => {
        assert.equal(withoutSpace(laidOut[i]!), withoutSpace(text));
      });
    });

    it("that are large are read only at their beginning", async () => {
      const { page, name, store, visit } = await openKeys();
      await store.put("large", new Uint8Array(3 * 2 ** 20).fill(7), "application/octet-stream");
      let read = 0;
      page.on("response", async (response) => {
        if (response.url().endsWith("/large"))
          read += Number(response.headers()["content-range"] ? response.headers()["content-length"] : 0);
      });
      await visit(`/keys/${name}?key=large`);
      await pane(page).getByText("The first 64 KiB of 3 MiB").waitFor();
      assert.equal(read, 65_536);
      assert.equal((await pane(page).getByLabel("Bytes").textContent())!.split("\n").length, 4096);
    });

    it("are edited without touching what the user did not touch", async () => {
      const { page, name, store, visit } = await openKeys();
      const meta = '{"owner":"billing"}';
      const cases = [
        ["windows", "\ufefffirst\r\nsecond\r\n", "\ufefffirst\r\n2nd\r\n"],
        ["loose", '{ "a" :1e2,\t"b":"second" }', '{ "a" :1e2,\t"b":"2nd" }'],
      ] as const;
      for (const [key, before, after] of cases) {
        await store.put(key, before, "application/json", { "kv-meta": meta });
        await visit(`/keys/${name}?key=${key}`);
        await button(page, "Edit").click();
        const area = page.getByLabel("Value", { exact: true });
        await area.fill((await area.inputValue()).replace("second", "2nd"));
        await button(page, "Save").click();
        await page.getByRole("dialog").waitFor({ state: "detached" });
        const saved = await store.get(key);
        assert.deepEqual(Buffer.from(await saved.arrayBuffer()), Buffer.from(after), key);
        assert.equal(saved.headers.get("kv-meta"), meta);
        assert.equal(saved.headers.get("content-type"), "application/json");
      }
    });

    it("keep their bytes when only their content type changes", async () => {
      const { page, name, store, visit } = await openKeys();
      const text = "tail  \r\n\0\u2028";
      await store.put("plain", text, "text/plain");
      await visit(`/keys/${name}?key=plain`);
      await button(page, "Edit").click();
      await page.getByLabel("Content type").fill("text/markdown; charset=utf-8");
      await button(page, "Save").click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      const saved = await store.get("plain");
      assert.equal(saved.headers.get("content-type"), "text/markdown; charset=utf-8");
      assert.equal(await saved.text(), text);
    });

    it("with mixed line ends are replaced by a file, not edited", async () => {
      const { page, name, store, visit } = await openKeys();
      await store.put("mixed", "a\r\nb\nc");
      await visit(`/keys/${name}?key=mixed`);
      await button(page, "Edit").click();
      await page.getByText("The text mixes different line ends").waitFor();
      assert.ok(!(await page.getByLabel("Value", { exact: true }).isVisible()));
    });

    it("come from files, chosen or dropped, byte for byte", async () => {
      const { page, store } = await openKeys();
      const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 31) % 256));
      await button(page, "New key").first().click();
      await page.getByLabel("Key in").fill("files/");
      await page.getByLabel("File", { exact: true }).check();
      await page.getByLabel("File to store").setInputFiles({ name: "photo.png", mimeType: "image/png", buffer: bytes });
      assert.equal(await page.getByLabel("Key in").inputValue(), "files/photo.png");
      await button(page, "Create").click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      const saved = await store.get("files/photo.png");
      assert.equal(saved.headers.get("content-type"), "image/png");
      assert.deepEqual(Buffer.from(await saved.arrayBuffer()), bytes);

      await button(page, "Edit").click();
      const transfer = await page.evaluateHandle(`(() => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.of(0, 255, 13, 10)], "dropped.bin", { type: "application/x-dropped" }));
        return data;
      })()`);
      await page.locator("dialog form").dispatchEvent("drop", { dataTransfer: transfer });
      await page.getByText("dropped.bin, 4 B").waitFor();
      await button(page, "Save").click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      const replaced = await store.get("files/photo.png");
      assert.deepEqual([...new Uint8Array(await replaced.arrayBuffer())], [0, 255, 13, 10]);
      assert.equal(replaced.headers.get("content-type"), "application/x-dropped");
    });

    it("are downloaded byte for byte", async () => {
      const { page, name, store, visit } = await openKeys();
      await store.put("reports/may.bin", Uint8Array.of(0, 1, 254, 255), "text/html");
      await visit(`/keys/${name}?key=reports/may.bin`);
      const [download] = await Promise.all([page.waitForEvent("download"), button(page, "Download").click()]);
      assert.equal(download.suggestedFilename(), "may.bin");
      const chunks: Buffer[] = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
      assert.deepEqual(Buffer.concat(chunks), Buffer.from([0, 1, 254, 255]));
    });

    it("are saved only over what was shown; a conflict shows what changed", async () => {
      const { page, name, store, visit } = await openKeys();
      await store.put("config", "one\ntwo\nthree\n");
      await visit(`/keys/${name}?key=config`);
      await button(page, "Edit").click();
      await page.getByLabel("Value", { exact: true }).fill("mine\n");
      await store.put("config", "one\nTWO\nthree\n");
      await button(page, "Save").click();
      await page.getByRole("heading", { name: "It changed meanwhile" }).waitFor();
      assert.equal(await page.getByLabel("Changes of the value").textContent(), "  one\n- two\n+ TWO\n  three\n");
      assert.equal(await store.text("config"), "one\nTWO\nthree\n");

      await store.put("config", "changed once more\n");
      await button(page, "Overwrite with mine").click();
      await page.getByText("+ changed once more").waitFor();
      assert.equal(await store.text("config"), "changed once more\n");
      await button(page, "Overwrite with mine").click();
      await pane(page).getByText("mine").waitFor();
      assert.equal(await store.text("config"), "mine\n");
    });

    it("are given up for what is there now when the user says so", async () => {
      const { page, name, store, visit } = await openKeys();
      await store.put("config", "first");
      await visit(`/keys/${name}?key=config`);
      await button(page, "Edit").click();
      await page.getByLabel("Value", { exact: true }).fill("mine");
      await store.put("config", "theirs");
      await button(page, "Save").click();
      await button(page, "Reload").click();
      await pane(page).getByText("theirs").waitFor();
      assert.equal(await store.text("config"), "theirs");
    });

    it("can be made again when they were deleted meanwhile", async () => {
      const { page, name, store, visit } = await openKeys();
      await store.put("config", "first");
      await visit(`/keys/${name}?key=config`);
      await button(page, "Edit").click();
      await page.getByLabel("Value", { exact: true }).fill("mine");
      await store.delete("config");
      await button(page, "Save").click();
      await page.getByRole("heading", { name: "It was deleted meanwhile" }).waitFor();
      await button(page, "Create it again").click();
      await pane(page).getByText("mine").waitFor();
      assert.equal(await store.text("config"), "mine");
    });

    it("that were changed are not lost by a stray Escape", async () => {
      const { page, name, store, visit } = await openKeys();
      await store.put("draft", "before");
      await visit(`/keys/${name}?key=draft`);
      await button(page, "Edit").click();
      await page.getByLabel("Value", { exact: true }).fill("after");
      await page.keyboard.press("Escape");
      await page.getByRole("heading", { name: "Discard your changes?" }).waitFor();
      await page.keyboard.press("Escape");
      assert.equal(await page.getByLabel("Value", { exact: true }).inputValue(), "after");
    });

    it("get another expiry, or none, and keep everything else", async () => {
      const { page, name, store, visit } = await openKeys();
      await store.put("session", "token", "text/plain", { "kv-meta": '{"a":1}' });
      await visit(`/keys/${name}?key=session`);
      await button(page, "Expiry").click();
      await page.getByLabel("Amount").fill("90");
      await page.getByLabel("Unit").selectOption("minutes");
      await button(page, "Set expiry").click();
      await pane(page).getByText("in 90 min").waitFor();
      const entry = await store.get("session");
      const left = Date.parse(entry.headers.get("kv-expires-at")!) - Date.now();
      assert.ok(left > 5_300_000 && left <= 5_400_000, `${left} ms`);
      assert.equal(await entry.text(), "token");
      assert.equal(entry.headers.get("kv-meta"), '{"a":1}');
      await button(page, "Expiry").click();
      await page.getByLabel("Expires").selectOption("none");
      await button(page, "Set expiry").click();
      await pane(page).getByText("in 90 min").waitFor({ state: "detached" });
      assert.equal((await store.get("session")).headers.get("kv-expires-at"), null);
    });

    it("that are counters count up and down", async () => {
      const { page, name, store, visit } = await openKeys();
      await button(page, "New key").first().click();
      await page.getByLabel("Key in").fill("visits");
      await page.getByLabel("Counter").check();
      await page.getByLabel("Add").fill("41");
      await button(page, "Create").click();
      const value = page.getByRole("status").filter({ hasText: /^-?\d+$/ });
      await value.getByText("41", { exact: true }).waitFor();
      await button(page, "Add 1").click();
      await value.getByText("42", { exact: true }).waitFor();
      await store.increment("visits", 100);
      await button(page, "Subtract 1").click();
      await value.getByText("141", { exact: true }).waitFor();
      assert.equal((await store.get("visits")).headers.get("kv-kind"), "counter");
      await visit(`/keys/${name}?key=visits`);
      assert.equal(await button(page, "Edit").count(), 0);
    });
  });

  it("can be used with the keyboard alone", async () => {
    const { page, name, store } = await openKeys();
    await store.putAll(["alpha", "beta", "folder/inner", "gamma"]);
    const focused = () => page.evaluate("document.activeElement.textContent");
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await press("r");
    await keyLinks(page).getByText("gamma").waitFor();

    await press("/");
    await page.keyboard.type("be");
    await keyLinks(page).getByText("gamma").waitFor({ state: "detached" });
    await press("ArrowDown", "Enter");
    await pane(page).getByText("beta", { exact: true }).last().waitFor();
    await press("Escape");
    await pane(page).waitFor({ state: "hidden" });
    assert.equal(await focused(), "beta");

    await press("/", "Backspace", "Tab");
    await page.getByRole("searchbox").fill("");
    await keyLinks(page).getByText("gamma").waitFor();
    await press("Escape", "ArrowDown");
    assert.equal(await focused(), "folder/ folder");
    await press("Enter");
    await keyLinks(page).getByText("inner").waitFor();
    await page.getByRole("searchbox").blur();
    await press("ArrowLeft");
    await keyLinks(page).getByText("gamma").waitFor();

    await press("n");
    await page.keyboard.type("delta");
    await press("Tab", "Tab");
    await page.keyboard.type("made by hand");
    await press("Control+Enter");
    await pane(page).getByText("made by hand").waitFor();
    await press("Escape");
    assert.equal(await focused(), "delta");
    assert.equal(await store.text("delta"), "made by hand");

    await press("ArrowDown");
    assert.equal(await focused(), "gamma");
    await press("Delete");
    await page.getByRole("heading", { name: "Delete this key?" }).waitFor();
    await press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal((await store.get("gamma")).status, 200, "Enter alone cancels");
    await press("Delete", "Tab", "Enter");
    await keyLinks(page).getByText("gamma").waitFor({ state: "detached" });
    assert.equal((await store.get("gamma")).status, 404);

    await press("?");
    await page.getByRole("heading", { name: "Keyboard" }).waitFor();
    await press("Escape");
    assert.equal(new URL(page.url()).hash, `#/keys/${name}`);
  });

  it("returns to the row on a phone, where an open entry covers the list", async () => {
    const { name, store } = await openKeys();
    await store.putAll(["one", "two", "three"]);
    const { page, visit } = await open({ viewport: { width: 390, height: 800 } });
    await visit(`/keys/${name}`);
    await keyLinks(page).getByText("two").click();
    await pane(page).getByText("two", { exact: true }).last().waitFor();
    assert.ok(!(await keyLinks(page).first().isVisible()));
    await button(page, "Back to the list").click();
    await keyLinks(page).getByText("two").waitFor();
    assert.equal(await page.evaluate("document.activeElement.textContent"), "two");
  });

  describe("watch", () => {
    const rows = (page: Page) => page.locator("table.watch tbody tr");

    it("shows puts and deletes as they happen, newest first, with their values", async () => {
      const { page, name, store, visit } = await openKeys();
      await visit(`/watch/${name}?prefix=orders/`);
      await page.getByText("Live", { exact: true }).waitFor();
      await store.put("orders/1", '{"total":5}', "application/json");
      await store.put("other", "not watched");
      await rows(page).getByText('{"total":5}').waitFor();
      await store.delete("orders/1");
      await rows(page).getByText("delete", { exact: true }).waitFor();
      const shown = await rows(page).locator("td.change, td.key").allTextContents();
      assert.deepEqual(shown, ["delete", "orders/1", "put", "orders/1"]);
      await store.put("orders/2", "x");
      await rows(page).getByRole("link", { name: "orders/2" }).click();
      await pane(page).getByText("x", { exact: true }).waitFor();
    });

    it("pauses without losing anything, and filters by key and value", async () => {
      const { page, name, store, visit } = await openKeys();
      await visit(`/watch/${name}`);
      await page.getByText("Live", { exact: true }).waitFor();
      await store.put("first", "1");
      await rows(page).getByText("first").waitFor();
      await button(page, "Pause").click();
      await store.put("second", "needle");
      await page.getByText("1 change waiting").waitFor();
      assert.equal(await rows(page).count(), 1);
      await button(page, "Resume").click();
      await rows(page).getByText("second").waitFor();
      await page.getByLabel("Filter").fill("NEEDLE");
      await page.getByText("1 of 2 shown").waitFor();
      assert.deepEqual(await rows(page).locator("td.key").allTextContents(), ["second"]);
    });

    it("goes on after a break of the connection where it stopped", async () => {
      const link = await openLink(service.url);
      try {
        const store = await newNamespace(service.url, service.adminKey, "console-break");
        const { page, visit } = await open({}, link.url);
        await visit("/watch/console-break");
        await page.getByText("Live", { exact: true }).waitFor();
        for (const round of [1, 2]) {
          link.cut();
          await page.getByText("Disconnected").waitFor();
          await store.put(`missed-${round}`, "written while nobody could see it");
          link.heal();
          await rows(page).getByText(`missed-${round}`).waitFor();
          await page.getByText("Live", { exact: true }).waitFor();
        }
        assert.deepEqual(await rows(page).locator("td.key").allTextContents(), ["missed-2", "missed-1"]);
      } finally {
        for (const visitor of visitors.splice(0)) await visitor.leave();
        await link.close();
      }
    });

    it("keeps the last 500 changes", async () => {
      const { page, name, store, visit } = await openKeys();
      await visit(`/watch/${name}`);
      await page.getByText("Live", { exact: true }).waitFor();
      await store.putAll(Array.from({ length: 1200 }, (_, i) => `k${i}`));
      await page.getByText("1,200 changes received, the last 500 kept").waitFor();
      assert.equal(await rows(page).count(), 500);
    });
  });

  describe("API keys", () => {
    it("are made with scopes, shown once and revoked", async () => {
      const { page, name, store, visit } = await openKeys();
      await store.put("note", "hello");
      await visit("/api-keys");
      await button(page, "New API key").first().click();
      await page.getByLabel("Name", { exact: true }).fill("reporting");
      await page.getByLabel("Namespace, or its beginning and *").fill(name);
      await button(page, "Another scope").click();
      await page.getByLabel("May").last().selectOption("write");
      await page.getByLabel("Namespace, or its beginning and *").last().fill("team-*");
      await page.getByLabel("Expires").selectOption("In 30 days");
      await page.getByLabel("Requests").fill("50");
      await button(page, "Create").click();
      const secret = await page.getByLabel("The new API key").inputValue();
      assert.match(secret, /^skykv_/);
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await button(page, "Copy").click();
      await page.getByRole("dialog").getByText("API key copied").waitFor();
      assert.equal(await page.evaluate("navigator.clipboard.readText()"), secret);
      await button(page, "I have it").click();
      const row = page.getByRole("row", { name: /^reporting/ });
      await row.getByText("write:team-*").waitFor();
      await row.getByText("50 requests in 1 s").waitFor();
      assert.ok(!(await page.content()).includes(secret));

      const read = () => fetch(`${service.url}/v1/kv/${name}/note`, { headers: { authorization: `Bearer ${secret}` } });
      assert.equal((await read()).status, 200);
      await row.getByRole("button", { name: "Revoke reporting" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
      await row.getByText("revoked").waitFor();
      const deadline = Date.now() + 6000;
      while ((await read()).status !== 401) assert.ok(Date.now() < deadline, "a revoked key worked for more than 6 s");
    });
  });

  describe("namespaces", () => {
    it("are made, changed and deleted, a full one only after its name is typed", async () => {
      const { page, visit } = await open();
      await visit("/namespaces");
      await button(page, "New namespace").click();
      await page.getByLabel("Name", { exact: true }).fill("console-made");
      await page.getByLabel("Default expiry").fill("3600");
      await page.getByLabel("Anyone may read").check();
      await button(page, "Create").click();
      const card = page.getByRole("listitem").filter({ hasText: "console-made" });
      await card.getByText("expires after 60 min").waitFor();
      await card.getByText("anyone may read").waitFor();
      await button(page, "New namespace").click();
      await page.getByLabel("Name", { exact: true }).fill("console-made");
      await button(page, "Create").click();
      await page.locator("dialog input:invalid").waitFor();
      await page.keyboard.press("Escape");
      await button(page, "Edit console-made").click();
      assert.equal(await page.getByLabel("Default expiry").inputValue(), "3600");
      await page.getByLabel("Default expiry").fill("");
      await button(page, "Save").click();
      await card.getByText("no expiry").waitFor();

      const store = await newNamespace(service.url, service.adminKey, "console-full");
      await store.putAll(["one", "two"]);
      await page.reload();
      const full = page.getByRole("listitem").filter({ hasText: "console-full" });
      await full.getByText("2 keys").waitFor();
      await button(page, "Delete console-full").click();
      assert.ok(await button(page, "Delete").isDisabled());
      await page.getByRole("dialog").getByRole("textbox").fill("console-full");
      await button(page, "Delete").click();
      await full.waitFor({ state: "detached" });
    });
  });

  describe("health", () => {
    it("shows this cloud, measures the way to it, and says when there is none", async () => {
      const link = await openLink(service.url);
      try {
        const { page, visit } = await open({}, link.url);
        await visit("/health");
        await page.getByText("Ready: takes reads and writes").waitFor();
        await page.getByRole("img", { name: /^Round trips of the last two minutes: median [\d.]+ ms/ }).waitFor();
        await page.getByRole("row", { name: /local \(answers you\) ready/ }).waitFor();
        link.cut();
        await page.getByText("The service does not answer").waitFor();
        link.heal();
        await page.getByText("Ready: takes reads and writes").waitFor();
      } finally {
        for (const visitor of visitors.splice(0)) await visitor.leave();
        await link.close();
      }
    });
  });

  describe("for everybody", () => {
    for (const colorScheme of ["light", "dark"] as const) {
      it(`has no serious fault that axe-core can find, in ${colorScheme}`, async () => {
        const { name, store } = await openKeys();
        await store.putAll(["a/1", "b", "c"]);
        await store.put("json", '{"a":[1,"two",null]}', "application/json", { "kv-meta": '{"x":1}' });
        await store.put("bytes", Uint8Array.of(1, 2, 3), "application/octet-stream");
        await store.increment("counter", 5);
        const { page, visit } = await open({ colorScheme });
        const check = (place: string) => assertAccessible(page, `${place}, ${colorScheme}`);
        for (const key of ["json", "bytes", "counter", "absent"]) {
          await visit(`/keys/${name}?key=${key}`);
          await pane(page).locator("[aria-busy]").waitFor({ state: "detached" });
          await check(`entry ${key}`);
        }
        await visit(`/keys/${name}?key=json`);
        await button(page, "Edit").click();
        await check("editor");
        await page.getByLabel("Value", { exact: true }).fill("{}");
        await store.put("json", "{ }", "application/json");
        await button(page, "Save").click();
        await page.getByRole("heading", { name: "It changed meanwhile" }).waitFor();
        await check("conflict");
        await page.reload();
        await button(page, "New key").click();
        await check("new key");
        await page.keyboard.press("Escape");
        await visit("/keys/no-such-namespace");
        await page.getByRole("alert").waitFor();
        await check("error");
        await visit(`/watch/${name}`);
        await page.getByText("Waiting for changes").waitFor();
        await check("watch, empty");
        await page.getByText("Live", { exact: true }).waitFor();
        await store.put("b", "again");
        await store.delete("c");
        await page.locator("table.watch").getByText("delete", { exact: true }).waitFor();
        await check("watch");
        await visit("/namespaces");
        await page.getByRole("listitem").first().waitFor();
        await check("namespaces");
        await button(page, "New namespace").click();
        await check("new namespace");
        await page.keyboard.press("Escape");
        await visit("/api-keys");
        await button(page, "New API key").first().click();
        await check("new API key");
        await page.getByLabel("Name", { exact: true }).fill(`axe ${colorScheme}`);
        await button(page, "Create").click();
        await page.getByLabel("The new API key").waitFor();
        await check("secret");
        await button(page, "I have it").click();
        await page.getByRole("row", { name: `axe ${colorScheme}` }).waitFor();
        await check("API keys");
        await visit("/health");
        await page.getByText("Ready: takes reads and writes").waitFor();
        await check("health");
        await visit("/clouds");
        await page.getByRole("region", { name: "local" }).waitFor();
        await check("clouds");
        await button(page, "Sign out").click();
        await check("sign in");
      });
    }

    it("fits a screen 360 pixels wide", async () => {
      const { name, store } = await openKeys();
      await store.put(
        "a-rather-long-key-without-any-place-to-break-it/that-goes-on-and-on-and-on",
        '{"a":1}',
        "application/json",
      );
      await store.put("bytes", new Uint8Array(100), "application/octet-stream");
      const { page, visit } = await open({ viewport: { width: 360, height: 740 } });
      const places = [
        `/keys/${name}`,
        `/keys/${name}?delimiter=none`,
        `/keys/${name}?key=bytes`,
        `/watch/${name}`,
        "/namespaces",
        "/api-keys",
        "/clouds",
        "/health",
      ];
      for (const place of places) {
        await visit(place);
        await page.locator("main :is(h1, h2):visible").first().waitFor();
        await page.locator("main:not(:has([aria-busy]))").waitFor();
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        assert.ok(width <= 360, `${place} is ${width} pixels wide`);
      }
    });
  });
});
