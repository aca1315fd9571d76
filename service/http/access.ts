import { forbidden, may, type Principal, unauthorized, type Verb } from "./auth.ts";
import type { Exchange } from "./exchange.ts";
import type { Namespace } from "./namespaces.ts";
import { Problem } from "./problems.ts";
import type { Service } from "./service.ts";

/** A request that may go on: who asks (null: an anonymous read of a public namespace), and what of. */
export type Access = {
  readonly principal: Principal | null;
  readonly namespace: Namespace;
  readonly limits: Readonly<Record<string, string>> | null;
};

/** Who asks. Throws 401 without a valid credential. */
export async function identify(service: Service, exchange: Pick<Exchange, "req">): Promise<Principal> {
  const { authorization } = exchange.req.headers;
  if (authorization === undefined) throw unauthorized(false);
  const principal = service.auth.peek(authorization) ?? (await service.auth.find(authorization));
  if (principal === null) throw unauthorized(true);
  return principal;
}

/** Checks credential, scope and rate limits, in that order; throws 401, 403, 404 or 429. */
export async function access(
  service: Service,
  exchange: Pick<Exchange, "req">,
  verb: Verb | readonly Verb[],
  name: string,
): Promise<Access> {
  const principal = await identify(service, exchange);
  for (const one of typeof verb === "string" ? [verb] : verb) {
    if (!may(principal, one, name)) throw forbidden(one, name);
  }
  const namespace = service.namespaces.peek(name) ?? (await service.namespaces.get(name));
  return { principal, namespace, limits: spend(service, principal, namespace) };
}

/** Access to read an entry, which without a credential is granted where the namespace is public. */
export async function accessEntry(service: Service, exchange: Pick<Exchange, "req">, name: string): Promise<Access> {
  if (exchange.req.headers.authorization !== undefined) return access(service, exchange, "read", name);
  const namespace = await service.namespaces.get(name).catch((error) => {
    // Without a credential nobody learns which namespaces there are.
    throw error instanceof Problem ? unauthorized(false) : error;
  });
  if (!namespace.settings.public_read) throw unauthorized(false);
  return { principal: null, namespace, limits: spend(service, null, namespace) };
}

/** The tighter of the two limits is told. */
function spend(service: Service, principal: Principal | null, { name, settings }: Namespace) {
  const ofNamespace =
    settings.rate_limit === null ? null : service.rateLimits.spend(`namespace:${name}`, settings.rate_limit);
  const ofKey = principal?.rateLimit == null ? null : service.rateLimits.spend(principal.id, principal.rateLimit);
  return ofKey ?? ofNamespace;
}

/** Headers that tell of the limits, as a flat list. */
export function limitHeaders({ limits }: Access): string[] {
  return limits === null ? [] : Object.entries(limits).flat();
}
