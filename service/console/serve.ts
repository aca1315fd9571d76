/**
 * The console's files, ready to be sent.
 *
 * Browsers get the TypeScript of `app/` with its types stripped by Node itself: no build step, no bundler, and what is
 * debugged in the browser has the line numbers of the source. Nothing is written, so a read-only root is enough.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { extname } from "node:path";

export interface ConsoleFile {
  body: Uint8Array;
  headers: Record<string, string>;
}

const folder = new URL("./app/", import.meta.url);

/** Only these are files of the console; anything else in the folder stays private. */
const contentTypes: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ts": "text/javascript; charset=utf-8",
};

const securityHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

let names: Set<string> | undefined;
const cache = new Map<string, ConsoleFile>();

/**
 * The file for what follows `/console` in a URL (`""` and `"/"` are the page itself, `"/main.ts"` a module), or null
 * when there is none. The same answer each time; `headers` hold a strong `etag` to compare `If-None-Match` with.
 */
export function consoleFile(path: string): ConsoleFile | null {
  names ??= new Set(readdirSync(folder, { recursive: true, encoding: "utf8" }));
  const name = path === "" || path === "/" ? "index.html" : path.slice(1);
  const contentType = contentTypes[extname(name)];
  // Looked up among the names that exist: no path of a stranger ever reaches the file system.
  if (contentType === undefined || !names.has(name)) return null;
  let file = cache.get(name);
  if (file === undefined) {
    const body = Buffer.from(contentOf(name));
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    const headers = { ...securityHeaders, "content-type": contentType, "cache-control": "no-cache", etag };
    file = { body, headers };
    cache.set(name, file);
  }
  return file;
}

function contentOf(name: string): string {
  const text = readFileSync(new URL(name, folder), "utf8");
  if (name.endsWith(".ts")) return withoutTypes(text);
  return name === "index.html" ? text.replace("</head>", `${preloads()}</head>`) : text;
}

/** Without these a browser learns of modules import by import, one round trip for each level. */
function preloads(): string {
  const modules = [...names!].filter((name) => name.endsWith(".ts") && name !== "types.ts").sort();
  return modules.map((name) => `<link rel="modulepreload" href="/console/${name}">\n`).join("");
}

function withoutTypes(source: string): string {
  // Node 24 marks the function as experimental, though it is what runs this very file: a warning in each log for nothing.
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
