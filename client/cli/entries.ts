import { createReadStream, existsSync } from "node:fs";
import { Readable } from "node:stream";
import { Command, Option } from "commander";
import { lookup } from "mrmime";
import type { Durability, PutOptions, Value } from "../client.ts";
import { gather, parseCount, parseInteger, parseMeta, parseTtl } from "./arguments.ts";
import { connect, type GlobalOptions } from "./connection.ts";
import { Exit, exitCodes, notFound, usage } from "./exit.ts";
import { writeWhole } from "./files.ts";
import { entryJson, eventJson, formatBytes, print, printJson, table, visible } from "./output.ts";
import { examples } from "./program.ts";

const ifMatch = () =>
  new Option("--if-match <etag>", "only when the entry has this entity tag (`*`: when there is one)").argParser(gather);
const consistency = () =>
  new Option("--consistency <level>", "how fresh the read must be").choices(["cached", "local", "strong"]);
const durability = () =>
  new Option("--durability <level>", "where it must be committed before the answer").choices(["local", "peer", "all"]);
const expiry = () =>
  new Option("--ttl <time>", "seconds until it expires, or 90s, 15m, 2h, 7d, none").argParser(parseTtl);

type Conditions = { ifMatch?: string[] };

/** `*` stands alone. */
function tags({ ifMatch }: Conditions): string | string[] | undefined {
  return ifMatch?.includes("*") ? "*" : ifMatch;
}

export const get = examples(
  new Command("get")
    .description("Print a value, byte for byte")
    .argument("<key>")
    .option("-o, --output <file>", "write to a file, which appears when it is complete")
    .addOption(consistency()),
  ["skykv get users/42", "skykv get logo.png -o logo.png", "skykv get users/42 --json | jq .etag"],
).action(async (key: string, _, command: Command) => {
  const options = command.optsWithGlobals<
    GlobalOptions & { output?: string; consistency?: "cached" | "local" | "strong" }
  >();
  const { entries } = connect(options);
  const { consistency } = options;
  if (options.json) {
    const entry = await entries.get(key, { consistency });
    if (entry === null) throw notFound(key);
    return printJson(entryJson(entry));
  }
  const entry = await entries.getStream(key, { consistency });
  if (entry === null) throw notFound(key);
  await writeWhole(options.output, entry.value);
});

export const put = examples(
  new Command("put")
    .description("Write a value: from the command line, a file, or stdin")
    .argument("<key>")
    .argument("[value]", "the value as text; `-` or nothing reads stdin")
    .option("-f, --file <file>", "read the value from a file")
    .option("-t, --type <type>", "content type; otherwise by the file's name")
    .addOption(expiry())
    .option("--keep-ttl", "keep the expiry that the entry has")
    .option("--meta <json>", "a JSON object of at most 1 KiB to keep with it", parseMeta)
    .option("--create-only", "only when there is no entry")
    .addOption(ifMatch())
    .addOption(durability()),
  [
    "skykv put greeting hello",
    "skykv put logo.png -f logo.png",
    "pg_dump shop | skykv put backups/shop.sql --ttl 30d",
    "skykv put lock me --create-only --ttl 30",
  ],
).action(async (key: string, text: string | undefined, _, command: Command) => {
  type Options = GlobalOptions &
    Conditions & {
      file?: string;
      type?: string;
      ttl?: number | "none";
      keepTtl?: true;
      meta?: Record<string, unknown>;
      createOnly?: true;
      durability?: Durability;
    };
  const { file, type, ttl, keepTtl, meta, createOnly, durability, ...options } = command.optsWithGlobals<Options>();
  if (file !== undefined && text !== undefined) throw usage("expected a value or --file, found both");
  const fields: PutOptions = { ttl, keepTtl, meta, createOnly, durability, ifMatch: tags(options) };
  const contentType = type ?? (file === undefined ? undefined : lookup(file));
  const value = sourceOf(text, file);
  // Streams take as long as they take.
  const timeout = options.timeout ?? (typeof value === "string" ? undefined : Number.POSITIVE_INFINITY);
  const written = await connect(options).entries.put(key, value, { ...fields, contentType, timeout });
  const { created, version, etag, expiresAt } = written;
  if (options.json) return printJson({ key, created, version, etag, expires_at: expiresAt });
  await print(`${created ? "created" : "replaced"} ${visible(key)} ${version}\n`);
});

function sourceOf(text: string | undefined, file: string | undefined): Value {
  if (file !== undefined && file !== "-") {
    if (!existsSync(file)) throw usage(`there is no file ${file}`);
    return () => webStream(createReadStream(file));
  }
  if (text !== undefined && text !== "-") return text;
  if (process.stdin.isTTY && text === undefined && file === undefined)
    throw usage("expected a value, --file, or `-` to type it in");
  return webStream(process.stdin);
}

function webStream(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
}

