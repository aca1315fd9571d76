/** What the box says of itself when it is ready. */
import { join, relative } from "node:path";
import { styleText } from "node:util";
import type { Box } from "./box.ts";

/** What to know and to try, for people. */
export function welcome({ url, data, keyFile, clouds }: Box, took: number): string {
  const title = (text: string) => styleText("bold", text);
  const keyPath = quoted(shown(keyFile));
  const auth = `-H "Authorization: Bearer $(cat ${keyPath})"`;
  const urls = clouds.map(({ name, service }) => ({ name, url: service.now().url }));
  const [first, last] = [urls[0]!, urls.at(-1)!];
  const path = "/v1/kv/default/greeting";
  // The command line finds the box by itself where the data is in its usual place.
  const where = shown(data) === ".skykv" ? "" : ` --url ${url} --key-file ${keyPath}`;
  const behind = first.url === url ? [] : urls.map((cloud) => `  ${cloud.name.padEnd(8)} ${cloud.url}\n`);
  return `
${title("SkyKV is ready")} (${(took / 1000).toFixed(1)} s)

  API      ${url}
${behind.join("")}  Console  ${url}/console
  Manual   ${url}/docs
  Key      ${shown(keyFile)}
  Data     ${shown(data)} (kept between runs; --fresh empties it)

${title(first.url === last.url ? "Try it in another terminal" : `Write at ${first.name}, read at ${last.name}, from another terminal`)}

  curl ${auth} -H "Content-Type: text/plain" -X PUT -d "hello" ${first.url}${path}
  curl ${auth} ${last.url}${path}

  npx skykv put greeting "hello again"${where}
  npx skykv get greeting${where}

Ctrl-C stops it.
`;
}

/** The same for programs. */
export function machineLine({ url, data, keyFile, clouds }: Box): string {
  return JSON.stringify({
    url,
    console: `${url}/console`,
    data,
    keyFile,
    clouds: clouds.map(({ name, directory, postgres, service }) => ({
      name,
      url: service.now().url,
      metricsUrl: service.now().metricsUrl,
      servicePid: service.now().pid,
      databaseUrl: postgres.now().url,
      postgresPid: postgres.now().pid,
      log: join(directory, "service.log"),
    })),
  });
}

/** A path as one would type it here. */
export function shown(path: string): string {
  const short = relative("", path);
  return short.startsWith("..") ? path : short;
}

/** A path as the shell takes it. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
