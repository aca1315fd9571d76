/** What a rule says of a resource. */
export type Verdict = {
  readonly rule: string;
  /** `mandatory` stops `pulumi up`; `remediated` says that the pack would change the resource by itself. */
  readonly level: "advisory" | "mandatory" | "remediated";
  readonly severity: "low" | "medium" | "high" | "critical";
  /** Of the resource; null where the whole stack is meant. */
  readonly urn: string | null;
  readonly message: string;
};
