import type { Path } from "../kv/path.ts";
import { Problem } from "./problems.ts";
import type { Service } from "./service.ts";

/** Where a write must be committed before it is answered: in this cloud, in one other cloud too, or in every member. */
export type Durability = "local" | "peer" | "all";

/** Milliseconds that other clouds have to confirm a write after it was committed here. */
const confirmTimeout = 5000;

/** The level of a request: its own, or its namespace's default. Throws where there is no other cloud for it. */
export function durabilityOf({ peers }: Service, text: string | undefined, byDefault: Durability): Durability {
  const level = text ?? byDefault;
  if (level === "local") return level;
  if (level !== "peer" && level !== "all") {
    throw new Problem(
      "bad-parameter",
      `expected KV-Durability local, peer or all, found ${JSON.stringify(level.slice(0, 40))}`,
    );
  }
  if (peers === null)
    throw new Problem("no-peers", `KV-Durability ${level} needs another cloud, and there is none; use local`);
  return level;
}

/** Whether these keys, just written, are committed where the level wants them. Waits for it, but not for ever. */
export async function isConfirmed({ peers }: Service, level: Durability, paths: readonly Path[]): Promise<boolean> {
  if (level === "local" || paths.length === 0) return true;
  return peers!.replication.confirm(paths, level, confirmTimeout);
}

/** The 504 of a write that is committed here and perhaps elsewhere. `members` say which versions. */
export function unconfirmed(
  level: Durability,
  members: Record<string, unknown>,
  headers: Record<string, string> = {},
): Problem {
  const who = level === "all" ? "not every other cloud has" : "no other cloud has";
  return new Problem(
    "unconfirmed",
    `written in this cloud, and on its way to the others; ${who} confirmed it within ${confirmTimeout / 1000} s. Repeat it with its Idempotency-Key to wait again, or read it there`,
    members,
    { "KV-Durability": "local", ...headers },
  );
}
