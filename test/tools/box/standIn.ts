/**
 * Stands in for the service in tests of the box: keeps its contract (environment, the "listening" line, draining on
 * SIGTERM) and tells what it was given. STAND_IN=broken ends at start, STAND_IN=stuck never drains.
 */
import { createServer } from "node:http";
import { connect } from "node:net";

const behaviour = process.env.STAND_IN;
if (behaviour === "broken") {
  console.log(JSON.stringify({ level: 30, msg: "starting" }));
  console.error("the configuration has 1 fault:\n  PORT: not a number");
  process.exit(2);
}

const server = createServer(async (request, response) => {
  if (request.url === "/given") {
    response.end(JSON.stringify({ environment: process.env, arguments: process.argv.slice(2) }));
  } else if (request.url === "/database") {
    response.end(String(await databaseAnswers()));
  } else if (request.url === "/when-drained") {
    // Headers show that the request has come in; the answer comes while the box stops.
    response.setHeader("Connection", "close").flushHeaders();
    process.once("SIGTERM", async () => response.end(`database answers: ${await databaseAnswers()}`));
  }
});

server.listen(Number(process.env.PORT), process.env.HOST, () => {
  const address = server.address();
  const url = `http://${process.env.HOST}:${typeof address === "object" ? address?.port : ""}`;
  console.log(JSON.stringify({ level: 30, msg: "listening", url, metricsUrl: url }));
});

process.on("SIGTERM", () => {
  if (behaviour === "stuck") return;
  server.close(() => process.exit(0));
});

/** Does PostgreSQL take connections? */
function databaseAnswers(): Promise<boolean> {
  const [, folder = ""] = /@(.*)\//.exec(process.env.DATABASE_URL ?? "") ?? [];
  return new Promise((settle) => {
    const probe = connect(`${decodeURIComponent(folder)}/.s.PGSQL.5432`);
    probe.once("error", () => settle(false));
    probe.once("connect", () => {
      settle(true);
      probe.destroy();
    });
  });
}
