/** The box's edge before one service. A process of its own; its parent tells it the service's URL and hears the port. */
import { once } from "node:events";
import { locations } from "../../infra/edge/locations.ts";
import { startEdge } from "../box/edge/edge.ts";

const [url] = await once(process, "message");
const up = Promise.withResolvers<unknown>();
const edge = await startEdge({
  host: "127.0.0.1",
  port: 0,
  clouds: [{ cloud: "aws", url, readyUrl: `${url}/ready`, location: locations.aws["eu-central-1"]!, state: "active" }],
  policy: "geo",
  probe: { interval: 1, timeout: 5, retries: 2, consecutiveDown: 2, consecutiveUp: 1 },
  region: "WEU",
  say: up.resolve,
});
await up.promise;
process.send!(Number(new URL(edge.url).port));
process.once("disconnect", () => process.exit());
