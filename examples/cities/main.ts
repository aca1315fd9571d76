/** `node examples/cities/main.ts`: a public data set through the client, on a running service. */
import { parseArgs } from "node:util";
import { connect } from "../../client/cli/connection.ts";
import { Progress } from "../../client/cli/progress.ts";
import { cities } from "./cities.ts";
import { tour } from "./tour.ts";

const help = `node examples/cities/main.ts [options]

Imports the cities of the world into the namespace "cities" (what is there goes), lists them, counts visitors by
compare-and-set, watches that live, exports everything and compares it byte by byte.

  --url URL        the service (default: SKYKV_URL, or the box of npm start in or above this directory)
  --key KEY        an admin key (default: SKYKV_KEY, or the box's)
  --key-file FILE  a file that holds it
  --help           prints this
`;

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      url: { type: "string" },
      key: { type: "string" },
      "key-file": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  const { url, key, "key-file": keyFile } = options;
  const { kv } = connect({ ...(url && { url }), ...(key && { key }), ...(keyFile && { keyFile }) });
  const progress = new Progress("import");
  const startedAt = performance.now();
  await tour({
    kv,
    cities,
    say: (line) => {
      progress.end();
      console.log(line);
    },
    onImported: (records) => progress.update(records, records / cities.length),
  });
  console.log(`done in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
