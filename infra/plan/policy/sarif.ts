/** Verdicts in the form that code reviews show: SARIF 2.1.0, with a resource as its logical location. */
import { nameOf, typeOf } from "../engine/urn.ts";
import type { Verdict } from "./verdict.ts";

const levels = { mandatory: "error", advisory: "warning", remediated: "note" } as const;
// What GitHub sorts by, as CVSS scores.
const scores = { low: "3.0", medium: "5.5", high: "8.0", critical: "9.5" } as const;

/** `file` is what a review shows them at: the configuration of the stack. */
export function toSarif(verdicts: readonly Verdict[], file: string): string {
  const rules = [...Map.groupBy(verdicts, ({ rule }) => rule)].map(([id, [first]]) => ({
    id,
    properties: { "security-severity": scores[first!.severity] },
  }));
  const results = verdicts.map(({ rule, level, urn, message }) => ({
    ruleId: rule,
    level: levels[level],
    message: { text: urn === null ? message : `${nameOf(urn)} (${typeOf(urn)}): ${message}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: file }, region: { startLine: 1 } },
        ...(urn === null ? {} : { logicalLocations: [{ fullyQualifiedName: urn, kind: "resource" }] }),
      },
    ],
  }));
  const driver = { name: "SkyKV policies", rules };
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver }, results }],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}
