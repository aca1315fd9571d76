import type { Logger } from "pino";
import { Counter, type Registry } from "prom-client";
import type { Config } from "../config.ts";
import { localHints } from "./local.ts";
import type { HintEvents, Hints } from "./port.ts";
import { PostgresHints } from "./postgres.ts";
import { RabbitHints } from "./rabbitmq.ts";

/**
 * The queue of hints that the configuration asks for. Without one, a process that replicates itself need not tell others; those
 * that leave it to other processes tell them through the database.
 */
export function openHints(config: Config, registry: Registry, log: Logger): Hints {
  if (config.PEERS.size === 0) return localHints();
  const events = eventsTo(registry, log);
  if (config.QUEUE_URL) {
    // Named by the cloud: clouds on one machine may share a broker, and hints of one are nothing to another.
    return new RabbitHints({ url: config.QUEUE_URL, queue: `hints.${config.SKYKV_CLOUD}`, ...events });
  }
  return config.ROLE === "all" ? localHints() : new PostgresHints({ url: config.DATABASE_URL, ...events });
}

function eventsTo(registry: Registry, log: Logger): HintEvents {
  const hints = new Counter({
    name: "skykv_hints_total",
    help: "Hints that this process sent to its cloud's queue or received from it; failed: attempts to reach the queue",
    labelNames: ["result"],
    registers: [registry],
  });
  return {
    onSent: () => hints.inc({ result: "sent" }),
    onReceived: () => hints.inc({ result: "received" }),
    onTrouble: (error) => {
      hints.inc({ result: "failed" });
      log.warn({ err: error }, "the queue of hints cannot be reached; changes are found by looking each second");
    },
  };
}
