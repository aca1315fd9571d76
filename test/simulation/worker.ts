/** A thread of a campaign: runs the seeds that it is sent, one after the other, with the fault in the program that it was told of. */
import { parentPort, workerData } from "node:worker_threads";
import { mutate } from "./mutations.ts";
import type { Plan } from "./simulate.ts";

if (workerData.mutation !== null) mutate(workerData.mutation);
// Loaded only now, with the fault in it.
const { simulate } = await import("./simulate.ts");
parentPort!.on("message", async (plan: Plan) => parentPort!.postMessage(await simulate(plan)));
