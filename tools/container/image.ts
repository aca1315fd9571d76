import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGzip } from "node:zlib";
import type { Engine } from "./engine.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

/**
 * Builds the service's image as `tag`. Where debootstrap is at hand the bases are our own and no registry is asked
 * for images; elsewhere they are the Dockerfile's.
 */
export async function buildImage(engine: Engine, tag: string): Promise<void> {
  const { version } = JSON.parse(await readFile(join(root, "service/package.json"), "utf8")) as { version: string };
  const args = [`VERSION=${version}`, `REVISION=${await revision()}`];
  if (await hasDebootstrap()) {
    await run(join(import.meta.dirname, "base.sh"), { env: engine.environment });
    args.push("BUILD_IMAGE=skykv-build", "BASE_IMAGE=skykv-base");
  }
  // The host's network, because our own engine has no other.
  await engine.docker([
    ...["build", "--quiet", "--network", "host", "--tag", tag, "--file", join(root, "service/Dockerfile")],
    ...args.flatMap((arg) => ["--build-arg", arg]),
    root,
  ]);
}

/** Bytes of each distinct layer, bases included, as a registry keeps and a cluster pulls them. */
export async function layerSizes(engine: Engine, tag: string): Promise<readonly number[]> {
  const folder = await mkdtemp(join(tmpdir(), "skykv-image-"));
  try {
    const archive = join(folder, "image.tar");
    await engine.docker(["save", "--output", archive, tag]);
    await run("tar", ["--extract", "--file", archive, "--directory", folder]);
    const [manifest] = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")) as [{ Layers: string[] }];
    // Engines write a repeated layer as a symbolic link.
    const layers = new Set(await Promise.all(manifest.Layers.map((layer) => realpath(join(folder, layer)))));
    const sizes: number[] = [];
    for (const layer of layers) sizes.push(await gzippedSize(layer));
    return sizes;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function gzippedSize(file: string): Promise<number> {
  let bytes = 0;
  const counter = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  await pipeline(createReadStream(file), createGzip(), counter);
  return bytes;
}

async function revision(): Promise<string> {
  return run("git", ["rev-parse", "HEAD"], { cwd: root }).then(
    ({ stdout }) => stdout.trim(),
    () => "unknown",
  );
}

async function hasDebootstrap(): Promise<boolean> {
  return run("debootstrap", ["--version"]).then(
    () => true,
    () => false,
  );
}
