/**
 * The service with a clock that is `SKEW_MS` milliseconds ahead of the machine's, and in a cloud with peers a floor that
 * stays `FLOOR_AGE_MS` behind, so that deletions are forgotten while a test looks on.
 */
import { readConfig } from "../../service/config.ts";
import { startService } from "../../service/main.ts";

const skew = Number(process.env.SKEW_MS);
const floorAge = process.env.FLOOR_AGE_MS;
const running = await startService(readConfig(process.env), {
  now: () => Date.now() + skew,
  ...(floorAge && { floorAge: Number(floorAge) }),
});
process.once("SIGTERM", () => void running.close().then(() => process.exit(0)));
