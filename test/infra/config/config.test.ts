import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Config, ConfigError, type Kind, parseConfig } from "../../../infra/config/config.ts";
import { profiles } from "../../../infra/config/shared.ts";

const kinds: readonly Kind[] = ["aws", "gcp", "azure", "global", "local"];

/** The example of a stack, as the program gets it, with some keys changed; undefined takes a key away. */
function example(kind: Kind, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const file = join(import.meta.dirname, `../../../infra/Pulumi.${kind}.yaml`);
  const { config } = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
  const given = Object.fromEntries(Object.entries(config).map(([name, value]) => [name.replace("skykv:", ""), value]));
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split(".");
    const last = names.pop()!;
    const target = names.reduce<Record<string, unknown>>((at, name) => {
      at[name] ??= {};
      return at[name] as Record<string, unknown>;
    }, given);
    if (value === undefined) delete target[last];
    else target[last] = value;
  }
  return given;
}

function problems(given: Record<string, unknown>): readonly string[] {
  try {
    parseConfig(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("the configuration of a stack", () => {
  for (const kind of kinds) {
    for (const profile of profiles) {
      it(`of ${kind} is good as the example has it, in the profile ${profile}`, () => {
        const config: Config = parseConfig(example(kind, { profile }));
        assert.equal(config.kind, kind);
        assert.equal(config.profile, profile);
      });
    }
  }

  it("takes its sizes from the profile, and single keys over it", () => {
    const small = parseConfig(example("aws", { profile: "small", "database.maxCapacity": 4 }));
    assert.ok(small.kind === "aws");
    assert.deepEqual(
      [small.database.minCapacity, small.database.maxCapacity, small.database.instances, small.queue],
      [0.5, 4, 1, "postgres"],
    );
  });

  /** What is wrong, and all that is said of it. */
  const bad: readonly [string, Record<string, unknown>, readonly RegExp[]][] = [
    ["no kind", example("aws", { kind: undefined }), [/^skykv:kind: expected one of aws, .*, found nothing$/]],
    ["an unknown kind", example("aws", { kind: "oracle" }), [/^skykv:kind: .* found "oracle"$/]],
    [
      "an unknown profile",
      example("gcp", { profile: "huge" }),
      [/^skykv:profile: .*small.*standard.*large.* found "huge"$/],
    ],
    ["no owner", example("gcp", { owner: undefined }), [/^skykv:owner: is missing: .*tag/]],
    [
      "an owner that no label can hold",
      example("gcp", { owner: "Ann Lee" }),
      [/^skykv:owner: expected 1-63 of a-z.* found "Ann Lee"$/],
    ],
    ["a domain with a path", example("aws", { domain: "kv.example.com/v1" }), [/^skykv:domain: expected a host name/]],
    ["a misspelt key", example("aws", { databse: {} }), [/^skykv:databse: is not a key/]],
    [
      "a misspelt key inside of another",
      example("aws", { "database.maxCapacty": 4 }),
      [/^skykv:database\.maxCapacty: is not a key/],
    ],
    ["a key of another cloud", example("aws", { project: "acme-skykv" }), [/^skykv:project: is not a key/]],
    [
      "a number as a word",
      example("aws", { "database.instances": "two" }),
      [/^skykv:database\.instances: expected number, found "two"$/],
    ],
    [
      "a number out of its range",
      example("aws", { "database.backupDays": 36 }),
      [/^skykv:database\.backupDays: expected number to be <=35, found 36$/],
    ],
    [
      "an account of 11 digits",
      example("aws", { accountId: "11112222333" }),
      [/^skykv:accountId: expected the 12 digits/],
    ],
    [
      "a Kubernetes API open to all",
      example("aws", { "cluster.endpoint": { cidrs: ["0.0.0.0/0"] } }),
      [/^skykv:cluster\.endpoint\.cidrs\.0: .*0\.0\.0\.0\/0/],
    ],
    [
      "a network whose host bits are set",
      example("azure", { network: { cidr: "10.48.1.0/16" } }),
      [/^skykv:network\.cidr: .*such as 10\.48\.0\.0\/16/],
    ],
    [
      "a network that is half there",
      example("aws", { network: { existing: { vpcId: "vpc-1" } } }),
      [
        /existing\.cidr: is missing/,
        /privateSubnetIds: is missing/,
        /publicSubnetIds: is missing/,
        /intraSubnetIds: is missing/,
        /egressAddresses: is missing/,
      ],
    ],
    [
      "a database that cannot be highly available",
      example("azure", { "database.tier": "Burstable" }),
      [/^skykv:database: expected tier GeneralPurpose .* found Burstable$/],
    ],
    [
      "an image by its tag",
      example("local", { "workload.image": "skykv:latest" }),
      [/^skykv:workload\.image: expected an image by digest/],
    ],
    [
      "no image where none can be built",
      example("local", { "workload.image": undefined }),
      [/^skykv:workload\.image: is missing/],
    ],
    [
      "more pods at least than at most",
      example("aws", { "workload.api": { min: 5, max: 4 } }),
      [/^skykv:workload\.api: expected min to be at most max$/],
    ],
    [
      "Vault without its address",
      example("gcp", { secrets: { store: "vault" } }),
      [/^skykv:secrets\.address: is missing/],
    ],
    [
      "Vault without TLS",
      example("gcp", { secrets: { store: "vault", address: "http://vault.example.com" } }),
      [/^skykv:secrets\.address: /],
    ],
    [
      "a stack's name without its organisation",
      example("gcp", { globalStack: "global" }),
      [/^skykv:globalStack: expected organization\/project\/stack.* found "global"$/],
    ],
    [
      "a cloud behind the edge whose account is not told",
      example("global", { gcp: undefined }),
      [/^skykv:gcp: is missing/],
    ],
    [
      "a cloud in a state that there is not",
      example("global", { "clouds.gcp": { state: "paused", region: "us-central1", stack: "a/b/c" } }),
      [/^skykv:clouds\.gcp\.state: .*active.*drained.* found "paused"$/],
    ],
    ["probes from one place", example("aws", { probe: { regions: ["WEU"] } }), [/^skykv:probe\.regions: /]],
    [
      "much at once",
      example("aws", { owner: undefined, region: "virginia", queue: "kafka", extra: 1, "cache.shards": 0 }),
      [
        /owner: is missing/,
        /region: expected a region such as us-east-1.*found "virginia"/,
        /cache\.shards: /,
        /queue: .*found "kafka"/,
        /extra: is not a key/,
      ],
    ],
  ];
  for (const [what, given, expected] of bad) {
    it(`with ${what} is refused, with path and fix`, () => {
      const found = problems(given);
      assert.equal(found.length, expected.length, found.join("\n"));
      for (const pattern of expected) {
        assert.ok(
          found.some((line) => pattern.test(line)),
          `${pattern} is not among\n${found.join("\n")}`,
        );
      }
    });
  }

  it("says how many problems there are, a line each", () => {
    assert.throws(
      () => parseConfig(example("aws", { owner: undefined, domain: undefined })),
      /^ConfigError: the configuration has 2 problems:\n {2}skykv:owner: .*\n {2}skykv:domain: .*$/,
    );
  });
});
