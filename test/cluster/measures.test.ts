import assert from "node:assert/strict";
import { measures } from "../measure/measures.ts";
import { Cluster } from "../support/cluster.ts";

/**
 * How many times as bad as wanted a figure may be: this machine does other things too. `npm run measure` is strict. Clients
 * do notice a catch-up where three clouds share two cores: there this only finds what got much worse.
 */
const tolerances: Readonly<Record<string, number>> = { "catch-up": 5 };
const tolerance = 2;

for (const [name, { what, run }] of Object.entries(measures)) {
  describe(`three clouds of real processes, measured (${name})`, function () {
    this.timeout(600_000);
    let cluster: Cluster;
    before(async () => {
      cluster = await Cluster.start(["aws", "gcp", "azure"]);
    });
    after(() => cluster?.close());

    it(what, async () => {
      const say = (line: string) => console.log(`      ${line}`);
      const figures = await run(cluster, true, say);
      for (const { text } of figures) say(text);
      const missed = figures.filter(({ share }) => share !== null && !(share <= (tolerances[name] ?? tolerance)));
      assert.deepEqual(missed, []);
    });
  });
}
