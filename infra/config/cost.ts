import { z } from "zod";
import { loads } from "./load.ts";
import type { Profile } from "./shared.ts";

const share = z.number().min(0).max(1);

/** `cost`: what a month may cost, and the load that it is worked out for. It changes nothing that is built. */
export const cost = (profile: Profile) => {
  const usual = loads[profile];
  return z
    .strictObject({
      budget: z
        .number()
        .positive()
        .optional()
        .describe("USD a month for this stack. The plan fails where it costs more"),
      load: z
        .strictObject({
          reads: z.number().min(0).default(usual.reads).describe("A second, of all clouds together"),
          writes: z.number().min(0).default(usual.writes).describe("A second, of all clouds together"),
          valueBytes: z.number().min(0).default(usual.valueBytes).describe("Of a value, on average"),
          cacheHits: share.default(usual.cacheHits).describe("Share of reads that do not ask the database"),
          storedGb: z.number().min(0).default(usual.storedGb).describe("Entries in each cloud when the month begins"),
          newKeys: share.default(usual.newKeys).describe("Share of writes whose keys are new and stay"),
          logGb: z.number().min(0).default(usual.logGb).describe("GB of logs a month in each cloud"),
        })
        .prefault({}),
    })
    .prefault({});
};
