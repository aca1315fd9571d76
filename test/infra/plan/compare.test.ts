import assert from "node:assert/strict";
import { type Change, type Comparison, compare } from "../../../infra/plan/compare/compare.ts";
import type { ProviderFacts } from "../../../infra/plan/providers/facts.ts";
import { type PlannedResource, Secret, Unknown } from "../../../infra/plan/resource.ts";
import { changesText } from "../../../infra/plan/view/changes.ts";
import { plainStyle } from "../../../infra/plan/view/style.ts";
import { planned, planOf } from "../support/plans.ts";

const facts: ProviderFacts = {
  resources: {
    "aws:db:Db": { replacedBy: ["storage.encrypted", "subnets[]", "keyId"], tags: null, stateful: true },
    "aws:key:Key": { replacedBy: ["spec"], tags: null },
    "aws:vm:Vm": { replacedBy: ["image"], tags: null },
    "pulumi:providers:k8s": { replacedBy: ["kubeconfig"], identifiedBy: "cluster", tags: null },
  },
  calls: {},
};

/** One resource, before and after. */
async function change(
  before: Partial<PlannedResource> & Pick<PlannedResource, "type">,
  after: Partial<PlannedResource>,
  others: readonly PlannedResource[] = [],
): Promise<Change | undefined> {
  const [was, is] = [planned({ name: "it", ...before }), planned({ name: "it", ...before, ...after })];
  const { changes } = await between([...others, was], [...others, is]);
  return changes.find(({ name }) => name === "it");
}

function between(before: readonly PlannedResource[], after: readonly PlannedResource[]): Promise<Comparison> {
  return compare(planOf(...before), planOf(...after), async () => facts);
}

function paths(found: Change | undefined): string[] {
  return found?.properties.map(({ path }) => path) ?? [];
}

describe("a plan against an earlier one", () => {
  it("finds what is new, what is gone and what stays", async () => {
    const [kept, old, young] = ["kept", "old", "young"].map((name) => planned({ type: "aws:vm:Vm", name }));
    const { changes, unchanged } = await between([kept!, old!], [kept!, young!]);
    assert.deepEqual(
      changes.map(({ kind, name }) => [kind, name]),
      [
        ["create", "young"],
        ["delete", "old"],
      ],
    );
    assert.equal(unchanged, 1);
  });

  it("has nothing to say of components, and of what is only read", async () => {
    const component = planned({ type: "skykv:aws:Queue", name: "queue", custom: false });
    const read = planned({ type: "pulumi:pulumi:StackReference", name: "global", external: true });
    assert.deepEqual((await between([], [component, read])).changes, []);
  });

  it("names the properties that change", async () => {
    const found = await change(
      { type: "aws:vm:Vm", inputs: { size: 1, tags: { a: "1", b: "2" }, disks: [{ gb: 10 }], old: true } },
      { inputs: { size: 2, tags: { a: "1", b: "3" }, disks: [{ gb: 10 }, { gb: 20 }], "new.name": [] } },
    );
    assert.equal(found?.kind, "update");
    assert.deepEqual(paths(found), ["size", "tags.b", "disks[1].gb", "old", "new.name"]);
    assert.deepEqual(found?.properties[1], { path: "tags.b", before: "2", after: "3", replaces: false });
  });

  it("compares lists of things with names by name, unless they change places", async () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => ({ name, value: 1 }));
    const of = async (before: (typeof a)[], after: (typeof a)[]) =>
      paths(await change({ type: "aws:vm:Vm", inputs: { env: before as [] } }, { inputs: { env: after as [] } }));
    assert.deepEqual(await of([b, c], [a, b, { name: "c", value: 2 }]), ["env.c.value", "env.a.name", "env.a.value"]);
    assert.deepEqual(await of([a, b], [b, a]), ["env[0].name", "env[1].name"]);
  });

  it("replaces what an input identifies by that input alone", async () => {
    const type = "pulumi:providers:k8s";
    const kindOf = async (before: Record<string, string>, after: Record<string, string>) =>
      (await change({ type, inputs: before }, { inputs: after }))?.kind;
    assert.equal(await kindOf({ kubeconfig: "a" }, { kubeconfig: "b" }), "replace");
    assert.equal(await kindOf({ kubeconfig: "a", cluster: "one" }, { kubeconfig: "b", cluster: "one" }), "update");
    assert.equal(await kindOf({ kubeconfig: "a", cluster: "one" }, { kubeconfig: "a", cluster: "two" }), "replace");
  });

  it("replaces where the cloud cannot change a property in place", async () => {
    const type = "aws:db:Db";
    assert.equal(
      (await change({ type, inputs: { storage: { gb: 1 } } }, { inputs: { storage: { gb: 2 } } }))?.kind,
      "update",
    );
    const encrypted = { storage: { gb: 1, encrypted: true } };
    assert.equal((await change({ type, inputs: { storage: { gb: 1 } } }, { inputs: encrypted }))?.kind, "replace");
    assert.equal((await change({ type }, { inputs: encrypted }))?.kind, "replace", "within a new object");
    assert.equal((await change({ type, inputs: { subnets: ["a"] } }, { inputs: { subnets: ["b"] } }))?.kind, "replace");
  });

  it("obeys replaceOnChanges and ignoreChanges", async () => {
    const vm = { type: "aws:vm:Vm", inputs: { image: "a", user: { data: "a" } } };
    assert.equal(await change(vm, { inputs: { ...vm.inputs, image: "b" }, ignoreChanges: ["image"] }), undefined);
    const inputs = { image: "a", user: { data: "b" } };
    assert.equal((await change(vm, { inputs }))?.kind, "update");
    assert.equal((await change(vm, { inputs, replaceOnChanges: ["user.data"] }))?.kind, "replace");
    assert.equal((await change(vm, { inputs, replaceOnChanges: ["*"] }))?.kind, "replace");
    assert.equal(await change(vm, { inputs, replaceOnChanges: ["*"], ignoreChanges: ["user"] }), undefined);
  });

  it("takes two unknown or two secret values for the same, and nothing else", async () => {
    const same = { id: Unknown.value, password: new Secret("a") };
    assert.equal(
      await change({ type: "aws:vm:Vm", inputs: same }, { inputs: { ...same, password: new Secret("b") } }),
      undefined,
    );
    const told = { id: "i-1", password: "b" };
    assert.deepEqual(paths(await change({ type: "aws:vm:Vm", inputs: same }, { inputs: told })), ["id", "password"]);
  });

  it("replaces what takes over the id of something replaced, through any number of steps", async () => {
    const key = planned({ type: "aws:key:Key", name: "key", inputs: { spec: "rsa" } });
    const db = planned({
      type: "aws:db:Db",
      name: "db",
      inputs: { keyId: Unknown.value },
      dependencies: [key.urn],
      propertyDependencies: { keyId: [key.urn] },
    });
    const vm = planned({
      type: "aws:vm:Vm",
      name: "vm",
      inputs: { database: { host: Unknown.value }, user: "skykv" },
      dependencies: [db.urn],
      propertyDependencies: { database: [db.urn] },
    });
    const waiting = planned({ type: "aws:vm:Vm", name: "waiting", dependencies: [db.urn] });
    const rest = [db, vm, waiting];
    const { changes } = await between([key, ...rest], [{ ...key, inputs: { spec: "ec" } }, ...rest]);
    assert.deepEqual(
      changes.map((found) => [found.name, found.kind, paths(found), found.follows]),
      [
        ["key", "replace", ["spec"], []],
        ["db", "replace", ["keyId"], [key.urn]],
        ["vm", "update", ["database.host"], [db.urn]],
      ],
    );
  });

  it("notices an unknown value that comes from something else than before", async () => {
    const [one, other] = ["one", "other"].map((name) => planned({ type: "aws:key:Key", name }));
    const db = (urn: string) => ({
      inputs: { keyId: Unknown.value },
      dependencies: [urn],
      propertyDependencies: { keyId: [urn] },
    });
    const found = await change({ type: "aws:db:Db", ...db(one!.urn) }, db(other!.urn), [one!, other!]);
    assert.deepEqual([found?.kind, paths(found)], ["replace", ["keyId"]]);
  });

  it("replaces everything in a cluster that is another one", async () => {
    const provider = planned({ type: "pulumi:providers:k8s", name: "k8s", inputs: { kubeconfig: "a" } });
    const vm = planned({ type: "aws:vm:Vm", name: "vm", provider: provider.urn });
    const { changes } = await between([provider, vm], [{ ...provider, inputs: { kubeconfig: "b" } }, vm]);
    assert.deepEqual(
      changes.map(({ name, kind }) => [name, kind]),
      [
        ["k8s", "replace"],
        ["vm", "replace"],
      ],
    );
  });
});

