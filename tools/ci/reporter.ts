/** Mocha's `spec` reporter, which also adds a line "passed failed skipped" to the file named by TOTALS. */
import { appendFileSync } from "node:fs";
import Mocha from "mocha";

export default class Totals extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      appendFileSync(process.env.TOTALS!, `${passes} ${failures} ${pending}\n`);
    });
  }
}
