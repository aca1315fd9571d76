import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Namespace, SkyKV } from "../client.ts";
import { usage } from "./exit.ts";

/** Options of every command. */
export type GlobalOptions = {
  url?: string;
  key?: string;
  keyFile?: string;
  namespace?: string;
  json?: boolean;
  timeout?: number;
};

export type Connection = { readonly url: string; readonly kv: SkyKV; readonly entries: Namespace };

/** The client that options, environment or the box nearby tell of, in this order. */
export function connect(options: GlobalOptions, environment: NodeJS.ProcessEnv = process.env): Connection {
  const box = findBox(process.cwd());
  const url = options.url ?? environment.SKYKV_URL ?? box?.url;
  if (!url)
    throw usage("no service is known: give --url or set SKYKV_URL, or run `npm start` and come back to its directory");
  if (!URL.canParse(url)) throw usage(`expected a URL like https://kv.example.com, found ${JSON.stringify(url)}`);
  const key = keyOf(options) ?? environment.SKYKV_KEY ?? boxKey(box, url);
  const { timeout } = options;
  const kv = new SkyKV({ url, key, timeout });
  return { url, kv, entries: namespaceOf(kv, options.namespace ?? environment.SKYKV_NAMESPACE) };
}

function namespaceOf(kv: SkyKV, name: string | undefined): Namespace {
  try {
    return kv.namespace(name);
  } catch (error) {
    throw usage((error as Error).message);
  }
}

function keyOf({ key, keyFile }: GlobalOptions): string | undefined {
  if (key !== undefined) {
    console.error("skykv: warning: --key can be read by every user of this machine; set SKYKV_KEY or use --key-file");
    return key;
  }
  if (keyFile === undefined) return undefined;
  try {
    return readFileSync(keyFile, "utf8").trim();
  } catch (error) {
    throw usage(`the key file cannot be read: ${(error as Error).message}`);
  }
}

type Box = { readonly folder: string; readonly url: string };

/** The nearest `.skykv` at or above `directory` that says where its box is. */
function findBox(directory: string): Box | null {
  const folder = join(directory, ".skykv");
  const file = join(folder, "box.json");
  try {
    const { url } = JSON.parse(readFileSync(file, "utf8"));
    if (typeof url === "string" && isOurs(folder) && isOurs(file)) return { folder, url };
  } catch {
    // There is none, or none that can be read.
  }
  const parent = dirname(directory);
  return parent === directory ? null : findBox(parent);
}

/** Another user's folder above ours could send our values to a service of theirs. */
function isOurs(path: string): boolean {
  const user = process.getuid?.();
  return user === undefined || user === 0 || [user, 0].includes(statSync(path).uid);
}

/** The box's key is for the box: it goes nowhere else. */
function boxKey(box: Box | null, url: string): string | undefined {
  if (box === null || !URL.canParse(box.url) || new URL(box.url).origin !== new URL(url).origin) return undefined;
  try {
    return readFileSync(join(box.folder, "admin.key"), "utf8").trim();
  } catch {
    return undefined;
  }
}