export const remove = examples(
  new Command("delete")
    .description("Delete entries; fine when they are not there")
    .argument("[keys...]")
    .option("--prefix <prefix>", "delete everything that begins with it")
    .option("-y, --yes", "with --prefix: do not ask")
    .addOption(ifMatch())
    .addOption(durability()),
  [
    "skykv delete users/42",
    "skykv delete users/42 --if-match 019aa3b1c5e20000-aws",
    "skykv delete --prefix sessions/ --yes",
  ],
).action(async (keys: string[], _, command: Command) => {
  const options = command.optsWithGlobals<
    GlobalOptions & Conditions & { prefix?: string; yes?: true; durability?: Durability }
  >();
  const { prefix, durability } = options;
  if ((prefix === undefined) === (keys.length === 0)) throw usage("expected keys or --prefix");
  const { entries } = connect(options);
  if (prefix === undefined) {
    for (const key of keys) await entries.delete(key, { ifMatch: tags(options), durability });
    return;
  }
  if (prefix === "")
    throw usage("expected a prefix of at least one character; to delete everything: skykv namespaces delete");
  if (!options.yes && !(await confirm(`Delete everything in ${entries.name} that begins with ${visible(prefix)}?`))) {
    throw new Exit(exitCodes.failed, "nothing was deleted");
  }
  const deleted = await entries.deletePrefix(prefix, { durability });
  await (options.json ? printJson({ deleted }) : print(`deleted ${deleted}\n`));
});

/** Without a terminal there is no one to ask. */
async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw usage("--prefix deletes many entries: say --yes");
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test(await terminal.question(`${question} [y/N] `));
  } finally {
    terminal.close();
  }
}

export const list = examples(
  new Command("list")
    .description("List keys in byte order")
    .argument("[prefix]")
    .option("-l, --long", "with size, time, version and content type")
    .option("--limit <count>", "at most so many", parseCount)
    .option("-d, --delimiter <text>", "fold keys that hold it after the prefix")
    .option("--values", "with values; needs --json")
    .addOption(consistency()),
  ["skykv list", "skykv list users/ --long", "skykv list --delimiter /", "skykv list --json --values | jq -r .value"],
).action(async (prefix: string | undefined, _, command: Command) => {
  type Options = GlobalOptions & {
    long?: true;
    limit?: number;
    delimiter?: string;
    values?: true;
    consistency?: "cached" | "local" | "strong";
  };
  const {
    long,
    limit = Number.POSITIVE_INFINITY,
    delimiter,
    values,
    consistency,
    ...options
  } = command.optsWithGlobals<Options>();
  if (values && !options.json) throw usage("--values needs --json");
  const listing = connect(options).entries.list({
    prefix,
    delimiter,
    values,
    consistency,
    limit: Math.min(limit, 1000),
  });
  let left = limit;
  for await (const page of listing.pages()) {
    const entries = page.entries.slice(0, left);
    const prefixes = page.prefixes.slice(0, left - entries.length);
    left -= entries.length + prefixes.length;
    if (options.json) {
      for (const prefix of prefixes) await printJson({ prefix });
      for (const entry of entries) await printJson(entryJson(entry));
    } else {
      await print(prefixes.map((prefix) => `${visible(prefix)}\n`).join(""));
      const rows = entries.map((entry) => {
        return [
          formatBytes(entry.size ?? 0).padStart(10),
          entry.updatedAt.toISOString(),
          entry.version,
          entry.contentType,
          visible(entry.key),
        ];
      });
      if (!long) await print(entries.map(({ key }) => `${visible(key)}\n`).join(""));
      else if (rows.length > 0) await print(table(rows));
    }
    if (left <= 0) return;
  }
});

export const watch = examples(
  new Command("watch")
    .description("Print changes as they happen, until it is interrupted")
    .argument("[prefix]")
    .option("-s, --snapshot", "first everything that there is")
    .option("--since <cursor>", "go on behind an earlier event, or an export")
    .option("--values", "with values of up to 64 KiB; needs --json"),
  ["skykv watch users/", "skykv watch --snapshot --values --json"],
).action(async (prefix: string | undefined, _, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions & { snapshot?: true; since?: string; values?: true }>();
  const { snapshot, since, values } = options;
  if (values && !options.json) throw usage("--values needs --json");
  for await (const event of connect(options).entries.watch({ prefix, snapshot, since, values })) {
    if (options.json) {
      await printJson(eventJson(event));
    } else if (event.type === "put") {
      await print(`put     ${visible(event.key)}  ${formatBytes(event.size)}  ${event.version}\n`);
    } else if (event.type === "delete") {
      await print(`delete  ${visible(event.key)}  ${event.version}\n`);
    } else {
      await print(`${event.type}\n`);
    }
  }
});

export const increment = examples(
  new Command("increment")
    .description("Add to a counter and print the sum")
    .argument("<key>")
    .option("--by <number>", "an integer, negative to subtract", parseInteger, 1)
    .addOption(durability()),
  ["skykv increment visits", "skykv increment stock/42 --by -5"],
).action(async (key: string, _, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions & { by: number; durability?: Durability }>();
  const value = await connect(options).entries.increment(key, options.by, { durability: options.durability });
  await (options.json ? printJson({ key, value }) : print(`${value}\n`));
});

export const touch = examples(
  new Command("touch")
    .description("Give an entry a new expiry; its value stays")
    .argument("<key>")
    .addOption(expiry().makeOptionMandatory())
    .addOption(ifMatch())
    .addOption(durability()),
  ["skykv touch sessions/9f2c --ttl 30m", "skykv touch users/42 --ttl none"],
).action(async (key: string, _, command: Command) => {
  const options = command.optsWithGlobals<
    GlobalOptions & Conditions & { ttl: number | "none"; durability?: Durability }
  >();
  const { ttl, durability } = options;
  const written = await connect(options).entries.touch(key, { ttl, ifMatch: tags(options), durability });
  if (written === null) throw notFound(key);
  const { version, etag, expiresAt } = written;
  if (options.json) return printJson({ key, version, etag, expires_at: expiresAt });
  await print(`${visible(key)} expires ${expiresAt?.toISOString() ?? "never"}\n`);
});
