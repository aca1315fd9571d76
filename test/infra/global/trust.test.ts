import assert from "node:assert/strict";
import fc from "fast-check";
import { addBackups, pushImages, trustPolicy } from "../../../infra/global/trust/aws/policies.ts";
import { parseContainer } from "../../../infra/global/trust/azure/containers.ts";
import { backupClaims, githubClaims, parseRepository, poolId } from "../../../infra/global/trust/gcp/names.ts";
import { mapClouds } from "../../../infra/global/trust/receiver.ts";
import { backupSubject, type Github, githubSubject } from "../../../infra/global/trust/subjects.ts";
import { clouds } from "../../../infra/names.ts";

type Statement = {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: string;
  readonly Condition?: Record<string, Record<string, unknown>>;
};
const statements = (policy: string) => (JSON.parse(policy) as { Statement: Statement[] }).Statement;
const actions = ({ Action }: Statement) => (typeof Action === "string" ? [Action] : Action);

const github: Github = {
  subject: "repo:acme@1111/skykv@2222",
  ownerId: "1111",
  repositoryId: "2222",
  environment: "production",
};

describe("a role for others in AWS", () => {
  const trusted = (issuer: string) => statements(trustPolicy("arn:aws:iam::1:oidc-provider/x", issuer, backupSubject));

  it("is taken by one subject with a token for AWS, and by nobody else", () => {
    const [only, ...others] = trusted("https://container.googleapis.com/v1/projects/p/locations/l/clusters/c");
    assert.deepEqual(others, []);
    assert.deepEqual(only?.Condition, {
      StringEquals: {
        "container.googleapis.com/v1/projects/p/locations/l/clusters/c:sub":
          "system:serviceaccount:skykv:skykv-replicator",
        "container.googleapis.com/v1/projects/p/locations/l/clusters/c:aud": "sts.amazonaws.com",
      },
    });
  });

  it("keeps the slash at the end of an issuer, which is part of its name", () => {
    const names = Object.keys(trusted("https://eastus.oic.prod-aks.azure.com/t/g/")[0]!.Condition!.StringEquals!);
    assert.deepEqual(names, ["eastus.oic.prod-aks.azure.com/t/g/:sub", "eastus.oic.prod-aks.azure.com/t/g/:aud"]);
  });

  it("that adds backups cannot read, replace or delete any, nor reach another bucket", () => {
    const policy = statements(addBackups("backups", "us-east-1"));
    const allowed = policy.filter(({ Effect }) => Effect === "Allow");
    assert.deepEqual(allowed.flatMap(actions).sort(), ["kms:Decrypt", "kms:GenerateDataKey", "s3:PutObject"]);
    const [put] = policy.filter(({ Effect, Action }) => Effect === "Allow" && Action === "s3:PutObject");
    assert.equal(put?.Resource, "arn:aws:s3:::backups/*");
    const [deny] = policy.filter(({ Effect }) => Effect === "Deny");
    assert.deepEqual(deny?.Condition?.Null, { "s3:if-none-match": "true" });
    const [keys] = allowed.filter((statement) => actions(statement).includes("kms:Decrypt"));
    assert.deepEqual(keys?.Condition?.StringEquals, { "kms:ViaService": "s3.us-east-1.amazonaws.com" });
    assert.deepEqual(keys?.Condition?.StringLike, {
      "kms:EncryptionContext:aws:s3:arn": ["arn:aws:s3:::backups", "arn:aws:s3:::backups/*"],
    });
  });

  it("that pushes images reaches one repository, and deletes nothing", () => {
    const policy = statements(pushImages("arn:aws:ecr:us-east-1:1:repository/skykv"));
    const everywhere = policy.filter(({ Resource }) => Resource === "*").flatMap(actions);
    assert.deepEqual(everywhere, ["ecr:GetAuthorizationToken", "ec2:DescribeAvailabilityZones"]);
    for (const action of policy.flatMap(actions)) assert.doesNotMatch(action, /\*|Delete|Policy/);
  });
});

describe("a principal of others in Google Cloud", () => {
  it("is one subject of the cluster, by name and by condition", () => {
    assert.equal(backupClaims.value, backupSubject);
    assert.equal(backupClaims.condition, `assertion.sub == "${backupSubject}"`);
    assert.ok(Buffer.byteLength(backupSubject) <= 127);
  });

  it("of GitHub is known by ids, which do not pass to whoever takes the repository's name", () => {
    const { claim, value, condition } = githubClaims(github);
    assert.deepEqual([claim, value], ["assertion.repository_id", "2222"]);
    assert.equal(
      condition,
      'assertion.repository_owner_id == "1111" && assertion.repository_id == "2222" && assertion.environment == "production"',
    );
  });

  it("is in a pool whose id the service accepts", () => {
    for (const word of [...clouds.map((cloud) => `${cloud}-backups`), "github"]) {
      assert.match(poolId(word, "0123abcd"), /^(?!gcp-)[a-z0-9-]{4,32}$/);
    }
  });
});

describe("the subject of GitHub's jobs", () => {
  it("is that of an environment, with ids or without", () => {
    assert.equal(githubSubject(github), "repo:acme@1111/skykv@2222:environment:production");
    const classic = githubSubject({ ...github, subject: "repo:acme/skykv" });
    assert.equal(classic, "repo:acme/skykv:environment:production");
  });
});

describe("names of others' resources", () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,20}$/);

  it("of a blob container are taken apart", () => {
    fc.assert(
      fc.property(word, word, word, word, (subscription, group, account, container) => {
        const id = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Storage/storageAccounts/${account}/blobServices/default/containers/${container}`;
        assert.deepEqual(parseContainer(id), {
          group: `/subscriptions/${subscription}/resourceGroups/${group}`,
          url: `https://${account}.blob.core.windows.net/${container}`,
        });
      }),
    );
    assert.throws(() => parseContainer("backups"), /expected the resource id of a blob container, found backups/);
  });

  it("of an artifact repository are taken apart", () => {
    const name = "projects/p/locations/us-central1/repositories/skykv";
    assert.deepEqual(parseRepository(name), { location: "us-central1", repository: "skykv" });
    assert.throws(() => parseRepository("skykv"), /found skykv/);
  });
});

describe("a thing for each cloud", () => {
  it("comes in one order, whatever order they were given in", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...clouds]), (some) => {
        const given = Object.fromEntries(some.map((cloud) => [cloud, cloud]));
        const expected = clouds.filter((cloud) => some.includes(cloud));
        assert.deepEqual(Object.keys(mapClouds(given, (cloud) => cloud)), expected);
      }),
    );
  });
});
