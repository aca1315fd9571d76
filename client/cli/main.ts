import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { keys, namespaces, status } from "./admin.ts";
import { parseDuration } from "./arguments.ts";
import { cluster } from "./cluster.ts";
import { completion } from "./completion.ts";
import { get, increment, list, put, remove, touch, watch } from "./entries.ts";
import { exitCodeOf, exitCodes, exitHelp, messageOf } from "./exit.ts";
import { exportCommand, importCommand } from "./transfer.ts";

const environmentHelp = `
Without --url and --key it takes SKYKV_URL, SKYKV_KEY and SKYKV_NAMESPACE, else the box whose .skykv directory is here
or above. Keys, and values that are not yours to trust, are printed with control characters escaped; --json and get are exact.`;

/** Runs the command line; gives the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const program = new Command("skykv")
    .description("A key-value store that survives the loss of a whole cloud")
    .version(version())
    .option("-u, --url <url>", "where the service is")
    .option("--key <key>", "API key; visible to every user of this machine, so better SKYKV_KEY or --key-file")
    .option("--key-file <file>", "file that holds the API key")
    .option("-n, --namespace <name>", "instead of `default`")
    .option("-j, --json", "print JSON, one value a line, in the words of the API")
    .option("--timeout <time>", "how long a request may take, for example 90s", parseDuration)
    .addHelpText("after", `${exitHelp}${environmentHelp}`)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(--help shows how)")
    .exitOverride();
  for (const command of [
    get,
    put,
    remove,
    list,
    watch,
    increment,
    touch,
    importCommand,
    exportCommand,
    status,
    keys,
    namespaces,
    cluster,
    completion,
  ]) {
    program.addCommand(command);
  }
  for (const command of everyCommand(program)) command.copyInheritedSettings(command.parent ?? program);
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (isBrokenPipe(error)) return exitCodes.ok;
    console.error(`skykv: ${messageOf(error)}`);
    return exitCodeOf(error);
  }
}

function* everyCommand(command: Command): Generator<Command> {
  for (const child of command.commands) {
    yield child;
    yield* everyCommand(child);
  }
}

function version(): string {
  // One folder up in the sources, two in what is published.
  for (const file of ["../package.json", "../../package.json"]) {
    try {
      const found = JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
      if (found.name === "skykv") return found.version;
    } catch {
      // It is the other one.
    }
  }
  return "unknown";
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}

// Whoever reads our output may stop when it has enough.
process.stdout.on("error", (error) => {
  if (isBrokenPipe(error)) process.exit(exitCodes.ok);
  throw error;
});
process.exitCode = await run(process.argv.slice(2));
