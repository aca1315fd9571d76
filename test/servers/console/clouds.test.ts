import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { Box } from "../../../tools/box/box.ts";
import { until } from "../../support/kv.ts";
import { startTestService } from "../../support/service.ts";
import { remove, startTestBox, temporaryFolder } from "../../tools/box/support.ts";
import { assertAccessible } from "./accessibility.ts";
import { launchChromium } from "./chromium.ts";
import { openConsole, type Visitor } from "./visitor.ts";

describe("the console's clouds in Chromium", function () {
  this.timeout(120_000);
  let browser: Browser;
  let folder: string;
  let box: Box;
  let key: string;
  let visitors: Visitor[] = [];
  before(async function () {
    browser = await launchChromium(this);
    folder = await temporaryFolder();
    box = await startTestBox(join(folder, "data"));
    key = (await readFile(box.keyFile, "utf8")).trim();
  });
  after(async () => {
    await browser?.close();
    await box?.stop();
    await remove(folder);
  });
  afterEach(async () => {
    const leaving = visitors;
    visitors = [];
    for (const visitor of leaving) await visitor.leave();
    for (const name of ["aws", "gcp", "azure"]) await control(`${name}:heal`);
  });

  const headers = () => ({ authorization: `Bearer ${key}` });
  async function control(order: string): Promise<void> {
    assert.equal((await fetch(`${box.url}/box/clouds/${order}`, { method: "POST", headers: headers() })).status, 200);
  }
  async function open(options: BrowserContextOptions = {}, url = box.url, as = key): Promise<Page> {
    const visitor = await openConsole(browser, url, as, options);
    visitors.push(visitor);
    await visitor.visit("/clouds");
    await visitor.page.getByRole("heading", { name: "Clouds", level: 1 }).waitFor();
    return visitor.page;
  }
  const card = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
  const press = (page: Page, name: string, action: string) =>
    card(page, name).getByRole("button", { name: action, exact: true }).click();
  /** What the panel shows of a cloud. */
  const tile = (page: Page, name: string) =>
    page.locator(".tiles > div", { has: page.getByText(name, { exact: true }) }).locator("output");

  it("shows them on a map, in words too, and the lag of each pair", async () => {
    const page = await open();
    await page.getByText("All clouds are well").waitFor();
    await page
      .getByRole("img", {
        name: /^Map of the clouds: aws well; gcp well; azure well\. Lag: aws to azure [\d.,]+ m?s; /,
      })
      .waitFor();
    assert.equal(await page.getByRole("row", { name: /^(aws|gcp|azure) / }).count(), 6);
  });

  it("lets one write at one cloud and see it at all, apart while they are cut off, and together when they are healed", async () => {
    const page = await open();
    await page.getByLabel("Value").fill("one");
    await page.getByRole("button", { name: "Write at aws" }).click();
    await until("azure shows it", 10_000, async () => (await tile(page, "azure").textContent()) === "one");
    await page.getByText("The same in all clouds").waitFor();
    await press(page, "azure", "Cut off from peers");
    await card(page, "azure").getByText("cut off from its peers").waitFor();
    await page.getByLabel("Value").fill("two");
    await page.getByRole("button", { name: "Write at aws" }).click();
    await until("gcp shows it", 10_000, async () => (await tile(page, "gcp").textContent()) === "two");
    await page.getByText("The clouds differ").waitFor();
    assert.equal(await tile(page, "azure").textContent(), "one");
    await page.getByLabel("Value").fill("three");
    await page.getByRole("button", { name: "Write at azure" }).click();
    await until("azure shows it", 10_000, async () => (await tile(page, "azure").textContent()) === "three");
    await press(page, "azure", "Heal");
    await page.getByText("The same in all clouds").waitFor();
    assert.equal(await tile(page, "aws").textContent(), "three");
    await page.getByRole("row", { name: /^greeting two aws / }).waitFor();
  });

  it("kills a cloud and brings it back, and the button keeps the focus", async () => {
    const page = await open();
    const kill = card(page, "gcp").getByRole("button", { name: "Kill" });
    await kill.focus();
    await page.keyboard.press("Enter");
    await card(page, "gcp")
      .getByText(/^killed/)
      .waitFor();
    await until("the button is pressed", 5000, async () => (await kill.getAttribute("aria-pressed")) === "true");
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Kill");
    await page.getByText("No answer from gcp").waitFor();
    await press(page, "gcp", "Heal");
    await page.getByText("All clouds are well").waitFor();
  });

  it("drains a cloud and takes it back, and tells why the last one stays", async () => {
    const page = await open();
    for (const name of ["aws", "gcp"]) {
      await press(page, name, "Drain");
      await card(page, name).getByText("drained").waitFor();
    }
    await press(page, "azure", "Drain");
    await page.getByText("azure is the last active cloud; undrain another one first").waitFor();
    for (const name of ["aws", "gcp"]) await press(page, name, "Drain");
    await page.getByText("All clouds are well").waitFor();
  });

  it("takes this tab for where it is said to be", async () => {
    const page = await open();
    await page.getByLabel("This tab's requests come from").selectOption("Northeast Asia");
    await page.goto(`${box.url}/console/#/health`);
    await page.getByRole("row", { name: /azure \(answers you\)/ }).waitFor();
    await page.goto(`${box.url}/console/#/clouds`);
    await card(page, "azure")
      .getByText(/Northeast Asia \d+\/s/)
      .waitFor();
  });

  it("has no faults to offer where there is no box, nor to a key that is not the box's", async () => {
    const service = await startTestService();
    try {
      const page = await open({}, service.url, service.adminKey);
      await card(page, "local").getByText("well").waitFor();
      assert.equal(await page.getByRole("button", { name: "Kill" }).count(), 0);
      for (const visitor of visitors.splice(0)) await visitor.leave();
    } finally {
      await service.close();
    }
    const body = JSON.stringify({ name: "operator", scopes: ["admin:*"] });
    const made = await fetch(`${box.url}/v1/keys`, {
      method: "POST",
      headers: { ...headers(), "content-type": "application/json" },
      body,
    });
    const { key: other } = (await made.json()) as { key: string };
    const page = await open({}, box.url, other);
    await card(page, "gcp").getByText("well").waitFor();
    assert.equal(await page.getByRole("button", { name: "Kill" }).count(), 0);
  });

  for (const colorScheme of ["light", "dark"] as const) {
    it(`has no serious fault that axe-core can find, in ${colorScheme}`, async () => {
      const page = await open({ colorScheme });
      await press(page, "azure", "Freeze");
      await card(page, "azure")
        .getByText(/^frozen/)
        .waitFor();
      await page.getByText("No answer from azure").waitFor();
      await assertAccessible(page, colorScheme);
    });
  }

  it("fits a screen 360 pixels wide", async () => {
    const page = await open({ viewport: { width: 360, height: 740 } });
    await page.getByText("The same in all clouds").waitFor();
    assert.ok((await page.evaluate<number>("document.documentElement.scrollWidth")) <= 360);
  });
});
