import { Command, Option } from "commander";
import { toWire } from "../admin.ts";
import type { Durability, NamespaceSettings, RateLimit, Scope } from "../client.ts";
import { SkyKVError } from "../client.ts";
import { gather, parseDate, parseDuration, parseInteger, parseRate, parseSize } from "./arguments.ts";
import { connect, type GlobalOptions } from "./connection.ts";
import { Exit, exitCodes, usage } from "./exit.ts";
import { formatBytes, print, printJson, table, visible } from "./output.ts";
import { examples } from "./program.ts";

export const status = examples(
  new Command("status").description("Show the clouds, the database and the cache; fails when the service is not ready"),
  ["skykv status", "skykv status --json | jq .clouds"],
).action(async (_, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions>();
  const { kv, url } = connect(options);
  const cluster = await kv.cluster();
  if (options.json) await printJson(toWire(cluster));
  else {
    const { database, cache } = cluster;
    await print(
      `${url} is ${cluster.ready ? "ready" : "not ready"}: cloud ${cluster.cloud}, release ${cluster.release}\n\n`,
    );
    const clouds = cluster.clouds.map(({ name, self, ready, expelled, lagMs }) => [
      name,
      self ? "this one" : `${lagMs} ms behind`,
      expelled ? "expelled" : ready ? "ready" : "not ready",
    ]);
    await print(table([["CLOUD", "LAG", "STATE"], ...clouds]));
    await print(
      `\ndatabase  ${database.version}, clock skew ${Math.round(database.clockSkewMs)} ms, horizon ${Math.round(database.horizonAgeMs)} ms old\n`,
    );
    await print(
      `cache     ${cache.l1Entries} entries (${formatBytes(cache.l1Bytes)}) in the process, shared: ${cache.l2}\n`,
    );
    await print(`watchers  ${cluster.watchers}\n`);
  }
  if (!cluster.ready) throw new Exit(exitCodes.failed, "the service is not ready");
});

const listKeys = new Command("list")
  .description("List API keys, without their secrets")
  .action(async (_, command: Command) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const keys = await connect(options).kv.keys.list();
    if (options.json) return printJson(toWire(keys));
    const rows = keys.map((key) => {
      const state = key.revokedAt ? "revoked" : key.expiresAt && key.expiresAt < new Date() ? "expired" : "valid";
      return [key.id, visible(key.name), state, key.expiresAt?.toISOString() ?? "never", key.scopes.join(" ")];
    });
    await print(table([["ID", "NAME", "STATE", "EXPIRES", "SCOPES"], ...rows]));
  });

const createKey = examples(
  new Command("create")
    .description("Make an API key and print it: it cannot be shown again")
    .argument("<name>", "what it is for")
    .requiredOption("-s, --scope <scope>", "verb:namespace or verb:prefix*, verbs read, write, admin; repeated", gather)
    .option("--expires <time>", "when it ends, for example 2027-01-31", parseDate)
    .option("--rate-limit <rate>", "requests a second, or requests/seconds", parseRate),
  [
    "skykv keys create web --scope read:shop --scope write:shop",
    "skykv keys create ci --scope 'read:*' --expires 2027-01-31 > ci.key",
  ],
).action(async (name: string, _, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions & { scope: Scope[]; expires?: Date; rateLimit?: RateLimit }>();
  const { scope: scopes, expires: expiresAt, rateLimit } = options;
  const created = await connect(options).kv.keys.create({ name, scopes, expiresAt, rateLimit });
  if (options.json) return printJson(toWire(created));
  console.error(`made the key ${created.id}; keep it, it is shown this once`);
  await print(`${created.key}\n`);
});

const revokeKeys = examples(new Command("revoke").description("End API keys for good").argument("<ids...>"), [
  "skykv keys revoke 3f9aK2mQ7xTb",
]).action(async (ids: string[], _, command: Command) => {
  const { kv } = connect(command.optsWithGlobals<GlobalOptions>());
  for (const id of ids) await kv.keys.revoke(id);
});

export const keys = new Command("keys")
  .description("Make, list and revoke API keys")
  .addCommand(createKey)
  .addCommand(listKeys)
  .addCommand(revokeKeys);

const listNamespaces = new Command("list")
  .description("List namespaces with their sizes")
  .action(async (_, command: Command) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const namespaces = await connect(options).kv.namespaces.list();
    if (options.json) return printJson(toWire(namespaces));
    const rows = namespaces.map(({ name, entries, bytes, home, createdAt }) => {
      return [name, String(entries), formatBytes(bytes), home ?? "every cloud", createdAt.toISOString()];
    });
    await print(table([["NAME", "ENTRIES", "SIZE", "HOME", "CREATED"], ...rows]));
  });

