import type { AzureConfig } from "../config/azure.ts";
import type { Keys } from "./keys.ts";
import type { Network } from "./network.ts";
import type { Place } from "./place.ts";
import type { PrivateDns } from "./private-dns.ts";

/** What each entity of this cloud must know. */
export type EntityArgs = {
  readonly config: AzureConfig;
  readonly place: Place;
  readonly network: Network;
  readonly dns: PrivateDns;
  readonly keys: Keys;
};
