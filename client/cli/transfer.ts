import { createReadStream, statSync } from "node:fs";
import { Command, Option } from "commander";
import { gather } from "./arguments.ts";
import { connect, type GlobalOptions } from "./connection.ts";
import { Exit, exitCodes, usage } from "./exit.ts";
import { writeWhole } from "./files.ts";
import { print, printJson, visible } from "./output.ts";
import { examples } from "./program.ts";
import { Progress } from "./progress.ts";
import { fromJson, fromJsonLines, fromTar } from "./sources.ts";

type ImportOptions = GlobalOptions & {
  format?: "jsonl" | "json" | "tar";
  keyField?: string[];
  keyPrefix: string;
  versions: "new" | "keep";
};

export const importCommand = examples(
  new Command("import")
    .description("Write many entries fast: from an export, JSON Lines, a JSON file or a tar archive")
    .argument("<file>", "`-` reads stdin")
    .addOption(
      new Option("--format <format>", "otherwise by the file's name; stdin is jsonl").choices(["jsonl", "json", "tar"]),
    )
    .option(
      "--key-field <field>",
      "take whole records as values, and this field as key; repeated: joined by `/`",
      gather,
    )
    .option("--key-prefix <text>", "what all keys begin with", "")
    .addOption(
      new Option("--versions <which>", "`keep` restores the versions of an export")
        .choices(["new", "keep"])
        .default("new"),
    ),
  [
    "skykv import backup.jsonl",
    "skykv import cities.json --key-field country --key-field name",
    'echo \'{"key": "a", "value": "1"}\' | skykv import -',
    "tar c photos | skykv import - --format tar",
  ],
).action(async (file: string, _, command: Command) => {
  const options = command.optsWithGlobals<ImportOptions>();
  const format = options.format ?? formatOf(file);
  const records = { keyFields: options.keyField ?? [], keyPrefix: options.keyPrefix };
  if (format === "tar" && (records.keyFields.length > 0 || records.keyPrefix !== ""))
    throw usage("a tar archive has names for keys: --key-field and --key-prefix are for JSON");
  const { entries } = connect(options);
  const meter = new Meter(file);
  const units = { jsonl: fromJsonLines, json: fromJson, tar: fromTar }[format](meter.chunks(), records);
  const progress = new Progress("import");
  let read = 0;
  async function* counted() {
    for await (const unit of units) {
      read++;
      yield unit;
    }
  }
  const result = await entries
    .importUnits(counted(), {
      format: format === "tar" ? "tar" : "jsonl",
      versions: options.versions,
      timeout: options.timeout,
      onProgress: ({ records }) => progress.update(records, meter.fraction(records / read)),
    })
    .finally(() => progress.end());
  const { imported, failed } = result;
  for (const { line, key, error } of result.errors) {
    console.error(`skykv: record ${line}${key === null ? "" : ` (${visible(key)})`}: ${error.message}`);
  }
  if (failed > result.errors.length) console.error(`skykv: and ${failed - result.errors.length} more`);
  await (options.json
    ? printJson({ imported, failed })
    : print(`imported ${imported}${failed > 0 ? `, failed ${failed}` : ""}\n`));
  if (failed > 0) throw new Exit(exitCodes.failed, `${failed} records were refused`);
});

function formatOf(file: string): "jsonl" | "json" | "tar" {
  if (file === "-" || /\.(jsonl|ndjson)$/i.test(file)) return "jsonl";
  if (/\.json$/i.test(file)) return "json";
  if (/\.tar$/i.test(file)) return "tar";
  throw usage(`the name of ${file} does not tell its format: give --format jsonl, json or tar`);
}

/** Reads the source, and knows how much of it was read. */
class Meter {
  readonly #file: string;
  readonly #size: number | null;
  #read = 0;

  constructor(file: string) {
    this.#file = file;
    try {
      this.#size = file === "-" ? null : statSync(file).size;
    } catch (error) {
      throw usage((error as Error).message);
    }
  }

  async *chunks(): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of this.#file === "-"
      ? process.stdin
      : createReadStream(this.#file, { highWaterMark: 2 ** 18 })) {
      this.#read += chunk.length;
      yield chunk;
    }
  }

  /** How much of the file is done when `done` of what was read is; null when the size is not known. */
  fraction(done: number): number | null {
    return this.#size ? (this.#read * done) / this.#size : null;
  }
}

type ExportOptions = GlobalOptions & { output?: string; format: "jsonl" | "tar"; prefix?: string; after?: string };

export const exportCommand = examples(
  new Command("export")
    .description("Write all entries to stdout or a file")
    .option("-o, --output <file>", "write to a file, which appears when it is complete")
    .addOption(
      new Option("--format <format>", "JSON Lines, or a tar archive of raw values")
        .choices(["jsonl", "tar"])
        .default("jsonl"),
    )
    .option("--prefix <prefix>", "only what begins with it")
    .option("--after <key>", "only what comes behind this key"),
  [
    "skykv export -o backup.jsonl",
    "skykv export --prefix users/ | gzip > users.jsonl.gz",
    "skykv export --format tar | tar x",
  ],
).action(async (_, command: Command) => {
  const options = command.optsWithGlobals<ExportOptions>();
  const { entries } = connect(options);
  const { prefix, after } = options;
  if (options.format === "tar")
    return writeWhole(options.output, await entries.exportStream({ prefix, after, format: "tar" }));
  const stream = await entries.exportStream({ prefix, after });
  const progress = new Progress("export");
  let lines = 0;
  async function* counted() {
    for await (const chunk of stream) {
      yield chunk;
      progress.update(++lines, null);
    }
  }
  await writeWhole(options.output, counted()).finally(() => progress.end());
  // The first line and the last are about the export.
  if (options.output) console.error(`exported ${lines - 2}`);
});
