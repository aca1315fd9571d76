/** What the API sends, taken from the schemas by which the service validates: the console cannot drift from it. */
import type { z } from "zod";
import type * as contract from "../../http/schemas.ts";

export type Entry = z.output<typeof contract.entry>;
export type Page = z.output<typeof contract.page>;
export type WatchEvent = z.output<typeof contract.watchEvent>;
export type Settings = z.output<typeof contract.settings>;
export type Namespace = z.output<typeof contract.namespace>;
export type ApiKey = z.output<typeof contract.apiKey>;
export type NewApiKey = z.output<typeof contract.newKey>;
export type CreatedApiKey = z.output<typeof contract.createdKey>;
export type Cluster = z.output<typeof contract.cluster>;
export type Conflict = z.output<typeof contract.conflict>;
export type Problem = z.output<typeof contract.problem>;
