/** The policy pack: Pulumi's runner loads this file through `main.mjs`, in this folder. */
import { PolicyPack } from "@pulumi/policy";
import { policiesOf } from "./policies.ts";
import { rules } from "./rules/rules.ts";

new PolicyPack("skykv", {
  // What a file of levels does not name. The strictest, so that a rule is never off by oversight.
  enforcementLevel: "mandatory",
  policies: policiesOf(rules, () => new Date().toISOString().slice(0, 10)),
});
