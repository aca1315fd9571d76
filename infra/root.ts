import * as pulumi from "@pulumi/pulumi";
import type { Config } from "./config/config.ts";
import { type Tags, tagsOf } from "./tags.ts";

/** What everything of a stack descends from, and what all of it must know. */
export class SkyKV extends pulumi.ComponentResource {
  readonly tags: Tags;
  /** Whether what holds data is protected from deletion. */
  readonly protect: boolean;

  constructor(config: Config) {
    super("skykv:index:SkyKV", "skykv", {}, {});
    this.tags = tagsOf(config);
    this.protect = config.profile !== "small";
  }
}
