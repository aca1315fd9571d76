/** Rules as Kubernetes takes them: policies of its API server, which asks them of whatever is made or changed, by whomever. */
import { podVariables, toCel } from "./cel.ts";
import { demandOf } from "./condition.ts";
import { type Level, type Levels, levelOf } from "./levels.ts";
import { isStackRule, type ResourceRule, type Rule } from "./rule.ts";
import { rules } from "./rules/rules.ts";

/** Why kinds that lie in no namespace are left out. */
export const neverOfCluster = "the kind belongs to the whole cluster, and others have theirs there";

/** Rules that are about objects of Kubernetes, with why they are not asked at admission: null where they are. */
export const kubernetesRules: readonly { readonly rule: Rule; readonly never: string | null }[] = rules
  .filter(({ types }) => types.some((type) => type.startsWith("kubernetes:")))
  .map((rule) => ({ rule, never: neverOf(rule) }));

export const admissionRules: readonly ResourceRule[] = kubernetesRules.flatMap(({ rule, never }) =>
  never === null && !isStackRule(rule) ? [rule] : [],
);

function neverOf(rule: Rule): string | null {
  if (isStackRule(rule)) return "it joins several objects, and admission sees one";
  if (typesAtAdmission(rule).length === 0) return neverOfCluster;
  return rule.admission !== undefined && "never" in rule.admission ? rule.admission.never : null;
}

/** Those that lie in a namespace, or are one: a policy can be kept to ours. */
export function typesAtAdmission({ types }: ResourceRule): readonly string[] {
  return types.filter((type) => !/:(Cluster\w+|NodeClass)$/.test(type));
}

/** The spec of a ValidatingAdmissionPolicy. */
export function policySpec(rule: ResourceRule) {
  const types = typesAtAdmission(rule);
  const ofPods = rule.conditions.some(({ path }) => path.startsWith("$pod"));
  return {
    // An expression that fails has judged nothing. The server runs it by itself, so nothing that may be down is waited for.
    failurePolicy: "Fail",
    matchConstraints: {
      resourceRules: types.map((type) => ({ ...resourceOf(type), operations: ["CREATE", "UPDATE"] })),
    },
    matchConditions: [
      // What is wrong and goes must be able to: taking its finalizers away is a change.
      { name: "stays", expression: "!has(object.metadata.deletionTimestamp)" },
      ...(rule.admission !== undefined && "unless" in rule.admission
        ? [{ name: "not-by-kubernetes", expression: `!(${rule.admission.unless})` }]
        : []),
    ],
    ...(ofPods && { variables: podVariables(types) }),
    validations: rule.conditions.map((condition) => ({
      expression: toCel(condition),
      message: `${rule.name}: ${demandOf(condition)}. Protects from ${rule.protects}. Write: ${rule.fix}`,
    })),
  };
}

/** `kubernetes:apps/v1:Deployment` as rules of admission name it. */
function resourceOf(type: string) {
  const [, groupAndVersion = "", kind = ""] = type.split(":");
  const [group = "", version = ""] = groupAndVersion.split("/");
  return {
    apiGroups: [group === "core" ? "" : group],
    apiVersions: [version],
    resources: [`${kind.toLowerCase()}s`],
  };
}

/**
 * The spec of a ValidatingAdmissionPolicyBinding, but for the name of its policy: to whom that speaks, and how loudly. One that is
 * disabled leaves a line in the audit log. It is not taken away: Pulumi does so after all else, and what needs it gone would be
 * refused before.
 */
export function bindingSpec(level: Level, namespaces: readonly string[]) {
  return {
    validationActions: [actions[level]],
    matchResources: {
      namespaceSelector: {
        matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: [...namespaces] }],
      },
    },
  };
}

/** The level of a rule at admission. Exceptions name resources of Pulumi, which admission does not know: a rule with one warns. */
export function admissionLevel(levels: Levels, rule: string): Level {
  const setting = levels[rule];
  const excepted = typeof setting === "object" && (setting.exceptions ?? []).length > 0;
  const level = levelOf(levels, rule);
  return excepted && level !== "disabled" ? "advisory" : level;
}

const actions: Readonly<Record<Level, string>> = {
  mandatory: "Deny",
  remediate: "Deny",
  advisory: "Warn",
  disabled: "Audit",
};
