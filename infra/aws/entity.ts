import type { PlatformArgs } from "../cloud.ts";
import type { AwsConfig } from "../config/aws.ts";

/** What each entity of this cloud must know. */
export type EntityArgs = Pick<PlatformArgs<AwsConfig>, "config" | "tags" | "protect">;
