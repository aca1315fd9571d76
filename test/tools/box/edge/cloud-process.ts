/**
 * A cloud that is a process of its own, to be killed and frozen: ready, and answers every request after some
 * milliseconds as the service would. Tells its parent `{port}`, and is not ready any more once that sends a message.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { entry } from "../../../client/fake.ts";

const { values } = parseArgs({ options: { backlog: { type: "string", default: "511" } } });
let isReady = true;

const server = createServer(async (request, response) => {
  if (request.url === "/ready") {
    response.writeHead(isReady ? 200 : 503).end();
    return;
  }
  for await (const _ of request);
  // So that a kill finds requests under way.
  await sleep(5);
  entry(response, request.method === "DELETE" ? 204 : 200, request.method === "GET" ? "value" : "");
});
server.listen({ port: 0, host: "127.0.0.1", backlog: Number(values.backlog) }, () => {
  process.send!({ port: (server.address() as AddressInfo).port });
});
process.on("message", () => {
  isReady = false;
});
process.on("disconnect", () => process.exit());
