import { createHash, hash, randomBytes, timingSafeEqual } from "node:crypto";
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from "jose";
import type { Now } from "../kv/clock.ts";
import type { ApiKeyRecord, Store } from "../store/port.ts";
import { Problem } from "./problems.ts";
import type { RateLimit } from "./rate-limits.ts";

export type Verb = "read" | "write" | "admin";

/** Who asks, and what they may do. */
export type Principal = {
  /** `key:<id>` or `jwt:<subject>`: names rate limits and idempotency scopes. */
  readonly id: string;
  readonly scopes: readonly Scope[];
  readonly limit: RateLimit | null;
};

type Known = { readonly principal: Principal | null; readonly until: number };

type Scope = { readonly verb: Verb; readonly namespace: string; readonly prefix: boolean };

export type JwtOptions = { readonly issuer: string; readonly audience: string; readonly jwksUrl: string };

/** Milliseconds that a verified credential is believed: so long a revocation takes in this cloud. */
const maxAge = 5000;
/** Credentials that are remembered, refused ones too, so that guessing costs no database reads. */
const maxRemembered = 10_000;

const keyPattern = /^skykv_([A-Za-z0-9-]{12})_([A-Za-z0-9-]{43})$/;

/** Finds out who asks: API keys from the store, JWTs of one OIDC issuer. Verified ones are remembered for seconds. */
export class Auth {
  readonly #store: Store;
  readonly #now: Now;
  readonly #monotonic: Now;
  readonly #jwt: { readonly options: JwtOptions; readonly keys: ReturnType<typeof createRemoteJWKSet> } | null;
  readonly #known = new Map<string, Known>();
  /** One look per credential at a time: all requests of a busy client find it forgotten in the same moment. */
  #looking = new Map<string, Promise<Principal | null>>();

  constructor(store: Store, now: Now, monotonic: Now, jwt: JwtOptions | null) {
    this.#store = store;
    this.#now = now;
    this.#monotonic = monotonic;
    this.#jwt = jwt && { options: jwt, keys: createRemoteJWKSet(new URL(jwt.jwksUrl), { timeoutDuration: 3000 }) };
  }

  /** Without waiting; undefined when it must be found out. The memory is keyed by digest: it holds no secrets. */
  peek(authorization: string): Principal | null | undefined {
    const known = this.#known.get(digest(authorization));
    return known !== undefined && known.until > this.#monotonic() ? known.principal : undefined;
  }

