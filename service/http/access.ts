import { forbidden, may, type Principal, unauthorized, type Verb } from "./auth.ts";
import type { Exchange } from "./exchange.ts";
import type { Namespace } from "./namespaces.ts";
import { Problem } from "./problems.ts";
import type { Service } from "./service.ts";

/** A request that may go on: who asks (null: an anonymous read of a public namespace), and what of. */
export type Access = { readonly principal: Principal | null; readonly namespace: Namespace };

/** Who asks. Throws 401 without a valid credential, 429 when its limit is spent; counts an exchange once. */
export async function identify(service: Service, exchange: Exchange): Promise<Principal> {
  if (exchange.principal !== null) return exchange.principal;
  const { authorization } = exchange.req.headers;
  if (authorization === undefined) throw unauthorized(false);
  const principal = service.auth.peek(authorization) ?? (await service.auth.find(authorization));
  if (principal === null) throw unauthorized(true);
  exchange.principal = principal;
  if (principal.limit !== null) spend(service, exchange, principal.limit);
  return principal;
}

/** {@link access} where credential and namespace are remembered; null when they must be asked for. */
export function accessNow(service: Service, exchange: Exchange, verb: Verb, name: string): Access | null {
  const { authorization } = exchange.head;
  const principal = authorization === undefined ? null : service.auth.peek(authorization);
  const namespace = service.namespaces.peek(name);
  if (principal == null || namespace === undefined || !may(principal, verb, name)) return null;
  if (principal.limit !== null) spend(service, exchange, principal.limit);
  if (namespace.limit !== null) spend(service, exchange, namespace.limit);
  return { principal, namespace };
}

/** Checks credential, scope and rate limits, in that order; throws 401, 403, 404 or 429. */
export async function access(
  service: Service,
  exchange: Exchange,
  verb: Verb | readonly Verb[],
  name: string,
): Promise<Access> {
  const principal = await identify(service, exchange);
  for (const one of typeof verb === "string" ? [verb] : verb) {
    if (!may(principal, one, name)) throw forbidden(one, name);
  }
  const namespace = service.namespaces.peek(name) ?? (await service.namespaces.get(name));
  if (namespace.limit !== null) spend(service, exchange, namespace.limit);
  return { principal, namespace };
}

/** Access to read an entry, which without a credential is granted where the namespace is public. */
export async function accessEntry(service: Service, exchange: Exchange, name: string): Promise<Access> {
  if (exchange.req.headers.authorization !== undefined) return access(service, exchange, "read", name);
  const namespace = await service.namespaces.get(name).catch((error) => {
    // Without a credential nobody learns which namespaces there are.
    throw error instanceof Problem ? unauthorized(false) : error;
  });
  if (!namespace.settings.public_read) throw unauthorized(false);
  if (namespace.limit !== null) spend(service, exchange, namespace.limit);
  return { principal: null, namespace };
}

/** What every answer must say of it is kept with the exchange. */
function spend(service: Service, exchange: Exchange, limit: NonNullable<Namespace["limit"]>): void {
  exchange.limits = service.rateLimits.spend(limit, exchange.limits);
}
