/** `npm run chaos`: three clouds of real processes under load and faults. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type FaultName, faultNames } from "./faults.ts";
import { jsonOf, reportOf } from "./report.ts";
import { runChaos } from "./run.ts";

const help = `npm run chaos -- [options]

Runs three clouds, each with a PostgreSQL, service processes, and a cache where there is a Redis or Valkey; hints of the first
go through RabbitMQ where there is one. Clients of all clouds write and read while processes, databases, caches, the queue,
clocks and links between the clouds fail. Every round ends with everything healed; then the copies must become equal, and
all that clients and watchers were told must hold. In the end a cloud is destroyed, its data too, amid writes that other
clouds confirm, and expelled: within a minute both others have all of these. Exits with 1 when something does not hold,
and says where the history and the databases are.

  --minutes M      how long (default 1)
  --seed S         of what goes wrong and what clients do (default: another one each time); the timing is not repeated
  --faults A,B     only these: ${faultNames.join(", ")}
  --processes N    service processes of each cloud (default 2)
  --json           prints one line of JSON at the end
  --help           prints this
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      faults: { type: "string", default: faultNames.join(",") },
      processes: { type: "string", default: "2" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const faults = values.faults.split(",") as FaultName[];
  const stranger = faults.find((name) => !faultNames.includes(name));
  if (stranger !== undefined) throw new Error(`expected --faults of ${faultNames.join(", ")}; found ${stranger}`);
  const result = await runChaos({
    seconds: number("minutes", values.minutes, 0.1) * 60,
    seed: number("seed", values.seed, 0),
    processes: number("processes", values.processes, 1),
    faults,
    onProgress: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${values.json ? jsonOf(result) : reportOf(result)}\n`);
  if (result.findings.length === 0) return 0;
  const folder = await mkdtemp(join(tmpdir(), "skykv-chaos-"));
  await writeFile(join(folder, "history.jsonl"), result.calls.map((call) => `${JSON.stringify(call)}\n`).join(""));
  process.stderr.write(`history: ${folder}; databases and logs: ${result.folders.join(", ")}\n`);
  return 1;
}

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!(value >= least)) throw new Error(`expected a number from ${least} on as --${name}, found ${text}`);
  return value;
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  },
);
