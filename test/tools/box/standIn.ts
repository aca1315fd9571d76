/**
 * Stands in for the service in tests of the box: keeps its contract (environment, the "listening" line, draining on
 * SIGTERM) and tells what it was given.
 */
import { createServer } from "node:http";
import { connect } from "node:net";

if (process.env.STAND_IN === "broken") {
  console.log(JSON.stringify({ level: 60, msg: "PORT is not a number" }));
  process.exit(2);
}

const socket = `${decodeURIComponent(/@(.*)\//.exec(process.env.DATABASE_URL ?? "")?.[1] ?? "")}/.s.PGSQL.5432`;

function databaseAnswers(): Promise<boolean> {
  return new Promise((settle) => {
    const probe = connect(socket);
    probe.once("error", () => settle(false)).once("connect", () => settle(true));
    probe.once("connect", () => probe.destroy());
  });
}

const server = createServer(async (request, response) => {
  if (request.url === "/environment") {
    response.end(JSON.stringify({ environment: process.env, arguments: process.argv.slice(2) }));
  } else if (request.url === "/database") {
    response.end(String(await databaseAnswers()));
  } else if (request.url === "/until-drained") {
    // The answer that a client waits for while the box stops; headers show that the request has come in.
    response.flushHeaders();
    process.once("SIGTERM", async () => {
      response.end(`database answers: ${await databaseAnswers()}`);
    });
  }
});

server.listen(Number(process.env.PORT), process.env.HOST, () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const url = `http://${process.env.HOST}:${port}`;
  console.log(JSON.stringify({ level: 30, msg: "listening", url, metricsUrl: url }));
});
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
