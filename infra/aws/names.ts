import * as pulumi from "@pulumi/pulumi";
import { physicalName } from "../physical-name.ts";
import type { Tags } from "../tags.ts";

/** A name of this stack's own, for services where Pulumi's made-up ones come too late: policies name them before they exist. */
export function stackName(maxLength: number, ...words: readonly string[]): string {
  return physicalName(maxLength, pulumi.getProject(), pulumi.getStack(), ...words);
}

/** Tags with the name that the console shows, for what has no other. */
export function named(tags: Tags, name: string): Record<string, string> {
  return { ...tags, Name: `${tags.project}-${tags.stack}-${name}` };
}
