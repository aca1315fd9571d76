import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Box } from "../../tools/box/box.ts";
import type { BoxState } from "../../tools/box/control.ts";
import { inspectProcess, isGone } from "../../tools/box/process.ts";
import { until } from "../support/kv.ts";
import { remove, startTestBox, temporaryFolder } from "../tools/box/support.ts";

describe("the box with three clouds, when it is killed", function () {
  this.timeout(120_000);

  it("leaves nothing running, frozen clouds neither", async () => {
    const folder = await temporaryFolder();
    const program = join(import.meta.dirname, "../../tools/box/main.ts");
    const args = [program, "--json", "--port", "0", "--data", join(folder, "data")];
    const running = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const { url, keyFile, clouds } = JSON.parse(String((await once(running.stdout, "data"))[0]));
      const headers = { Authorization: `Bearer ${(await readFile(keyFile, "utf8")).trim()}` };
      assert.equal((await fetch(`${url}/box/clouds/gcp:freeze`, { method: "POST", headers })).status, 200);
      running.kill("SIGKILL");
      type Pids = { servicePid: number; postgresPid: number };
      for (const pid of clouds.flatMap((cloud: Pids) => [cloud.servicePid, cloud.postgresPid]))
        assert.ok(await isGone(pid, 30_000), `process ${pid} still runs`);
    } finally {
      running.kill("SIGKILL");
      await remove(folder);
    }
  });
});

describe("the box's faults", function () {
  this.timeout(120_000);
  let folder: string;
  let box: Box;
  let headers: Record<string, string>;
  before(async () => {
    folder = await temporaryFolder();
    box = await startTestBox(join(folder, "data"));
    headers = { Authorization: `Bearer ${(await readFile(box.keyFile, "utf8")).trim()}` };
  });
  after(async () => {
    await box?.stop();
    await remove(folder);
  });

  /** What the control API answers. */
  async function control(order: string): Promise<BoxState> {
    const response = await fetch(`${box.url}/box/clouds/${order}`, { method: "POST", headers });
    assert.equal(response.status, 200, await response.clone().text());
    return response.json() as Promise<BoxState>;
  }
  async function cloud(name: string): Promise<BoxState["clouds"][number]> {
    const state = (await (await fetch(`${box.url}/box`, { headers })).json()) as BoxState;
    return state.clouds.find((one) => one.cloud === name)!;
  }
  /** Through the edge, as clients go, or asking one cloud. */
  function ask(method: string, key: string, more: Record<string, string> = {}, body?: string): Promise<Response> {
    return fetch(`${box.url}/v1/kv/default/${key}`, { method, headers: { ...headers, ...more }, body: body ?? null });
  }
  const put = async (name: string, key: string, value: string) =>
    assert.ok((await ask("PUT", key, { "Edge-Cloud": name }, value)).ok);
  const get = async (name: string, key: string) => (await ask("GET", key, { "Edge-Cloud": name })).text();
  const untilEqual = (key: string, value: string) =>
    until(`${key} is ${value} everywhere`, 30_000, async () => {
      const found = await Promise.all(["aws", "gcp", "azure"].map((name) => get(name, key)));
      return found.every((one) => one === value);
    });
  const untilHealth = (name: string, status: string) =>
    until(`the edge finds ${name} ${status}`, 30_000, async () => (await cloud(name)).health.status === status);

  it("a cloud that is cut off from its peers takes writes, and gives and gets them when it is healed", async () => {
    await put("aws", "before", "1");
    await untilEqual("before", "1");
    assert.equal((await control("aws:cut-peers")).clouds[0]!.peerLinks, "cut");
    await put("aws", "at-aws", "2");
    await put("gcp", "at-gcp", "3");
    await until("azure has what gcp has", 30_000, async () => (await get("azure", "at-gcp")) === "3");
    assert.notEqual(await get("azure", "at-aws"), "2");
    assert.notEqual(await get("aws", "at-gcp"), "3");
    await control("aws:heal");
    await untilEqual("at-aws", "2");
    await untilEqual("at-gcp", "3");
  });

  it("a killed cloud stays down, clients go elsewhere, and it has all when it is healed", async () => {
    // The nearest of the others takes over only when the edge knows that it is up.
    for (const name of ["aws", "gcp", "azure"]) await untilHealth(name, "up");
    const { service, postgres } = box.clouds.find(({ name }) => name === "azure")!;
    const pids = [service.now().pid, postgres.now().pid];
    await control("azure:kill");
    assert.deepEqual(await Promise.all(pids.map(inspectProcess)), [undefined, undefined]);
    const written = await ask("PUT", "while-down", { "Edge-Region": "NEAS" }, "4");
    assert.deepEqual([written.status, written.headers.get("edge-cloud")], [201, "gcp"]);
    await untilHealth("azure", "down");
    assert.equal((await cloud("azure")).condition, "down");
    await control("azure:heal");
    assert.equal((await cloud("azure")).condition, "running");
    await untilEqual("while-down", "4");
  });

  it("a frozen cloud is found by probes, and goes on where it was", async () => {
    await untilHealth("gcp", "up");
    assert.equal((await control("gcp:freeze")).clouds[1]!.condition, "frozen");
    await untilHealth("gcp", "down");
    assert.equal((await ask("PUT", "while-frozen", { "Edge-Region": "WEU" }, "5")).headers.get("edge-cloud"), "aws");
    await control("gcp:heal");
    await untilEqual("while-frozen", "5");
  });

  it("a cloud on slow links gets everything, later", async () => {
    await control("azure:slow-peers");
    await put("aws", "slow", "6");
    await untilEqual("slow", "6");
    await control("azure:heal");
  });

  it("a cloud that is cut off from the edge replicates on, and a drained one is spared", async () => {
    await control("aws:cut-edge");
    await untilHealth("aws", "down");
    const { url } = box.clouds[0]!.service.now();
    await ask("PUT", "past-the-edge", { "Edge-Region": "ENAM" }, "7");
    await until(
      "aws has it",
      30_000,
      async () => (await (await fetch(`${url}/v1/kv/default/past-the-edge`, { headers })).text()) === "7",
    );
    await control("aws:heal");
    await untilHealth("aws", "up");
    await control("aws:drain");
    assert.notEqual((await ask("GET", "slow", { "Edge-Region": "ENAM" })).headers.get("edge-cloud"), "aws");
    await control("aws:undrain");
    assert.equal((await ask("GET", "slow", { "Edge-Region": "ENAM" })).headers.get("edge-cloud"), "aws");
  });

  it("keeps everything over a stop while a cloud is frozen, and needs no further fault to start again", async () => {
    await control("gcp:freeze");
    await box.stop();
    box = await startTestBox(join(folder, "data"));
    await untilEqual("before", "1");
  });
});
