/** What holds for the program on every stack, in every size, before anything is known of the clouds and after. */
import type { Plan } from "../../infra/plan/resource.ts";
import { costAddsUp, costNeverFalls, everythingIsPriced } from "./support/checks/cost.ts";
import { inventoryIsAsReviewed } from "./support/checks/inventory.ts";
import { physicalNamesAreUnique, physicalNamesFit } from "./support/checks/names.ts";
import { everyResourceDescendsFromTheRoot } from "./support/checks/parents.ts";
import { noPolicyIsBroken, stopPack } from "./support/checks/policies.ts";
import { statefulResourcesAreProtected } from "./support/checks/protection.ts";
import { noSecretIsPlain } from "./support/checks/secrets.ts";
import { everythingIsTagged } from "./support/checks/tags.ts";
import { needsSdks } from "./support/sdks.ts";
import { profiles, stackPlan, stacks } from "./support/stacks.ts";

const modes = ["preview", "up"] as const;

after(stopPack);

for (const stack of stacks) {
  for (const profile of profiles) {
    for (const mode of modes) {
      describe(`the stack ${stack} in the size ${profile}, in ${mode}`, () => {
        let plan: Plan;
        before(async function () {
          needsSdks(this);
          plan = await stackPlan(stack, profile, mode);
        });

        it("descends from one root", () => everyResourceDescendsFromTheRoot(plan));
        it("holds what was reviewed", () => inventoryIsAsReviewed(plan, profile));
        it("breaks no policy", () => noPolicyIsBroken(plan, profile));
        it("shows no secret", () => noSecretIsPlain(plan));
        it("is tagged", () => everythingIsTagged(plan));
        it("gives every thing a name of its own", () => physicalNamesAreUnique(plan));
        it("gives names that the cloud accepts", () => physicalNamesFit(plan));
        if (stack !== "local") {
          it("is priced, or says why not", () => everythingIsPriced(plan, stack));
          it("costs no less under more load", () => costNeverFalls(plan, stack));
          it("costs what its parts cost", () => costAddsUp(plan, stack));
        }
        if (profile !== "small") it("protects its data", () => statefulResourcesAreProtected(plan));
      });
    }
  }
}
