import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { locations } from "../../../../infra/edge/locations.ts";
import type { Cloud } from "../../../../infra/names.ts";
import { type Edge, type EdgeOptions, startEdge } from "../../../../tools/box/edge/edge.ts";
import type { EdgeCloud } from "../../../../tools/box/edge/endpoint.ts";
import { until } from "../support.ts";

const places = {
  aws: locations.aws["us-east-1"]!,
  gcp: locations.gcp["europe-west1"]!,
  azure: locations.azure.southeastasia!,
};

/** Quick to find out: a cloud is judged by its last probe. */
export const quickProbe = { interval: 0.1, timeout: 2, retries: 1, consecutiveDown: 1, consecutiveUp: 1 };

/** A member that is served at `url`. */
export function member(cloud: Cloud, url: string, state: EdgeCloud["state"] = "active"): EdgeCloud {
  return { cloud, url, readyUrl: `${url}/ready`, location: places[cloud], state };
}

/** An edge in this process on a free port, and what its lines said. */
export async function startTestEdge(
  clouds: readonly EdgeCloud[],
  options: Partial<EdgeOptions> = {},
): Promise<Edge & { readonly said: string[] }> {
  const said: string[] = [];
  const edge = await startEdge({
    host: "127.0.0.1",
    port: 0,
    clouds,
    policy: "geo",
    probe: quickProbe,
    region: "ENAM",
    say: (line) => said.push(line),
    ...options,
  });
  return { ...edge, said };
}

/** Resolves when the edge thinks so of a cloud. */
export function untilHealth(edge: Edge, cloud: Cloud, status: "up" | "down"): Promise<void> {
  return until(`${cloud} is ${status}`, async () => healthOf(edge, cloud) === status);
}

export function healthOf(edge: Edge, cloud: Cloud): string {
  return stateOf(edge, cloud).health.status;
}

export function stateOf(edge: Edge, cloud: Cloud) {
  return edge.state().clouds.find((found) => found.cloud === cloud)!;
}

export type StandIn = { readonly url: string; readonly server: Server; readonly close: () => Promise<void> };

/** A cloud in this process that is ready and answers as the test says. */
export async function startStandIn(listener: RequestListener): Promise<StandIn> {
  const server = createServer((request, response) => {
    if (request.url === "/ready") response.end();
    else listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
