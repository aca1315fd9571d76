/**
 * A rule with all that identifies it: without a `ref` of its own, a rule gets another id whenever one before it changes, and
 * without the others each preview shows changes.
 */
export type Rule = {
  readonly ref: string;
  readonly description: string;
  readonly enabled: true;
  readonly action: "block" | "execute" | "set_cache_settings" | "skip";
  /** In Cloudflare's rules language. */
  readonly expression: string;
  readonly actionParameters?: {
    /** Of the ruleset to execute. */
    readonly id?: string;
    /** What to skip. */
    readonly ruleset?: "current";
    readonly cache?: boolean;
    readonly respectStrongEtags?: boolean;
    readonly edgeTtl?: { readonly mode: string; readonly default?: number };
    readonly browserTtl?: { readonly mode: string };
  };
  /** Seconds. */
  readonly ratelimit?: {
    readonly characteristics: string[];
    readonly countingExpression?: string;
    readonly period: number;
    readonly requestsPerPeriod: number;
    readonly mitigationTimeout: number;
    readonly requestsToOrigin: boolean;
  };
  readonly logging?: { readonly enabled: boolean };
};

/** Requests for the store, and not for other names of the zone. */
export function forStore(domain: string): string {
  return `http.host eq "${domain}"`;
}

/** Requests for the API. */
export function forApi(domain: string): string {
  return `${forStore(domain)} and starts_with(http.request.uri.path, "/v1/")`;
}
