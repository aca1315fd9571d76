/** Pulumi's own policy runner, in a process of its own, with our pack in it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import analyzerServices from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import { compileCache } from "../engine/compile-cache.ts";
import { PlanError } from "../engine/error.ts";
import { infra } from "../engine/run.ts";

/** The folder of our pack. */
export const policies = join(infra, "policies");

export type Pack = {
  /** Calls a method of Pulumi's `Analyzer`. */
  readonly call: <Response>(method: string, request: object) => Promise<Response>;
  readonly stop: () => Promise<void>;
  /** Whether a rule may change resources by itself, which takes a second call for each: `configure` sets it. */
  remediates: boolean;
};

/** Rejects with a `PlanError` when the pack cannot be loaded. */
export async function startPack(folder = policies): Promise<Pack> {
  const child = spawn(
    process.execPath,
    [
      ...["--require", join(import.meta.dirname, "../engine/quick-runtime.cjs")],
      ...["--require", join(import.meta.dirname, "ends-with-parent.cjs")],
      join(infra, "node_modules/@pulumi/pulumi/cmd/run-policy-pack"),
      // The address of an engine, of which this runner makes no use.
      "none",
      ".",
    ],
    { cwd: folder, env: environment(), stdio: ["pipe", "pipe", "pipe"] },
  );
  const ended = once(child, "exit");
  const errors = text(child.stderr);
  // It prints its port, and nothing else.
  const [port] = await Promise.race([
    once(createInterface(child.stdout), "line"),
    ended.then(async () => {
      throw new PlanError([`the policies cannot be loaded: ${(await errors).trim()}`]);
    }),
  ]);
  const Client = grpc.makeGenericClientConstructor(
    analyzerServices.AnalyzerService as unknown as grpc.ServiceDefinition,
    "Analyzer",
  );
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    // The default of 4 MB is less than a stack.
    "grpc.max_receive_message_length": 400 << 20,
    "grpc.max_send_message_length": 400 << 20,
  });
  return {
    call: <Response>(method: string, request: object) =>
      promisify((client[method] as (request: object, callback: grpc.requestCallback<Response>) => void).bind(client))(
        request,
      ) as Promise<Response>,
    stop: async () => {
      client.close();
      child.kill();
      await ended;
    },
    remediates: true,
  };
}

/** Nothing of the caller's: see `engine/run.ts`. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, NODE_COMPILE_CACHE: compileCache };
}
