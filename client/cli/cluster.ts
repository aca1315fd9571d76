import { Command } from "commander";
import { toWire } from "../admin.ts";
import type { Cluster } from "../client.ts";
import { connect, type GlobalOptions } from "./connection.ts";
import { Exit, exitCodes } from "./exit.ts";
import { print, printJson } from "./output.ts";
import { examples } from "./program.ts";

const drain = examples(
  new Command("drain")
    .description("Keep clients away from a cloud; ask the cloud itself, past the edge")
    .argument("<cloud>"),
  ["skykv cluster drain aws --url https://aws.kv.example.com"],
).action(async (cloud: string, _, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions>();
  const after = await connect(options).kv.drain(cloud, true);
  await tell(options, after, `${cloud} is drained: its probes fail, clients that come all the same are served`);
});

const undrain = examples(new Command("undrain").description("Let clients come to a cloud again").argument("<cloud>"), [
  "skykv cluster undrain aws --url https://aws.kv.example.com",
]).action(async (cloud: string, _, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions>();
  const after = await connect(options).kv.drain(cloud, false);
  await tell(options, after, `${cloud} takes clients again`);
});

const expel = examples(
  new Command("expel")
    .description("End the membership of a cloud that is lost for good: what it alone has is given up")
    .argument("<cloud>")
    .option("--yes", "it is meant: the cloud must be seeded anew before it can come back"),
  ["skykv cluster expel gcp --yes"],
).action(async (cloud: string, _, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions & { yes?: true }>();
  if (!options.yes) {
    throw new Exit(
      exitCodes.usage,
      `expelling ${cloud} gives up what only it has, and it must be seeded anew to come back; add --yes if that is meant`,
    );
  }
  const after = await connect(options).kv.expel(cloud);
  await tell(options, after, `${cloud} is expelled; the others are compared with each other now`);
});

export const cluster = new Command("cluster")
  .description("Drain and expel clouds")
  .addCommand(drain)
  .addCommand(undrain)
  .addCommand(expel);

async function tell(options: GlobalOptions, after: Cluster, words: string): Promise<void> {
  await (options.json ? printJson(toWire(after)) : print(`${words}\n`));
}