  /** Null when the credential is not valid. Rejects with the store's errors. */
  async find(authorization: string): Promise<Principal | null> {
    const name = digest(authorization);
    const known = this.#known.get(name);
    if (known !== undefined && known.until > this.#monotonic()) return known.principal;
    let looking = this.#looking.get(name);
    if (looking === undefined) {
      const all = this.#looking;
      looking = this.#look(name, authorization).finally(() => all.delete(name));
      all.set(name, looking);
    }
    return looking;
  }

  /** Some key has changed, whichever it was: all are looked up anew, also those that are being looked up now. */
  forgetAll(): void {
    this.#known.clear();
    this.#looking = new Map();
  }

  async #look(name: string, authorization: string): Promise<Principal | null> {
    const all = this.#looking;
    const token = /^Bearer +(\S{1,8192}) *$/i.exec(authorization)?.[1];
    const found =
      token === undefined ? null : token.startsWith("skykv_") ? await this.#apiKey(token) : await this.#jwtOf(token);
    const principal = found?.principal ?? null;
    // Looked up before everything was forgotten: it may be what has changed.
    if (all !== this.#looking) return principal;
    if (this.#known.size >= maxRemembered) this.#known.clear();
    const until = this.#monotonic() + Math.min(maxAge, (found?.expiresAt ?? Number.POSITIVE_INFINITY) - this.#now());
    this.#known.set(name, { principal, until });
    return principal;
  }

  async #apiKey(token: string) {
    const parts = keyPattern.exec(token);
    if (parts === null) return null;
    const record = await this.#store.apiKey(parts[1]!);
    // Compares also when there is no such key, so that ids cannot be told apart by time.
    const matches = timingSafeEqual(hashSecret(parts[2]!), record?.hash ?? Buffer.alloc(32));
    if (!matches || record === null || record.revokedAt !== null) return null;
    if (record.expiresAt !== null && record.expiresAt <= this.#now()) return null;
    // Those of a newer release are passed over.
    const scopes = record.scopes.filter((scope) => scopePattern.test(scope)).map(parseScope);
    const id = `key:${record.id}`;
    const limit = record.rateLimit && { name: id, ...record.rateLimit };
    return { expiresAt: record.expiresAt, principal: { id, scopes, limit } };
  }

  async #jwtOf(token: string) {
    if (this.#jwt === null) return null;
    const { issuer, audience } = this.#jwt.options;
    let payload: JWTPayload;
    try {
      const currentDate = new Date(this.#now());
      const allowed = {
        issuer,
        audience,
        currentDate,
        requiredClaims: ["exp", "sub"],
        algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
      };
      ({ payload } = await jwtVerify(token, this.#jwt.keys, allowed));
    } catch {
      return null;
    }
    // `scope` is the OAuth claim: names parted by spaces. Others than ours are passed over.
    const scopes = String(payload.scope ?? "")
      .split(" ")
      .filter((text) => scopePattern.test(text))
      .map(parseScope);
    return { expiresAt: payload.exp! * 1000, principal: { id: `jwt:${payload.sub}`, scopes, limit: null } };
  }
}

const scopePattern = /^(read|write|admin):([a-z0-9._-]*)(\*?)$/;

export function parseScope(text: string): Scope {
  const [, verb, namespace, star] = scopePattern.exec(text)!;
  return { verb: verb as Verb, namespace: namespace!, prefix: star === "*" };
}

export function may(principal: Principal, verb: Verb, namespace: string): boolean {
  for (const scope of principal.scopes) {
    if (scope.verb !== verb) continue;
    if (scope.prefix ? namespace.startsWith(scope.namespace) : namespace === scope.namespace) return true;
  }
  return false;
}

/** Whether `principal` is `admin` of everything that `scope` reaches, and so may give it to others. */
export function mayGrant(principal: Principal, scope: string): boolean {
  if (!scopePattern.test(scope)) return false;
  const { namespace, prefix } = parseScope(scope);
  return principal.scopes.some((own) => {
    if (own.verb !== "admin") return false;
    return own.prefix ? namespace.startsWith(own.namespace) : !prefix && own.namespace === namespace;
  });
}

export function unauthorized(found: boolean): Problem {
  const detail = found
    ? "the credential is unknown, expired or revoked"
    : "expected Authorization: Bearer with an API key or a token";
  return new Problem(
    "unauthorized",
    detail,
    {},
    { "WWW-Authenticate": `Bearer realm="skykv"${found ? ', error="invalid_token"' : ""}` },
  );
}

export function forbidden(verb: Verb, namespace: string): Problem {
  return new Problem("forbidden", `expected the scope ${verb}:${namespace}; the credential does not have it`, {
    scope: `${verb}:${namespace}`,
  });
}

function digest(authorization: string): string {
  return hash("sha256", authorization, "base64");
}

/** 256 random bits need no slow hash. */
function hashSecret(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

/** A new API key: what the holder gets, and what is kept. `_` parts the three, so ids and secrets have none. */
export function newApiKey(): { readonly token: string; readonly id: string; readonly hash: Buffer } {
  const id = random(9, 12);
  const secret = random(33, 43);
  return { token: `skykv_${id}_${secret}`, id, hash: hashSecret(secret) };
}

function random(bytes: number, length: number): string {
  for (;;) {
    const text = randomBytes(bytes).toString("base64url").slice(0, length);
    if (!text.includes("_")) return text;
  }
}

/** The record of an admin key that is given by configuration. Throws when the token is not of the right form. */
export function adminKeyRecord(token: string, now: number): ApiKeyRecord {
  const parts = keyPattern.exec(token);
  if (parts === null) throw new Error("expected skykv_<12 characters>_<43 characters> of A-Z a-z 0-9 and -");
  const scopes = ["read:*", "write:*", "admin:*"];
  return {
    id: parts[1]!,
    hash: hashSecret(parts[2]!),
    name: "admin",
    scopes,
    rateLimit: null,
    createdAt: now,
    expiresAt: null,
    revokedAt: null,
  };
}
