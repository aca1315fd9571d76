/** Runs PostgreSQL on the given folder until it is killed; prints the postmaster's process id. */
import { startPostgres } from "../../../tools/box/postgres.ts";

const { pid } = await startPostgres({ directory: process.argv[2]! });
console.log(pid);
