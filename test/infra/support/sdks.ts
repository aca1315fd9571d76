/** What needs the SDKs of the infrastructure, loaded only where they are installed. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { RunOptions } from "../../../infra/plan/engine/run.ts";
import type { Plan } from "../../../infra/plan/resource.ts";

const installed = existsSync(new URL("../../../infra/node_modules/@pulumi/pulumi", import.meta.url));

/** Call it first in a `before` hook: skips the suite where the SDKs are not installed, and fails it where CI=true. */
export function needsSdks(context: Mocha.Context): void {
  if (installed) return;
  const how = "needs the SDKs of the infrastructure: npm ci --prefix infra";
  if (process.env.CI === "true") throw new Error(how);
  console.log(`      ${how}`);
  context.skip();
}

/** Runs a stack's program: see `runProgram`. */
export async function run(options: RunOptions): Promise<Plan> {
  const { runProgram } = await import("../../../infra/plan/engine/run.ts");
  return runProgram(options);
}

/** Path of a file of the repository. */
export function repositoryFile(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}
