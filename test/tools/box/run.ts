/** The box's command line, with the stand-in for the service. */
import { join } from "node:path";
import { run } from "../../../tools/box/cli.ts";

process.exitCode = await run(process.argv.slice(2), join(import.meta.dirname, "standIn.ts"));
