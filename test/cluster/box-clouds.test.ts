import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Box } from "../../tools/box/box.ts";
import { remove, startTestBox, temporaryFolder, until } from "../tools/box/support.ts";

describe("the box with three clouds", function () {
  this.timeout(60_000);
  let folder: string;
  let box: Box;
  let authorization: string;
  before(async () => {
    folder = await temporaryFolder();
    box = await startTestBox(join(folder, "data"));
    authorization = `Bearer ${(await readFile(box.keyFile, "utf8")).trim()}`;
  });
  after(async () => {
    await box?.stop();
    await remove(folder);
  });

  it("shows at one cloud what was written at another, and takes the same key in all", async () => {
    const entry = (name: string) => {
      const { url } = box.clouds.find((cloud) => cloud.name === name)!.service.now();
      return `${url}/v1/kv/default/greeting`;
    };
    const headers = { Authorization: authorization };
    assert.equal((await fetch(entry("aws"), { method: "PUT", headers, body: "hello" })).status, 201);
    for (const name of ["gcp", "azure"])
      await until(`${name} has it`, async () => (await (await fetch(entry(name), { headers })).text()) === "hello");
  });

  it("answers clients from the cloud that is nearest to them", async () => {
    await until("all clouds are up", async () => {
      const regions = ["ENAM", "WEU", "NEAS"];
      const asked = regions.map((region) => fetch(`${box.url}/health`, { headers: { "Edge-Region": region } }));
      const clouds = (await Promise.all(asked)).map(({ headers }) => headers.get("edge-cloud"));
      return clouds.join() === "aws,gcp,azure";
    });
  });

  it("keeps the keys of the clouds' certificates from other users", async () => {
    for (const name of ["aws", "gcp", "azure"])
      assert.equal((await stat(join(box.data, "certificates", `${name}.key`))).mode & 0o077, 0);
  });
});
