/** Has a policy pack judge a plan, as an engine does in a preview. */
import analyzer from "@pulumi/pulumi/proto/analyzer_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Level } from "../../policies/levels.ts";
import { encode, reveal, type Values } from "../engine/values.ts";
import type { Plan, PlannedResource } from "../resource.ts";
import { readLevels, type Setting } from "./levels.ts";
import type { Pack } from "./pack.ts";
import type { Verdict } from "./verdict.ts";

/** Sets the levels of a pack from a file: see `readLevels`. */
export async function configure(pack: Pack, file: string): Promise<void> {
  const info = await pack.call<InstanceType<typeof analyzer.AnalyzerInfo>>("getAnalyzerInfo", new empty.Empty());
  const rules = info.getPoliciesList().map((policy) => policy.getName());
  const settings = await readLevels(file, rules);
  const all = settings.get("all")?.level;
  const request = new analyzer.ConfigureAnalyzerRequest();
  for (const policy of info.getPoliciesList()) {
    const name = policy.getName();
    const { level = all, exceptions = [] }: Partial<Setting> = settings.get(name) ?? {};
    const config = new analyzer.PolicyConfig();
    config.setEnforcementlevel(level === undefined ? policy.getEnforcementlevel() : levels[level]);
    config.setProperties(
      structOf(exceptions.length === 0 ? {} : { exceptions: exceptions.map((one) => ({ ...one })) }),
    );
    request.getPolicyconfigMap().set(name, config);
  }
  await pack.call("configure", request);
  pack.remediates = [...settings.values()].some(({ level }) => level === "remediate");
}

const levels: Readonly<Record<Level, number>> = {
  advisory: analyzer.EnforcementLevel.ADVISORY,
  mandatory: analyzer.EnforcementLevel.MANDATORY,
  disabled: analyzer.EnforcementLevel.DISABLED,
  remediate: analyzer.EnforcementLevel.REMEDIATE,
};

/**
 * What the rules say of each resource and of the stack, by rule. What is only read is not judged. `single` is for those who
 * have begun with the resources already.
 */
export async function judge(
  pack: Pack,
  { resources }: Pick<Plan, "resources">,
  single = (resource: PlannedResource) => judgeResource(pack, resource),
): Promise<readonly Verdict[]> {
  const own = resources.filter(({ external }) => !external);
  const ofEach = await Promise.all(own.map(single));
  return [...ofEach.flat(), ...(await judgeStack(pack, own))].sort((a, b) => (a.rule < b.rule ? -1 : 1));
}

/** What the rules on several resources say. */
export async function judgeStack(pack: Pack, resources: readonly PlannedResource[]): Promise<readonly Verdict[]> {
  const request = new analyzer.AnalyzeStackRequest();
  request.setResourcesList(resources.map(analyzerResource));
  return verdictsOf(await pack.call<Diagnosed>("analyzeStack", request), null);
}

type Diagnosed = InstanceType<typeof analyzer.AnalyzeResponse>;

/** What the rules on one resource say. Remediations come first, and the rules then see what they made of the resource. */
export async function judgeResource(pack: Pack, resource: PlannedResource): Promise<readonly Verdict[]> {
  if (!pack.remediates) return analyze(pack, resource);
  const remedied = await pack.call<InstanceType<typeof analyzer.RemediateResponse>>(
    "remediate",
    analyzeRequest(resource),
  );
  const remediations = remedied.getRemediationsList();
  const properties = remediations.findLast((one) => one.hasProperties())?.getProperties();
  const changes = remediations.map((one): Verdict => {
    const message = one.getDiagnostic() || `${one.getDescription()} The policy changes the resource by itself.`;
    return { rule: one.getPolicyname(), level: "remediated", severity: "medium", urn: resource.urn, message };
  });
  return [...changes, ...(await analyze(pack, resource, properties))];
}

async function analyze(pack: Pack, resource: PlannedResource, properties?: Struct): Promise<Verdict[]> {
  return verdictsOf(await pack.call<Diagnosed>("analyze", analyzeRequest(resource, properties)), resource.urn);
}

function verdictsOf(response: Diagnosed, urn: string | null): Verdict[] {
  return response.getDiagnosticsList().map((diagnostic) => ({
    rule: diagnostic.getPolicyname(),
    level: diagnostic.getEnforcementlevel() === analyzer.EnforcementLevel.ADVISORY ? "advisory" : "mandatory",
    severity: severities[diagnostic.getSeverity()] ?? "medium",
    urn: diagnostic.getUrn() || urn,
    // The runner puts the description before it.
    message: diagnostic.getMessage().replace(`${diagnostic.getDescription()}\n`, ""),
  }));
}

const severities: Readonly<Record<number, Verdict["severity"]>> = {
  [analyzer.PolicySeverity.POLICY_SEVERITY_LOW]: "low",
  [analyzer.PolicySeverity.POLICY_SEVERITY_MEDIUM]: "medium",
  [analyzer.PolicySeverity.POLICY_SEVERITY_HIGH]: "high",
  [analyzer.PolicySeverity.POLICY_SEVERITY_CRITICAL]: "critical",
};

function analyzeRequest(resource: PlannedResource, properties = structOf(resource.inputs)) {
  const request = new analyzer.AnalyzeRequest();
  request.setType(resource.type);
  request.setUrn(resource.urn);
  request.setName(resource.name);
  request.setProperties(properties);
  request.setOptions(optionsOf(resource));
  return request;
}

function analyzerResource(resource: PlannedResource) {
  const one = new analyzer.AnalyzerResource();
  one.setType(resource.type);
  one.setUrn(resource.urn);
  one.setName(resource.name);
  one.setProperties(structOf(resource.inputs));
  one.setOptions(optionsOf(resource));
  one.setParent(resource.parent ?? "");
  one.setDependenciesList([...resource.dependencies]);
  for (const [property, urns] of Object.entries(resource.propertyDependencies)) {
    const dependencies = new analyzer.AnalyzerPropertyDependencies();
    dependencies.setUrnsList([...urns]);
    one.getPropertydependenciesMap().set(property, dependencies);
  }
  return one;
}

function optionsOf(resource: PlannedResource) {
  const options = new analyzer.AnalyzerResourceOptions();
  options.setProtect(resource.protect);
  options.setIgnorechangesList([...resource.ignoreChanges]);
  options.setParent(resource.parent ?? "");
  return options;
}

type Struct = InstanceType<typeof struct.Struct>;

/** Rules see what a secret holds, as the engine shows it to them; they print no value. */
function structOf(values: Values | Readonly<Record<string, unknown>>) {
  const plain = encode(reveal(values as Values)) as Parameters<typeof struct.Struct.fromJavaScript>[0];
  return struct.Struct.fromJavaScript(plain);
}
