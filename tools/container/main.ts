/** `npm run container`: builds the service's image, prints the compressed size of its layers, and saves it if asked. */
import { parseArgs } from "node:util";
import { openEngine } from "./engine.ts";
import { buildImage, layerSizes } from "./image.ts";

const usage = `Usage: npm run container -- [--tag NAME] [--save FILE]

Builds service/Dockerfile with the Docker engine of this machine (as root, without one: with an engine for the occasion)
and prints the compressed size of every layer.

  --tag NAME    name of the image (skykv)
  --save FILE   also write it as an archive for "docker load"
`;

const { values } = parseArgs({
  options: {
    tag: { type: "string", default: "skykv" },
    save: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(usage);
} else {
  await main(values.tag, values.save).catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}

async function main(tag: string, archive: string | undefined): Promise<void> {
  const engine = await openEngine();
  try {
    await buildImage(engine, tag);
    const sizes = await layerSizes(engine, tag);
    for (const [index, bytes] of sizes.entries()) console.log(`layer ${index + 1}  ${megabytes(bytes)}`);
    console.log(`total    ${megabytes(sizes.reduce((sum, bytes) => sum + bytes, 0))}`);
    if (archive !== undefined) await engine.docker(["save", "--output", archive, tag]);
  } finally {
    await engine.close();
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1).padStart(6)} MB`;
}
