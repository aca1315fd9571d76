/** `npm start`: SkyKV on this machine, over a PostgreSQL of its own. */
const found = process.versions.node;
if (Number.parseInt(found, 10) < 24) {
  console.error(`SkyKV needs Node 24, this is ${found}. Run npm ci, which brings it, then npm start.`);
  process.exit(1);
}
const { run } = await import("./cli.ts");
process.exitCode = await run(process.argv.slice(2));
