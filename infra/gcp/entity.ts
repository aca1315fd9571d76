import type { GcpConfig } from "../config/gcp.ts";
import type { Keys } from "./keys.ts";
import type { Labels } from "./labels.ts";
import type { Services } from "./services.ts";

/** What each entity of this cloud must know. */
export type EntityArgs = {
  readonly config: GcpConfig;
  readonly labels: Labels;
  /** Whether what holds data is protected from deletion. */
  readonly protect: boolean;
  /** A physical name of this stack's own, for services where Pulumi makes none up. */
  readonly nameOf: (longest: number, word: string) => string;
  readonly services: Services;
  readonly keys: Keys;
};

/** Ids of service accounts are the shortest names here. */
export const longestAccountId = 30;
