/** A real Chromium for tests: Debian's package, or the program that `CHROMIUM` names. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts it with a profile of its own that goes when it closes. Skips the suite where there is none, but not in CI. */
export async function launchChromium(suite: Mocha.Context): Promise<Browser> {
  if (!existsSync(executablePath)) {
    const message = `no Chromium at ${executablePath}: apt-get install chromium, or set CHROMIUM to one`;
    if (process.env.CI === "true") throw new Error(message);
    console.log(`    ${message}`);
    suite.skip();
  }
  return chromium.launch({ executablePath, args: flags });
}
