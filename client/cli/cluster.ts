import { Command } from "commander";
import { toWire } from "../admin.ts";
import type { Arrival, Cluster } from "../client.ts";
import { connect, type GlobalOptions } from "./connection.ts";
import { usage } from "./exit.ts";
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
  if (!options.yes)
    throw usage(
      `expelling ${cloud} gives up what only it has, and it must be seeded anew to come back; add --yes if that is meant`,
    );
  const after = await connect(options).kv.expel(cloud);
  await tell(options, after, `${cloud} is expelled; the others are compared with each other now`);
});

const add = examples(
  new Command("add")
    .description("Make sure that all clouds know a new one, which may start then; say what each lacks otherwise")
    .argument("<cloud>"),
  ["skykv cluster add oracle"],
).action(async (cloud: string, _, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions>();
  await tellArrival(options, await connect(options).kv.addCloud(cloud));
});

const replace = examples(
  new Command("replace")
    .description("Expel a cloud that is lost for good, so that a new one may take its name; may be repeated")
    .argument("<cloud>")
    .option("--yes", "it is meant: what only the lost one has is given up"),
  ["skykv cluster replace gcp --yes"],
).action(async (cloud: string, _, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions & { yes?: true }>();
  if (!options.yes) throw usage(`replacing ${cloud} gives up what only the lost one has; add --yes if that is meant`);
  await tellArrival(options, await connect(options).kv.replaceCloud(cloud));
});

export const cluster = new Command("cluster")
  .description("Add, replace, drain and expel clouds")
  .addCommand(add)
  .addCommand(replace)
  .addCommand(drain)
  .addCommand(undrain)
  .addCommand(expel);

const arrivals: Readonly<Record<Arrival["state"], string>> = {
  expected: "all clouds wait for it; start it with an empty database",
  copying: "it is there, and gets what the others have",
  member: "it is a member and has what the others have",
};

async function tellArrival(options: GlobalOptions, arrival: Arrival): Promise<void> {
  await (options.json ? printJson(toWire(arrival)) : print(`${arrival.cloud}: ${arrivals[arrival.state]}\n`));
}

async function tell(options: GlobalOptions, after: Cluster, words: string): Promise<void> {
  await (options.json ? printJson(toWire(after)) : print(`${words}\n`));
}
