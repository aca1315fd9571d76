import { type Call, prefixes } from "../history.ts";

/** Whatever is read was written before, to that key, and whole; where the version is a known write's, it is its value. */
export function checkReads(calls: readonly Call[]): string[] {
  const findings: string[] = [];
  const puts = calls.filter(({ kind, outcome }) => (kind === "put" || kind === "swap") && outcome !== "refused");
  const byValue = new Map(puts.map((call) => [call.value, call]));
  // Writes that were committed together may have one version.
  const byVersion = new Map(puts.map((call) => [`${call.key} ${call.version}`, call]));
  for (const { kind, key, value, version, completed, cloud } of calls) {
    if (kind !== "read" || value === null || !key.startsWith(prefixes.values)) continue;
    const write = byValue.get(value);
    const told = `${key}: ${cloud} answered ${JSON.stringify(value.slice(0, 200))} as ${version}`;
    if (write?.key !== key || write.invoked > completed) findings.push(`${told}, which nobody had written`);
    else if ((byVersion.get(`${key} ${version}`) ?? write) !== write)
      findings.push(`${told}, which is another write's version`);
  }
  return findings;
}
