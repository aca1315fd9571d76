import assert from "node:assert/strict";

/** Fails with all that break a rule, not with the first. */
export function assertNone(offenders: readonly string[], rule: string): void {
  assert.ok(offenders.length === 0, `${rule}; ${offenders.length} do not:\n  ${offenders.join("\n  ")}`);
}
