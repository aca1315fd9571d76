import assert from "node:assert/strict";
import { type Edge, startEdge } from "../../../../tools/box/edge/edge.ts";
import { until } from "../support.ts";
import {
  freePort,
  key,
  member,
  quickProbe,
  type StandIn,
  startStandIn,
  startTestEdge,
  stateOf,
  untilHealth,
} from "./support.ts";

describe("the edge's control", () => {
  let clouds: StandIn[];
  let edge: Edge & { said: readonly string[] };
  beforeEach(async () => {
    clouds = [await startStandIn((_, response) => response.end()), await startStandIn((_, response) => response.end())];
    edge = await startTestEdge([member("aws", clouds[0]!.url), member("gcp", clouds[1]!.url)]);
    await Promise.all([untilHealth(edge, "aws", "up"), untilHealth(edge, "gcp", "up")]);
  });
  afterEach(async () => {
    await Promise.all([edge.stop(), ...clouds.map((cloud) => cloud.close())]);
  });

  const control = (method: string, path: string, authorization = `Bearer ${key}`) =>
    fetch(`${edge.controlUrl}${path}`, { method, headers: { Authorization: authorization } });
  /** The cloud that answers a client of that region. */
  const answers = async (region?: string) => {
    const headers = region === undefined ? {} : { "Edge-Region": region };
    return (await fetch(`${edge.url}/v1/kv/ns/k`, { headers })).headers.get("edge-cloud");
  };

  it("sends clients to the nearest cloud, as they say where they are, else as the edge was told", async () => {
    assert.deepEqual(await Promise.all([answers("WEU"), answers("ENAM"), answers()]), ["gcp", "aws", "aws"]);
  });

  it("shows steering, health and traffic", async () => {
    for (const region of ["WEU", "WEU", "ENAM"]) await answers(region);
    const response = await control("GET", "/v1/edge");
    assert.equal(response.status, 200);
    const { clouds: shown, ...state } = (await response.json()) as ReturnType<Edge["state"]>;
    assert.deepEqual([state.policy, state.region, state.fallback, state.probe], ["geo", "ENAM", "aws", quickProbe]);
    assert.deepEqual(state.regions.WEU, ["gcp", "aws"]);
    const [aws, gcp] = shown;
    assert.deepEqual([aws!.cloud, aws!.state, aws!.url, aws!.health.status], ["aws", "active", clouds[0]!.url, "up"]);
    assert.deepEqual(gcp!.traffic, { open: 0, answers: { WEU: 2 }, failures: {} });
  });

  it("drains a cloud and takes it back, but not the last one", async () => {
    assert.equal((await control("POST", "/v1/edge/clouds/aws:drain")).status, 200);
    assert.deepEqual(
      [stateOf(edge, "aws").state, await answers("ENAM"), edge.state().fallback],
      ["drained", "gcp", "gcp"],
    );
    const last = await control("POST", "/v1/edge/clouds/gcp:drain");
    assert.equal(last.status, 409);
    assert.match(await last.text(), /gcp is the last active cloud; undrain another one first/);
    assert.equal(stateOf(edge, "gcp").state, "active");
    // A drained cloud is probed all the time, so it can answer at once.
    assert.equal((await control("POST", "/v1/edge/clouds/aws:undrain")).status, 200);
    assert.equal(await answers("ENAM"), "aws");
  });

  it("starts with a drained cloud that is ready to be taken back", async () => {
    const other = await startTestEdge([member("aws", clouds[0]!.url), member("gcp", clouds[1]!.url, "drained")]);
    try {
      await untilHealth(other, "gcp", "up");
      const ask = async () => (await fetch(other.url, { headers: { "Edge-Region": "WEU" } })).headers.get("edge-cloud");
      assert.equal(await ask(), "aws");
      other.setState("gcp", "active");
      assert.equal(await ask(), "gcp");
    } finally {
      await other.stop();
    }
  });

  it("refuses who has not the admin key, and what it does not know", async () => {
    for (const authorization of ["", "Bearer", `Bearer ${key}x`, key, `bearer ${key}`]) {
      assert.equal((await control("GET", "/v1/edge", authorization)).status, 401);
      assert.equal((await control("POST", "/v1/edge/clouds/aws:drain", authorization)).status, 401);
    }
    for (const [method, path] of [
      ["POST", "/v1/edge/clouds/azure:drain"],
      ["POST", "/v1/edge/clouds/aws:kill"],
      ["GET", "/v1/edge/clouds/aws:drain"],
      ["GET", "/"],
    ] as const) {
      assert.equal((await control(method, path)).status, 404);
    }
    assert.equal(stateOf(edge, "aws").state, "active");
  });

  it("says when a cloud goes down and comes back, and why", async () => {
    const { url, close } = await startStandIn(() => {});
    const lone = await startTestEdge([member("aws", url), member("gcp", clouds[1]!.url)]);
    try {
      await Promise.all([untilHealth(lone, "aws", "up"), untilHealth(lone, "gcp", "up")]);
      await close();
      await untilHealth(lone, "aws", "down");
      assert.deepEqual(
        lone.said.filter((line) => line.startsWith("aws")),
        ["aws is up", "aws is down (ECONNREFUSED)"],
      );
    } finally {
      await lone.stop();
    }
  });

  it("probes on a new connection each time, as a closed port would not be seen on an old one", async () => {
    const ports: (number | undefined)[] = [];
    clouds[0]!.server.prependListener("request", ({ url, socket }) => {
      if (url === "/ready") ports.push(socket.remotePort);
    });
    await until("three probes have come", async () => ports.length >= 3);
    assert.equal(new Set(ports).size, ports.length);
  });

  it("starts only with an active cloud, on a port that is free", async () => {
    const options = {
      host: "127.0.0.1",
      port: await freePort(),
      policy: "off",
      probe: quickProbe,
      region: "WEU",
      adminKey: key,
      say: () => {},
    } as const;
    await assert.rejects(
      startEdge({ ...options, clouds: [member("aws", clouds[0]!.url, "drained")] }),
      /expected at least one active cloud/,
    );
    const port = Number(new URL(edge.url).port);
    await assert.rejects(startEdge({ ...options, port, clouds: [member("aws", clouds[0]!.url)] }), {
      code: "EADDRINUSE",
    });
  });
});
