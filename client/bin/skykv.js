#!/usr/bin/env node
// Starts the command line: what was emitted where the package is installed, the sources in the repository.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const emitted = new URL("../dist/cli/main.js", import.meta.url);
const source = new URL("../cli/main.ts", import.meta.url);

// Compiled code is kept, which takes a start from 0.2 s to 0.05 s: in the user's own folder, since it will be run.
module.enableCompileCache?.(join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "skykv"));

if (!existsSync(source)) {
  await import(emitted.href);
} else if (process.features.typescript) {
  await import(source.href);
} else {
  // This Node cannot run TypeScript; the repository brings one that can.
  const node = fileURLToPath(new URL("../../node_modules/node/bin/node", import.meta.url));
  if (!existsSync(node)) {
    console.error("skykv: expected Node 22.18 or newer, or `npm ci` to have run in the repository");
    process.exit(1);
  }
  const child = spawn(node, process.argv.slice(1), { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code)));
}
