import assert from "node:assert/strict";
import type { TypeFacts } from "../../../../infra/plan/providers/facts.ts";
import type { Tables } from "../../../../infra/plan/providers/index.ts";
import { Secret, Unknown } from "../../../../infra/plan/resource.ts";
import { planned, planOf, root } from "../plans.ts";
import { inventory, inventoryIsAsReviewed } from "./inventory.ts";
import { physicalNamesAreUnique, physicalNamesFit } from "./names.ts";
import { mustComeAfter } from "./order.ts";
import { everyResourceDescendsFromTheRoot } from "./parents.ts";
import { statefulResourcesAreProtected } from "./protection.ts";
import { noSecretIsPlain } from "./secrets.ts";
import { everythingIsTagged } from "./tags.ts";

const bucket = "aws:s3/bucket:Bucket";
const component = planned({ type: "skykv:aws:Blobs", name: "blobs", custom: false });

/** The facts of buckets alone. */
function facts(ofBuckets: Partial<TypeFacts>): Tables {
  return async () => ({ resources: { [bucket]: { replacedBy: [], tags: null, ...ofBuckets } }, calls: {} });
}

describe("checks of plans", () => {
  it("find every resource outside of the root component", () => {
    const inside = planned({ type: bucket, name: "inside", parent: component.urn });
    const lost = planned({ type: bucket, name: "lost", parent: root.parent });
    const below = planned({ type: bucket, name: "below", parent: lost.urn });
    const read = planned({ type: "pulumi:pulumi:StackReference", name: "global", parent: root.parent, external: true });
    everyResourceDescendsFromTheRoot(planOf(component, inside, read));
    assert.throws(
      () => everyResourceDescendsFromTheRoot(planOf(component, inside, lost, below)),
      (error: Error) => error.message.includes(lost.urn) && error.message.includes(below.urn),
    );
  });

  it("list what is in a plan, as it lies in each other", () => {
    const plan = planOf(component, planned({ type: bucket, name: "values", parent: component.urn }));
    assert.equal(
      inventory(plan),
      "skykv-aws  pulumi:pulumi:Stack\n  skykv  skykv:index:SkyKV\n    blobs  skykv:aws:Blobs\n      values  aws:s3/bucket:Bucket\n",
    );
  });

  it("say how to make a list that is not there", () => {
    assert.throws(() => inventoryIsAsReviewed(planOf(), "gigantic"), /aws-gigantic\.txt is renewed by GOLDEN=renew/);
  });

  it("find secrets by their names, wherever they are", () => {
    const plan = planOf(
      planned({
        type: "aws:x:X",
        name: "x",
        inputs: {
          masterPassword: "hunter2",
          settings: [{ authToken: Unknown.value }],
          tls: { privateKeyPem: new Secret("kept") },
          manageMasterUserPassword: true,
          skipTokens: "true",
          secretName: "the-name-of-one",
          password: "",
        },
      }),
    );
    assert.throws(() => noSecretIsPlain(plan), /2 do not:\n.*::x: masterPassword\n.*::x: settings\[0\]\.authToken$/);
  });

  it("find secrets by what they look like, and all that Kubernetes keeps as secret", () => {
    const inputs = { url: "postgres://skykv:hunter2@db/skykv", pem: "-----BEGIN EC PRIVATE KEY-----\nMHcC" };
    const objects = { stringData: { anything: "hunter2" } };
    const plan = planOf(
      planned({ type: "aws:x:X", name: "x", inputs }),
      planned({ type: "kubernetes:core/v1:Secret", name: "s", inputs: objects }),
    );
    assert.throws(() => noSecretIsPlain(plan), /3 do not:\n.*::x: url\n.*::x: pem\n.*::s: stringData\.anything$/);
    noSecretIsPlain(planOf(planned({ type: "aws:x:X", name: "x", inputs: { url: "https://kv.example.com/a?b=c@d" } })));
  });

  it("find what lacks tags, in the form of each cloud", async () => {
    const tags = { project: "skykv", stack: "aws", owner: "team", "data-class": "public" };
    const pairs = Object.entries(tags).map(([key, value]) => ({ key, value }));
    const texts = Object.entries(tags).map(([key, value]) => `${key}:${value}`);
    const labels = Object.fromEntries(Object.entries(tags).map(([key, value]) => [`skykv.dev/${key}`, value]));
    const tagged = [tags, pairs, texts, labels].map((value, i) =>
      planned({ type: bucket, name: `tagged-${i}`, inputs: { tags: value } }),
    );
    await everythingIsTagged(planOf(...tagged), facts({ tags: "tags" }));
    const { owner: _, ...three } = tags;
    const bare = [planned({ type: bucket, name: "a" }), planned({ type: bucket, name: "b", inputs: { tags: three } })];
    await assert.rejects(
      everythingIsTagged(planOf(...tagged, ...bare), facts({ tags: "tags" })),
      /2 do not:\n.*::a: tags lacks project, stack, owner, data-class\n.*::b: tags lacks owner$/,
    );
    await everythingIsTagged(planOf(...bare), facts({ tags: null }));
  });

  it("count the tags that a provider gives to all that it makes", async () => {
    const defaultTags = JSON.stringify({ tags: { project: "skykv", stack: "aws", owner: "team" } });
    const provider = planned({ type: "pulumi:providers:aws", name: "aws", inputs: { defaultTags } });
    const tagged = planned({
      type: bucket,
      name: "a",
      provider: provider.urn,
      inputs: { tags: { "data-class": "x" } },
    });
    await everythingIsTagged(planOf(provider, tagged), facts({ tags: "tags" }));
  });

  it("find two resources that would be one in the cloud", async () => {
    const physicalName = { input: "bucket", pattern: /./, within: ["account"] };
    const named = (name: string, account: string) =>
      planned({ type: bucket, name, inputs: { bucket: "values", account } });
    await physicalNamesAreUnique(planOf(named("a", "1"), named("b", "2")), facts({ physicalName }));
    await assert.rejects(
      physicalNamesAreUnique(planOf(named("a", "1"), named("b", "1"), named("c", "2")), facts({ physicalName })),
      /1 do not:\n {2}values: .*::a and .*::b$/,
    );
  });

  it("cannot tell names apart whose place is not known yet", async () => {
    const physicalName = { input: "bucket", pattern: /./, within: ["account"] };
    const inputs = { bucket: "values", account: Unknown.value };
    const named = ["a", "b"].map((name) => planned({ type: bucket, name, inputs }));
    await physicalNamesAreUnique(planOf(...named), facts({ physicalName }));
  });

  it("find names that the cloud refuses", async () => {
    const physicalName = { input: "bucket", pattern: /^[a-z-]{3,8}$/ };
    const named = (bucketName: string) => planned({ type: bucket, name: bucketName, inputs: { bucket: bucketName } });
    await physicalNamesFit(planOf(named("values")), facts({ physicalName }));
    await assert.rejects(
      physicalNamesFit(planOf(named("values"), named("Values"), named("many-values")), facts({ physicalName })),
      /2 do not:\n.*Values does not fit.*\n.*many-values does not fit/,
    );
  });

  it("find data that a mistake could delete", async () => {
    const [safe, loose] = [true, false].map((protect) => planned({ type: bucket, name: `${protect}`, protect }));
    await statefulResourcesAreProtected(planOf(safe!), facts({ stateful: true }));
    await assert.rejects(statefulResourcesAreProtected(planOf(safe!, loose!), facts({ stateful: true })), /1 do not/);
    await statefulResourcesAreProtected(planOf(loose!), facts({}));
  });

  it("know what comes before what, through others, parents and providers", () => {
    const link = planned({ type: "azure:Link", name: "link" });
    const zone = planned({ type: "azure:Zone", name: "zone", dependencies: [link.urn] });
    const provider = planned({ type: "pulumi:providers:x", name: "x" });
    const database = planned({ type: "skykv:azure:Database", name: "d", custom: false, dependencies: [zone.urn] });
    const server = planned({ type: "azure:Server", name: "s", parent: database.urn, provider: provider.urn });
    const plan = planOf(link, zone, provider, database, server);
    mustComeAfter(plan, "azure:Server", "azure:Link");
    mustComeAfter(plan, "azure:Server s", "pulumi:providers:x x");
    assert.throws(() => mustComeAfter(plan, "azure:Zone", "azure:Server"), /::zone does not wait for .*::s$/);
    assert.throws(() => mustComeAfter(plan, "azure:Server other", "azure:Link"), /expected azure:Server other in/);
  });
});
