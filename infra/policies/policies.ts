/** Rules as Pulumi takes them. */
import {
  type Policies,
  type PolicyResource,
  type ReportViolation,
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  type StackValidationArgs,
  type StackValidationPolicy,
  UnknownValueError,
} from "@pulumi/policy";
import { problemOf } from "./condition.ts";
import { type Exception, exceptionsSchema, withExceptions } from "./exceptions.ts";
import { canRemedy, remedy } from "./remedy.ts";
import { isStackRule, type Resource, type ResourceRule, type Rule, type StackRule } from "./rule.ts";
import { subjectOf } from "./subject.ts";
import { unguarded, type Values } from "./value.ts";

/** `today` says the day as `2027-01-31`. */
export function policiesOf(rules: readonly Rule[], today: () => string): Policies {
  return rules.map((rule) => {
    const about = {
      name: rule.name,
      description: `Protects from ${rule.protects}.`,
      severity: rule.severity,
      remediationSteps: rule.fix,
      tags: rule.standard === "" ? [] : rule.standard.split(", "),
      configSchema: exceptionsSchema as unknown as NonNullable<ResourceValidationPolicy["configSchema"]>,
    };
    return isStackRule(rule) ? stackPolicy(rule, about, today) : resourcePolicy(rule, about, today);
  });
}

type About = Omit<
  ResourceValidationPolicy & StackValidationPolicy,
  "validateResource" | "remediateResource" | "validateStack"
>;
type Today = () => string;

function resourcePolicy(rule: ResourceRule, about: About, today: Today): ResourceValidationPolicy {
  const validate = (args: ResourceValidationArgs, report: ReportViolation) => {
    if (!rule.types.includes(args.type)) return;
    const values = subjectOf(args.type, inputsOf(args.props), args.opts.protect);
    for (const text of problemsOf(rule, values)) {
      tell(rule, { urn: args.urn, text }, args.getConfig<Config>(), today(), report);
    }
  };
  // Pulumi then asks for resources of this type only, instead of unpacking each resource for each rule.
  const [type] = rule.types;
  const remediate = (args: ResourceValidationArgs) => {
    if (!rule.types.includes(args.type)) return undefined;
    const values = subjectOf(args.type, inputsOf(args.props), args.opts.protect);
    return remedy(rule, values, args.props) ? args.props : undefined;
  };
  return {
    ...about,
    validateResource: rule.types.length === 1 ? Object.assign(validate, { __pulumiType: type }) : validate,
    ...(canRemedy(rule) ? { remediateResource: remediate } : {}),
  };
}

/** What a resource rule finds wrong in the values of a resource. */
export function problemsOf(rule: ResourceRule, values: Values): readonly string[] {
  return rule.conditions.map((condition) => problemOf(condition, values)).filter((problem) => problem !== null);
}

function stackPolicy(rule: StackRule, about: About, today: Today): StackValidationPolicy {
  const validate = (args: StackValidationArgs, report: ReportViolation) => {
    const problems = rule.judge(args.resources.map(resourceOf));
    for (const problem of problems) tell(rule, problem, args.getConfig<Config>(), today(), report);
  };
  // The first type is what the rule is about: a stack without any is not even unpacked.
  const [type] = rule.types;
  return { ...about, validateStack: type === undefined ? validate : Object.assign(validate, { __pulumiType: type }) };
}

type Config = { readonly exceptions?: readonly Exception[] };

function tell(
  rule: Rule,
  { urn, text }: { urn: string; text: string },
  config: Config,
  today: string,
  report: ReportViolation,
) {
  const problem = withExceptions(text, urn, config.exceptions ?? [], today);
  if (problem !== null) report(`${problem}. Write: ${rule.fix}`, urn);
}

function resourceOf({ type, urn, props, opts, parent, propertyDependencies }: PolicyResource): Resource {
  const sources = Object.entries(propertyDependencies).map(
    ([name, from]) => [name, from.map((one) => one.urn)] as const,
  );
  return {
    type,
    urn,
    values: subjectOf(type, inputsOf(props), opts.protect),
    parent: parent?.urn ?? opts.parent ?? null,
    sources: Object.fromEntries(sources),
  };
}

function inputsOf(props: Record<string, unknown>): Values {
  return unguarded(props, (error) => error instanceof UnknownValueError) as Values;
}