describe("the text of a comparison", () => {
  const text = async (...plans: Parameters<typeof between>) =>
    changesText(await between(...plans), { width: 100, style: plainStyle });

  it("says first, and loudly, what data could be lost", async () => {
    const guarded = planned({ type: "aws:db:Db", name: "guarded", protect: true });
    const loose = planned({ type: "aws:db:Db", name: "loose", inputs: { keyId: "a" } });
    const retained = planned({ type: "aws:db:Db", name: "retained", retainOnDelete: true });
    const vm = planned({ type: "aws:vm:Vm", name: "vm" });
    assert.equal(
      await text([guarded, loose, retained, vm], [{ ...loose, inputs: { keyId: "b" } }]),
      `DATA LOSS: loose (aws.db.Db) is replaced, and what it holds is lost.
PROTECTED: guarded (aws.db.Db) is deleted. Pulumi refuses as long as it is protected.

± loose  aws.db.Db
    keyId (replaces): a → b
- guarded  aws.db.Db
- retained  aws.db.Db, kept in the cloud
- vm  aws.vm.Vm

aws: 0 to create, 0 to update, 1 to replace, 3 to delete, 0 unchanged.
Two plans were compared with each other, neither of them with what is deployed.`,
    );
  });

  it("says where something is, and no more than one wants to read", async () => {
    const component = planned({ type: "skykv:aws:Queue", name: "queue", custom: false });
    const before = planned({ type: "aws:vm:Vm", name: "vm", parent: component.urn, inputs: { password: "hunter2" } });
    const numbers = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`n${i}`, i]));
    const inputs = { password: new Secret("hunter3"), ...numbers };
    const printed = await text([component, before], [component, { ...before, inputs }]);
    assert.match(printed, /^~ queue \/ vm {2}aws\.vm\.Vm\n {4}password: \(secret\) → \(secret\)\n {4}n0: 0\n/);
    assert.match(printed, /\n {4}and 2 more properties\n/);
  });

  it("has one line for no change", async () => {
    assert.match(await text([], []), /^aws: 0 to create, 0 to update, 0 to replace, 0 to delete, 0 unchanged\.\n/);
  });
});
