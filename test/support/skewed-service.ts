/** The service with a clock that is `SKEW_MS` milliseconds ahead of the machine's. */
import { readConfig } from "../../service/config.ts";
import { startService } from "../../service/main.ts";

const skew = Number(process.env.SKEW_MS);
const running = await startService(readConfig(process.env), { now: () => Date.now() + skew });
process.once("SIGTERM", () => void running.close().then(() => process.exit(0)));
