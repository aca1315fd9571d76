/** Resources that a rule is not asked of, for a reason and for some time. They stand in the configuration of the rule. */

export type Exception = {
  /** `TYPE::NAME`, the end of a URN: `aws:sqs/queue:Queue::queue-dead`. */
  readonly resource: string;
  readonly reason: string;
  /** The last day on which it counts, such as `2027-03-31`. */
  readonly until: string;
};

/** How an exception looks to Pulumi, which checks the configuration against it. */
export const exceptionsSchema = {
  properties: {
    exceptions: {
      type: "array",
      items: {
        type: "object",
        required: ["resource", "reason", "until"],
        additionalProperties: false,
        properties: {
          resource: { type: "string", pattern: "^[^ ]+:[^ ]+::.+$" },
          reason: { type: "string", minLength: 10 },
          until: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}$" },
        },
      },
    },
  },
} as const;

/**
 * What is left of a problem of a resource: null where an exception holds on the day `today` (`2027-01-31`), the problem
 * and the end of the exception where that is over.
 */
export function withExceptions(
  problem: string,
  urn: string,
  exceptions: readonly Exception[],
  today: string,
): string | null {
  const exception = exceptions.find(({ resource }) => urn.endsWith(`$${resource}`) || urn.endsWith(`::${resource}`));
  if (exception === undefined) return problem;
  return exception.until >= today ? null : `${problem}. The exception for it ended on ${exception.until}`;
}