const showNamespace = new Command("show")
  .description("Show a namespace and its settings")
  .argument("<name>")
  .action(async (name: string, _, command: Command) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const namespace = toWire(await connect(options).kv.namespaces.get(name)) as object;
    if (options.json) return printJson(namespace);
    const rows = Object.entries(namespace).map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    await print(table([["SETTING", "VALUE"], ...rows]));
  });

const createNamespace = examples(
  new Command("create")
    .description("Make a namespace")
    .argument("<name>", "1-64 of a-z 0-9 . _ -")
    .option("--replace", "when it exists: replace all its settings")
    .option("--home <cloud>", "the cloud that takes all writes; otherwise every cloud does")
    .option("--default-ttl <time>", "for entries that are written without one", parseDuration)
    .addOption(
      new Option("--default-durability <level>", "where writes are committed that do not say").choices([
        "local",
        "peer",
        "all",
      ]),
    )
    .option("--max-value <size>", "bytes, or with K or M", parseSize)
    .option("--rate-limit <rate>", "requests a second, or requests/seconds", parseRate)
    .option("--require-condition", "refuse writes without a condition")
    .option("--public-read", "let everyone read its entries, without a key")
    .option("--public-max-age <seconds>", "for which caches may keep public reads", parseInteger),
  ["skykv namespaces create shop", "skykv namespaces create sessions --default-ttl 30m --max-value 64K"],
).action(async (name: string, _, command: Command) => {
  type Options = GlobalOptions & {
    replace?: true;
    home?: string;
    defaultTtl?: number;
    defaultDurability?: Durability;
    maxValue?: number;
    rateLimit?: RateLimit;
    requireCondition?: true;
    publicRead?: true;
    publicMaxAge?: number;
  };
  const { replace, maxValue: maxValueBytes, ...options } = command.optsWithGlobals<Options>();
  const { home, defaultTtl, defaultDurability, rateLimit, requireCondition, publicRead, publicMaxAge } = options;
  const given = {
    home,
    defaultTtl,
    defaultDurability,
    maxValueBytes,
    rateLimit,
    requireCondition,
    publicRead,
    publicMaxAge,
  };
  const settings = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Partial<NamespaceSettings>;
  const { namespaces } = connect(options).kv;
  if (!replace && (await exists(namespaces.get(name)))) {
    throw new Exit(exitCodes.failed, `the namespace ${name} exists; --replace replaces its settings`);
  }
  const made = await namespaces.put(name, settings);
  await (options.json ? printJson(toWire(made)) : print(`${made.name}\n`));
});

async function exists(reading: Promise<unknown>): Promise<boolean> {
  try {
    await reading;
    return true;
  } catch (error) {
    if (error instanceof SkyKVError && error.status === 404) return false;
    throw error;
  }
}

const moveHome = examples(
  new Command("move-home")
    .description("Move the home of a namespace to another cloud; without one, every cloud takes writes")
    .argument("<name>")
    .argument("[cloud]")
    .option("--none", "take the home away")
    .option(
      "--force",
      "the present home is gone for good: do not wait for it; what only it has is lost. Refused while it answers",
    ),
  ["skykv namespaces move-home orders gcp", "skykv namespaces move-home orders --none"],
).action(async (name: string, cloud: string | undefined, _, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions & { none?: boolean; force?: boolean }>();
  if ((cloud === undefined) !== (options.none === true)) throw usage("expected either a cloud or --none");
  const { force } = options;
  const namespace = await connect(options).kv.namespaces.moveHome(name, cloud ?? null, { force });
  if (options.json) return printJson(toWire(namespace));
  console.error(`the home of ${name} is ${namespace.home ?? "every cloud"}`);
});

const deleteNamespace = examples(
  new Command("delete")
    .description("Delete an empty namespace")
    .argument("<name>")
    .option("--force", "also with all its entries"),
  ["skykv namespaces delete shop", "skykv namespaces delete shop --force"],
).action(async (name: string, _, command: Command) => {
  const options = command.optsWithGlobals<GlobalOptions & { force?: true }>();
  await connect(options).kv.namespaces.delete(name, { force: options.force });
});

export const namespaces = new Command("namespaces")
  .description("Make, list, show and delete namespaces")
  .addCommand(createNamespace)
  .addCommand(listNamespaces)
  .addCommand(showNamespace)
  .addCommand(moveHome)
  .addCommand(deleteNamespace);
