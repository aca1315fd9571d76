/** What all writes have in common, whether they come one by one or in JSON. */
import { createHash } from "node:crypto";
import { type Expiry, needsCurrent, type Operation } from "../kv/decide.ts";
import { type Path, pathOf } from "../kv/path.ts";
import type { Session } from "../kv/session.ts";
import type { Step } from "../store/jobs.ts";
import type { Principal } from "./auth.ts";
import type { Namespace } from "./namespaces.ts";
import type { Service } from "./service.ts";

/** `?ttl=`, `?keep_ttl=1` or the namespace's default. */
export function expiryOf(
  timing: { readonly ttl?: number | null; readonly keep_ttl?: boolean },
  { settings }: Namespace,
  now: number,
): Expiry {
  const byDefault = settings.default_ttl === null ? null : now + Math.round(settings.default_ttl * 1000);
  if (timing.keep_ttl) return { keep: true, otherwise: byDefault };
  if (timing.ttl === undefined) return { at: byDefault };
  return { at: timing.ttl === null ? null : now + timing.ttl };
}

/** One key's part of a write, decided on what the process knows of the namespace. */
export function stepOn<Kind extends Step["operation"]>(
  { name, epoch, homeEpoch }: Namespace,
  key: string,
  operation: Kind,
) {
  return { path: pathOf(name, key), epoch, ...(homeEpoch > 0n && { homeEpoch }), operation };
}

/** Whose Idempotency-Key it is, and for what: the same key elsewhere is another one. */
export function receiptScope(
  principal: Principal | null,
  namespace: string,
  method: string,
  route: string,
  idempotencyKey: string,
): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([principal?.id, namespace, method, route, idempotencyKey]))
    .digest();
}

/**
 * Before a write of a session: it gets a version above all that the session has seen, so that it wins over that in every
 * cloud, and is decided on nothing older. A plain write depends on nothing, and so does not wait for other clouds.
 */
export async function prepareWrite(
  { sessions }: Service,
  path: Path,
  operation: Operation,
  session: Session | null,
): Promise<void> {
  if (session === null) return;
  sessions.observe(session);
  if (needsCurrent(operation)) await sessions.prepare(path, session);
}
