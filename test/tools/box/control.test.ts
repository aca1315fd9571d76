import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Box as ShownBox } from "../../../service/console/app/clouds/state.ts";
import { type BoxState, createControl, isLocal } from "../../../tools/box/control.ts";

const key = `skykv_boxboxboxbox_${"k".repeat(43)}`;

describe("the box's control", () => {
  let server: Server;
  let done: string[];
  const state = {
    edge: {},
    clouds: [{ cloud: "aws", condition: "running", peerLinks: "open" }],
  } as unknown as BoxState;
  beforeEach(async () => {
    done = [];
    const act = async (cloud: string, action: string) => {
      if (action === "drain") throw new RangeError("aws is the last active cloud");
      done.push(`${cloud} ${action}`);
    };
    server = createServer(createControl({ state: () => state, act }, key));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const ask = (method: string, path: string, authorization = `Bearer ${key}`) =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
      method,
      headers: { Authorization: authorization },
    });

  it("shows the state", async () => {
    // The compiler holds both to it.
    const shown: ShownBox = state;
    const response = await ask("GET", "/box");
    assert.deepEqual([response.status, await response.json()], [200, shown]);
  });

  it("does to a cloud what it is told, and answers the state", async () => {
    const response = await ask("POST", "/box/clouds/aws:cut-peers");
    assert.deepEqual([response.status, await response.json(), done], [200, state, ["aws cut-peers"]]);
  });

  it("says why something makes no sense", async () => {
    const response = await ask("POST", "/box/clouds/aws:drain");
    assert.equal(response.status, 409);
    assert.match(await response.text(), /aws is the last active cloud/);
  });

  it("refuses who has not the admin key, and what it does not know", async () => {
    for (const authorization of ["", "Bearer", `Bearer ${key}x`, key, `bearer ${key}`]) {
      const status = authorization === "" ? 401 : 403;
      assert.equal((await ask("GET", "/box", authorization)).status, status);
      assert.equal((await ask("POST", "/box/clouds/aws:kill", authorization)).status, status);
    }
    for (const [method, path] of [
      ["POST", "/box/clouds/azure:kill"],
      ["POST", "/box/clouds/aws:destroy"],
      ["GET", "/box/clouds/aws:kill"],
      ["POST", "/box"],
      ["GET", "/box/"],
    ] as const) {
      assert.equal((await ask(method, path)).status, 404, `${method} ${path}`);
    }
    assert.deepEqual(done, []);
  });

  it("listens to clients on this machine alone", () => {
    for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) assert.ok(isLocal(address), address);
    for (const address of ["10.127.0.1", "::ffff:10.0.0.1", "fe80::1", "::127.0.0.1", undefined])
      assert.ok(!isLocal(address), address);
  });
});
