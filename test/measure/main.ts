/** `npm run measure`: how fast three clouds of real processes on this machine are for each other. */
import { parseArgs } from "node:util";
import { Cluster } from "../support/cluster.ts";
import { isMet, measures } from "./measures.ts";

const help = `npm run measure -- [options] [${Object.keys(measures).join(" | ")}] ...

Measures three clouds of real processes, clients included, on this machine: all that are named, or all. Exits with 1 when a
figure is missed.

${Object.entries(measures)
  .map(([name, { what }]) => `  ${name.padEnd(16)} ${what}`)
  .join("\n")}

  --quick          about a minute each, instead of up to ten
  --help           prints this
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const chosen = positionals.length > 0 ? positionals : Object.keys(measures);
  const stranger = chosen.find((name) => !(name in measures));
  if (stranger !== undefined) throw new Error(`expected ${Object.keys(measures).join(", ")}; found ${stranger}`);
  let missed = 0;
  for (const name of chosen) {
    const { what, run } = measures[name as keyof typeof measures];
    process.stdout.write(`${name}: ${what}\n`);
    const cluster = await Cluster.start(["aws", "gcp", "azure"]);
    try {
      const figures = await run(cluster, values.quick, (line) => process.stdout.write(`  ${line}\n`));
      for (const figure of figures) process.stdout.write(`  ${figure.text}${isMet(figure) ? "" : " MISSED"}\n`);
      missed += figures.filter((figure) => !isMet(figure)).length;
    } finally {
      await cluster.close();
    }
  }
  return missed === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(2);
  },
);
