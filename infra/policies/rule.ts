/** What a policy is made of. Its level is no part of it: `production.json` and `small.json` have the levels. */
import type { Condition } from "./condition.ts";
import type { Values } from "./value.ts";

export type Severity = "low" | "medium" | "high" | "critical";

type About = {
  /** Starts with the cloud: `aws-`, `gcp-`, `azure-`, `k8s-`, `edge-`, or `all-`. */
  readonly name: string;
  readonly severity: Severity;
  /** Ends the sentence "Protects from …". */
  readonly protects: string;
  /** Identifiers of public catalogues: checkov's (CKV), AWS's FSBP, CIS. Empty where no catalogue has the rule. */
  readonly standard: string;
  /** What to write. */
  readonly fix: string;
};

/** Asked of each resource of some types, before it is made. */
export type ResourceRule = About & {
  /** Type tokens of the SDKs. */
  readonly types: readonly string[];
  readonly conditions: readonly Condition[];
  /** What only admission to a cluster has to know of it: see `admission.ts`. */
  readonly admission?:
    | {
        /** CEL of an `object` that is not asked, since Kubernetes makes it by itself. */
        readonly unless: string;
      }
    | {
        /** Why the rule is not asked there. */
        readonly never: string;
      };
};

/** Asked of all resources of a stack together: what joins several. */
export type StackRule = About & {
  /** The first is what the rule is about; none where it is about everything. */
  readonly types: readonly string[];
  readonly judge: (resources: readonly Resource[]) => readonly Problem[];
  /** What the tests try: each list is a stack. */
  readonly examples: {
    readonly right: readonly Resource[];
    readonly wrong: readonly Resource[];
    readonly absent: { readonly stack: readonly Resource[]; readonly holds: boolean };
    readonly unknown: { readonly stack: readonly Resource[]; readonly holds: boolean };
  };
};

export type Rule = ResourceRule | StackRule;

export type Resource = {
  readonly type: string;
  readonly urn: string;
  readonly values: Values;
  /** URN of the parent, null for the stack itself. */
  readonly parent: string | null;
  /** By property, URNs of the resources that its value comes from. */
  readonly sources: Readonly<Record<string, readonly string[]>>;
};

export type Problem = { readonly urn: string; readonly text: string };

export function isStackRule(rule: Rule): rule is StackRule {
  return "judge" in rule;
}
