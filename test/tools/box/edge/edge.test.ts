import assert from "node:assert/strict";
import { type Edge, startEdge } from "../../../../tools/box/edge/edge.ts";
import { freePort } from "../../../support/ports.ts";
import { until } from "../support.ts";
import { member, quickProbe, type StandIn, startStandIn, startTestEdge, stateOf, untilHealth } from "./support.ts";

describe("the edge", () => {
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
    const { clouds: shown, ...state } = edge.state();
    assert.deepEqual([state.policy, state.region, state.fallback, state.probe], ["geo", "ENAM", "aws", quickProbe]);
    assert.deepEqual(state.regions.WEU, ["gcp", "aws"]);
    const [aws, gcp] = shown;
    assert.deepEqual([aws!.cloud, aws!.state, aws!.url, aws!.health.status], ["aws", "active", clouds[0]!.url, "up"]);
    assert.deepEqual(gcp!.traffic, { open: 0, answers: { WEU: 2 }, failures: {} });
  });

  it("drains a cloud and takes it back, but not the last one", async () => {
    edge.setState("aws", "drained");
    assert.deepEqual(
      [stateOf(edge, "aws").state, await answers("ENAM"), edge.state().fallback],
      ["drained", "gcp", "gcp"],
    );
    assert.throws(() => edge.setState("gcp", "drained"), RangeError);
    assert.equal(stateOf(edge, "gcp").state, "active");
    // A drained cloud is probed all the time, so it can answer at once.
    edge.setState("aws", "active");
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

  it("asks the one cloud that a client wants, drained or not, and does not count that as steering", async () => {
    edge.setState("aws", "drained");
    const ask = (cloud: string) => fetch(`${edge.url}/v1/kv/ns/k`, { headers: { "Edge-Cloud": cloud } });
    assert.equal((await ask("aws")).headers.get("edge-cloud"), "aws");
    assert.deepEqual(stateOf(edge, "aws").traffic, { open: 0, answers: {}, failures: {} });
    const unknown = await ask("azure");
    assert.deepEqual(
      [unknown.status, ((await unknown.json()) as { detail: string }).detail],
      [400, 'expected Edge-Cloud to be a cloud behind this edge, found "azure"'],
    );
    await clouds[0]!.close();
    assert.equal((await ask("aws")).status, 521);
  });

  it("gets no connection to a cloud that is cut off, asks another, and finds out by its probes", async () => {
    const lone = await startTestEdge([member("aws", clouds[0]!.url), member("gcp", clouds[1]!.url)], {
      probe: { ...quickProbe, timeout: 0.2 },
      timeouts: { connect: 0.3, read: 1 },
    });
    const ask = async () => (await fetch(lone.url, { headers: { "Edge-Region": "ENAM" } })).headers.get("edge-cloud");
    try {
      await Promise.all([untilHealth(lone, "aws", "up"), untilHealth(lone, "gcp", "up")]);
      lone.cutOff("aws", true);
      assert.equal(await ask(), "gcp");
      assert.deepEqual(stateOf(lone, "aws").traffic.failures, { 522: 1 });
      await untilHealth(lone, "aws", "down");
      assert.equal(stateOf(lone, "aws").health.fault, "timeout");
      lone.cutOff("aws", false);
      await untilHealth(lone, "aws", "up");
      assert.equal(await ask(), "aws");
    } finally {
      await lone.stop();
    }
  });

  it("leaves to its control what is below /box, and nothing else", async () => {
    const controlled = await startTestEdge([member("aws", clouds[0]!.url)], {
      control: (_request, response) => response.end("control"),
    });
    const ask = async (path: string) => (await fetch(controlled.url + path)).text();
    try {
      assert.deepEqual(await Promise.all(["/box", "/box/clouds/aws:kill", "/box?", "/boxes", "/v1/box"].map(ask)), [
        "control",
        "control",
        "control",
        "",
        "",
      ]);
    } finally {
      await controlled.stop();
    }
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
