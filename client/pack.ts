/** Makes what `npm pack` packs: emitted JavaScript and types, and the license. `npm pack` runs it. */
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";

const made = ["dist", "LICENSE"];
for (const path of made) rmSync(new URL(path, import.meta.url), { recursive: true, force: true });
if (process.argv[2] !== "clean") {
  execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });
  cpSync(new URL("../LICENSE", import.meta.url), new URL("LICENSE", import.meta.url));
}
