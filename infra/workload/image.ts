import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as docker from "@pulumi/docker-build";
import * as pulumi from "@pulumi/pulumi";
import type { Registry } from "../platform.ts";

/**
 * The service's image, built from this checkout for both architectures that the clouds' nodes have, and pushed to the
 * platform's own registry. It is used by its digest, so that all pods run the same whatever becomes of the tag.
 */
export class Image extends pulumi.ComponentResource {
  /** `repository@sha256:…` */
  readonly reference: pulumi.Output<string>;

  constructor(name: string, registry: Registry, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Image", name, {}, opts);
    const repository = pulumi.output(registry.repository);
    const { credentials } = registry;
    const image = new docker.Image(
      name,
      {
        // Relative to the program, so that two people's checkouts are one image. `.dockerignore` there lets in what is built.
        context: { location: ".." },
        dockerfile: { location: "../service/Dockerfile" },
        platforms: ["linux/amd64", "linux/arm64"],
        buildArgs: { VERSION: versionOf(checkout) },
        // A preview neither builds nor pushes.
        buildOnPreview: false,
        push: true,
        // Registries here refuse to move a tag: it is made of what is built.
        tags: [pulumi.interpolate`${repository}:${sourceTag(checkout)}`],
        registries:
          credentials === null
            ? []
            : [
                {
                  address: repository.apply((path) => path.split("/", 1)[0]!),
                  username: credentials.username,
                  password: pulumi.secret(credentials.password),
                },
              ],
      },
      { parent: this },
    );
    this.reference = pulumi.interpolate`${repository}@${image.digest}`;
    this.registerOutputs({ reference: this.reference });
  }
}

const checkout = join(import.meta.dirname, "../..");

/** What the image is made of: all that the Dockerfile copies, and itself. */
const sources = ["package.json", "package-lock.json", "client/package.json", "service"];

/** A tag that changes with each byte of the sources, their names included. */
export function sourceTag(root: string): string {
  const hash = createHash("sha256");
  for (const path of sources.flatMap((source) => filesBelow(root, source))) {
    hash
      .update(path)
      .update("\0")
      .update(readFileSync(join(root, path)))
      .update("\0");
  }
  return `src-${hash.digest("hex").slice(0, 16)}`;
}

/** Paths relative to the root; one that is a file stands for itself. */
function filesBelow(root: string, path: string): string[] {
  const entries = path.includes(".") ? null : readdirSync(join(root, path), { recursive: true, withFileTypes: true });
  if (entries === null) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((file) => !file.startsWith("service/node_modules/"))
    .sort();
}

function versionOf(root: string): string {
  return (JSON.parse(readFileSync(join(root, "service/package.json"), "utf8")) as { version: string }).version;
}
