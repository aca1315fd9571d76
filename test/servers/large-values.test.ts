import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { Api } from "../service/http/support.ts";
import { ProcessCloud } from "../support/processes.ts";
import { adminKey } from "../support/service.ts";

const size = 25 * 2 ** 20;
const atOnce = 20;

describe("values of 25 MiB", function () {
  this.timeout(180_000);
  let cloud: ProcessCloud;
  before(async function () {
    if (process.platform !== "linux") {
      console.log("    skipped: the memory of a process is read from /proc, which Linux has");
      return this.skip();
    }
    cloud = await ProcessCloud.start();
  });
  after(() => cloud?.close());

  /** The bytes of value `number`, a piece at a time, so that the test needs no memory for them either. */
  function* pieces(number: number): Generator<Buffer> {
    const piece = Buffer.alloc(64 * 1024);
    for (let at = 0; at < size; at += piece.length) {
      piece.writeUInt32LE(number, 0);
      piece.writeUInt32LE(at, 4);
      yield Buffer.from(piece);
    }
  }
  const hashOf = (number: number) => {
    const hash = createHash("sha256");
    for (const piece of pieces(number)) hash.update(piece);
    return hash.digest("hex");
  };

  /** The most memory that the process ever had, in MB. */
  async function peak(pid: number): Promise<number> {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
  }

  function download(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const asking = request(url, { headers: { Authorization: `Bearer ${adminKey}` }, agent: false }, (response) => {
        const hash = createHash("sha256");
        response.on("data", (chunk) => hash.update(chunk));
        response.on("end", () => resolve(`${response.statusCode} ${hash.digest("hex")}`)).on("error", reject);
      });
      asking.on("error", reject).end();
    });
  }

  it(`${atOnce} at once go in and come out as they are, and the process stays under 300 MB`, async () => {
    const service = await cloud.startService();
    const api = new Api(service.url);
    const numbers = Array.from({ length: atOnce }, (_, i) => i);
    async function* body(number: number) {
      yield* pieces(number);
    }
    const written = await Promise.all(
      numbers.map((number) => api.send(`PUT /v1/kv/default/v${number}`, { body: body(number) })),
    );
    assert.deepEqual(
      written.map(({ status }) => status),
      Array(atOnce).fill(201),
    );
    const afterPuts = await peak(service.pid);
    const found = await Promise.all(numbers.map((number) => download(`${service.url}/v1/kv/default/v${number}`)));
    assert.deepEqual(
      found,
      numbers.map((number) => `200 ${hashOf(number)}`),
    );
    const afterGets = await peak(service.pid);
    console.log(
      `      peak memory: ${afterPuts.toFixed(0)} MB after writing, ${afterGets.toFixed(0)} MB after reading`,
    );
    assert.ok(afterGets < 300, `${afterGets} MB`);
    api.close();
    await service.stop();
  });
});
