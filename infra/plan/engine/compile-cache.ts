import { join } from "node:path";

/** Where Node keeps what it has compiled: the plan's files and the SDKs are compiled at the first run only. */
export const compileCache = join(import.meta.dirname, "../../node_modules/.cache/node");
