import assert from "node:assert/strict";
import { profiles } from "../../../infra/config/shared.ts";
import type { Plan } from "../../../infra/plan/resource.ts";
import { physicalNamesAreUnique, physicalNamesFit } from "../support/checks/names.ts";
import { mustComeAfter } from "../support/checks/order.ts";
import { everyResourceDescendsFromTheRoot } from "../support/checks/parents.ts";
import { statefulResourcesAreProtected } from "../support/checks/protection.ts";
import { noSecretIsPlain } from "../support/checks/secrets.ts";
import { everythingIsTagged } from "../support/checks/tags.ts";
import { needsSdks } from "../support/sdks.ts";
import { all, inputsOf, one, rightsOf, runPlatform } from "./fixtures/run.ts";

describe("the platform on Google Cloud", () => {
  before(function () {
    needsSdks(this);
  });

  for (const profile of profiles) {
    for (const mode of ["preview", "up"] as const) {
      it(`of the profile ${profile} keeps the rules of every platform in ${mode}`, async () => {
        const plan = await runPlatform({ profile }, mode);
        everyResourceDescendsFromTheRoot(plan);
        noSecretIsPlain(plan);
        await everythingIsTagged(plan);
        await physicalNamesFit(plan);
        await physicalNamesAreUnique(plan);
        if (profile === "small") assert.ok(plan.resources.every(({ protect }) => !protect));
        else await statefulResourcesAreProtected(plan);
      });
    }
  }

  describe("in the profile standard, with a queue of the cloud", () => {
    let plan: Plan;
    before(async () => {
      plan = await runPlatform({ queue: "pubsub" });
    });

    it("calls no API before it is enabled", () => {
      const users = {
        artifactregistry: ["artifactregistry/repository:Repository"],
        cloudkms: ["kms/keyRing:KeyRing"],
        cloudresourcemanager: ["projects/iAMMember:IAMMember", "projects/iAMAuditConfig:IAMAuditConfig"],
        compute: ["compute/network:Network", "compute/address:Address"],
        container: ["container/cluster:Cluster"],
        dns: ["dns/managedZone:ManagedZone"],
        iam: ["serviceaccount/account:Account"],
        logging: ["logging/projectSink:ProjectSink"],
        memorystore: ["memorystore/instance:Instance"],
        monitoring: ["monitoring/alertPolicy:AlertPolicy"],
        networkconnectivity: ["networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy"],
        pubsub: ["pubsub/topic:Topic"],
        servicedirectory: ["compute/forwardingRule:ForwardingRule"],
        secretmanager: ["secretmanager/secret:Secret"],
        sqladmin: ["sql/databaseInstance:DatabaseInstance"],
        storage: ["storage/bucket:Bucket"],
      };
      for (const [api, types] of Object.entries(users)) {
        for (const type of types) mustComeAfter(plan, `gcp:${type}`, `gcp:projects/service:Service ${api}`);
      }
    });

    it("encrypts nothing before the service's agent may use the key, and gives no agent a right before it exists", () => {
      const grant = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember";
      const encrypted = {
        "artifactregistry/repository:Repository": "registry-artifactregistry",
        "container/cluster:Cluster": "cluster-compute",
        "memorystore/instance:Instance": "cache-memorystore",
        "pubsub/topic:Topic": "queue-pubsub",
        "secretmanager/secret:Secret": "secrets-secretmanager",
        "sql/databaseInstance:DatabaseInstance": "database-sqladmin",
        "storage/bucket:Bucket skykv-blobs": "blobs-storage",
        "storage/bucket:Bucket skykv-audit": "audit-storage",
      };
      for (const [type, name] of Object.entries(encrypted)) mustComeAfter(plan, `gcp:${type}`, `${grant} ${name}`);
      mustComeAfter(plan, "gcp:container/cluster:Cluster", `${grant} cluster-container`);
      for (const agent of ["artifactregistry", "memorystore", "pubsub", "secretmanager", "sqladmin"]) {
        const [name] = all(plan, "kms/cryptoKeyIAMMember:CryptoKeyIAMMember").filter(({ name }) =>
          name.endsWith(agent),
        );
        mustComeAfter(plan, `${grant} ${name!.name}`, `gcp:projects/serviceIdentity:ServiceIdentity ${agent}`);
      }
    });

    it("makes what others need before they need it", () => {
      const policy = "gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy";
      mustComeAfter(plan, "gcp:memorystore/instance:Instance", policy);
      // The identity pool of the project comes with its first cluster.
      mustComeAfter(plan, "gcp:serviceaccount/iAMMember:IAMMember", "gcp:container/cluster:Cluster");
      mustComeAfter(plan, "gcp:projects/iAMMember:IAMMember keda-counts", "gcp:container/cluster:Cluster");
      mustComeAfter(plan, "gcp:dns/recordSet:RecordSet", "gcp:compute/forwardingRule:ForwardingRule");
      mustComeAfter(plan, "gcp:container/cluster:Cluster", "gcp:compute/routerNat:RouterNat");
      mustComeAfter(
        plan,
        "gcp:container/cluster:Cluster",
        "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember nodes",
      );
    });

    it("changes keys every 90 days or sooner", () => {
      for (const { inputs } of all(plan, "kms/cryptoKey:CryptoKey")) {
        assert.ok(Number.parseInt(String(inputs.rotationPeriod), 10) <= 90 * 86_400);
      }
    });

    it("gives each part of the service the rights that it needs, and no others", () => {
      const member = (who: string) => `serviceAccount:skykv-gcp-${who}@acme-skykv.iam.gserviceaccount.com`;
      const database =
        'roles/cloudsql.instanceUser on resource.service == "sqladmin.googleapis.com" && resource.name == "projects/acme-skykv/instances/postgres-1a2b3c4"';
      const cache =
        'roles/memorystore.dbConnectionUser on resource.name.endsWith("/locations/us-central1/instances/skykv-gcp-cache")';
      const blobs = "roles/storage.objectUser on skykv-blobs-1a2b3c4";
      const publish = "roles/pubsub.publisher on projects/acme-skykv/topics/hints-1a2b3c4";
      const take = "roles/pubsub.subscriber on projects/acme-skykv/subscriptions/hints-1a2b3c4";
      assert.deepEqual(rightsOf(plan, member("migration")), [database]);
      assert.deepEqual(rightsOf(plan, member("api")), [database, cache, publish, blobs]);
      assert.deepEqual(rightsOf(plan, member("replicator")), [database, cache, publish, take, blobs]);
      assert.deepEqual(rightsOf(plan, member("secrets")), [
        "roles/secretmanager.secretAccessor on projects/acme-skykv/secrets/skykv-gcp-admin-key",
        "roles/secretmanager.secretAccessor on projects/acme-skykv/secrets/skykv-gcp-peer-key",
      ]);
      assert.deepEqual(rightsOf(plan, member("nodes")), [
        "roles/artifactregistry.reader on skykv-gcp-images",
        "roles/container.defaultNodeServiceAccount on acme-skykv",
      ]);
    });

    it("lets the pods of one ServiceAccount be one service account", () => {
      const members = all(plan, "serviceaccount/iAMMember:IAMMember").map(({ name, inputs }) => [name, inputs.member]);
      assert.deepEqual(Object.fromEntries(members), {
        api: "serviceAccount:acme-skykv.svc.id.goog[skykv/skykv-api]",
        migration: "serviceAccount:acme-skykv.svc.id.goog[skykv/skykv-migration]",
        replicator: "serviceAccount:acme-skykv.svc.id.goog[skykv/skykv-replicator]",
        secrets: "serviceAccount:acme-skykv.svc.id.goog[external-secrets/external-secrets]",
      });
    });

    it("has no key of a service account, and no policy that takes other people's rights away", () => {
      const wrong = /serviceaccount\/key:Key|IAMBinding|IamBinding|IAMPolicy|IamPolicy/;
      assert.deepEqual(
        plan.resources.filter(({ type }) => wrong.test(type)),
        [],
      );
    });

    it("has a database that only our network reaches, over TLS, by IAM", () => {
      const { settings, rootPassword } = inputsOf(plan, "sql/databaseInstance:DatabaseInstance");
      assert.equal(rootPassword, undefined);
      assert.equal(settings.ipConfiguration.ipv4Enabled, false);
      assert.equal(settings.ipConfiguration.sslMode, "ENCRYPTED_ONLY");
      assert.deepEqual(settings.databaseFlags[0], { name: "cloudsql.iam_authentication", value: "on" });
      assert.equal(settings.backupConfiguration.pointInTimeRecoveryEnabled, true);
      assert.equal(settings.deletionProtectionEnabled, true);
      const users = all(plan, "sql/user:User").map(({ inputs }) => [inputs.name, inputs.type, inputs.databaseRoles]);
      assert.deepEqual(users, [
        ["skykv-gcp-api@acme-skykv.iam", "CLOUD_IAM_SERVICE_ACCOUNT", undefined],
        ["skykv-gcp-migration@acme-skykv.iam", "CLOUD_IAM_SERVICE_ACCOUNT", ["cloudsqlsuperuser"]],
        ["skykv-gcp-replicator@acme-skykv.iam", "CLOUD_IAM_SERVICE_ACCOUNT", undefined],
      ]);
    });

    it("finds the database by the name that its certificate has", () => {
      const record = inputsOf(plan, "dns/recordSet:RecordSet");
      const { database } = plan.outputs as { database: { host: string } };
      assert.equal(record.name, `${database.host}.`);
      assert.deepEqual(record.rrdatas, ["10.35.192.2"]);
    });

    it("keeps dead letters, and hints however long nobody reads", () => {
      for (const { inputs } of all(plan, "pubsub/subscription:Subscription")) {
        assert.deepEqual(inputs.expirationPolicy, { ttl: "" });
      }
      const agent = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com";
      assert.deepEqual(
        rightsOf(plan, agent).filter((right) => right.startsWith("roles/pubsub.")),
        [
          "roles/pubsub.publisher on projects/acme-skykv/topics/dead-1a2b3c4",
          "roles/pubsub.subscriber on projects/acme-skykv/subscriptions/hints-1a2b3c4",
        ],
      );
    });

    it("has no bucket that can be public, and none that another cloud could empty", () => {
      for (const { inputs } of all(plan, "storage/bucket:Bucket")) {
        assert.equal(inputs.publicAccessPrevention, "enforced");
        assert.equal(inputs.uniformBucketLevelAccess, true);
      }
      const backups = inputsOf(plan, "storage/bucket:Bucket", "skykv-backups");
      assert.ok(Number(backups.retentionPolicy.retentionPeriod) >= 30 * 86_400);
    });

    it("sets on Autopilot nothing that Autopilot decides", () => {
      const { inputs, ignoreChanges } = one(plan, "container/cluster:Cluster");
      for (const name of ["nodeConfig", "addonsConfig", "datapathProvider", "enableShieldedNodes", "dnsConfig"]) {
        assert.equal(inputs[name], undefined, name);
      }
      assert.ok(ignoreChanges.includes("nodeConfig") && ignoreChanges.includes("dnsConfig"));
      assert.deepEqual(all(plan, "container/nodePool:NodePool"), []);
    });

    it("tells nobody of alarms until somebody is named", async () => {
      assert.deepEqual(all(plan, "monitoring/notificationChannel:NotificationChannel"), []);
      const told = await runPlatform({ alarms: { email: "oncall@example.com" } });
      const channel = one(told, "monitoring/notificationChannel:NotificationChannel");
      assert.deepEqual(channel.inputs.labels, { email_address: "oncall@example.com" });
      for (const { inputs } of all(told, "monitoring/alertPolicy:AlertPolicy")) {
        assert.deepEqual(inputs.notificationChannels, ["projects/acme-skykv/notificationChannels/email"]);
      }
    });
  });
});
