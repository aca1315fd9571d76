/** Somebody at the console: a browser window of their own, and whatever goes wrong in it. */
import assert from "node:assert/strict";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

export interface Visitor {
  page: Page;
  /** Goes to a place in the console, for example `/keys/default`. */
  visit(place: string): Promise<void>;
  /** Fails when the page threw, broke its security policy or asked another host for anything. */
  leave(): Promise<void>;
}

/** Opens the console. With `key` as the link of `npm start` does it, signed in. */
export async function openConsole(
  browser: Browser,
  url: string,
  key: string | null,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const viewport = { width: 1360, height: 860 };
  const context = await browser.newContext({ viewport, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`threw ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (/content security policy|trusted ?(html|script|type)/i.test(message.text())) faults.push(message.text());
  });
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (!["blob:", "data:"].includes(protocol) && origin !== url) faults.push(`asked ${request.url()}`);
  });
  await page.goto(key === null ? `${url}/console` : `${url}/console#key=${key}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  return {
    page,
    visit: async (place) => {
      await page.goto(`${url}/console/#${place}`);
    },
    leave: async () => {
      await context.close();
      assert.deepEqual(faults, []);
    },
  };
}
