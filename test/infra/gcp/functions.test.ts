import assert from "node:assert/strict";
import fc from "fast-check";
import { cacheAlarms, databaseAlarms, queueAlarms } from "../../../infra/gcp/alarm-list.ts";
import { connectCondition, discoveryAddress } from "../../../infra/gcp/cache-args.ts";
import { endpointArgs, kubeconfig } from "../../../infra/gcp/cluster-args.ts";
import { consumerProjects, databaseUser, hostName, zoneName } from "../../../infra/gcp/database-args.ts";
import { labelsOf } from "../../../infra/gcp/labels.ts";

describe("labels of Google Cloud", () => {
  it("are valid whatever the stack is called", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_.-]{1,100}$/), (stack) => {
        const labels = labelsOf({ project: "skykv", stack, owner: "team", "data-class": "public" });
        assert.match(labels.stack!, /^[a-z0-9_-]{1,63}$/);
        assert.deepEqual(
          { ...labels, stack: "" },
          { project: "skykv", stack: "", owner: "team", "data-class": "public" },
        );
      }),
    );
  });
});

describe("the API of Kubernetes on Google Cloud", () => {
  it("has no public address unless ranges are given, and then only these reach it", () => {
    const closed = endpointArgs({ cidrs: [], dns: false });
    assert.equal(closed.privateClusterConfig.enablePrivateEndpoint, true);
    assert.deepEqual(closed.masterAuthorizedNetworksConfig.cidrBlocks, []);
    assert.equal(closed.controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic, false);

    const open = endpointArgs({ cidrs: ["198.51.100.0/24"], dns: false });
    assert.equal(open.privateClusterConfig.enablePrivateEndpoint, false);
    assert.deepEqual(
      open.masterAuthorizedNetworksConfig.cidrBlocks.map(({ cidrBlock }) => cidrBlock),
      ["198.51.100.0/24"],
    );
  });

  it("takes neither certificates nor tokens of ServiceAccounts at its host name", () => {
    const { dnsEndpointConfig } = endpointArgs({ cidrs: [], dns: true }).controlPlaneEndpointsConfig;
    assert.deepEqual(dnsEndpointConfig, {
      allowExternalTraffic: true,
      enableK8sCertsViaDns: false,
      enableK8sTokensViaDns: false,
    });
  });

  it("is reached with a kubeconfig that holds no credential", () => {
    const { users, clusters } = JSON.parse(kubeconfig({ server: "gke-1.us-central1.gke.goog" }));
    assert.deepEqual(clusters[0].cluster, { server: "https://gke-1.us-central1.gke.goog" });
    assert.deepEqual(Object.keys(users[0].user), ["exec"]);
    assert.equal(users[0].user.exec.command, "gke-gcloud-auth-plugin");
    assert.equal(users[0].user.exec.env, undefined);
  });

  it("is checked by its own authority when it is reached by its address", () => {
    const { clusters } = JSON.parse(kubeconfig({ server: "10.0.0.2", certificate: "Y2E=" }));
    assert.deepEqual(clusters[0].cluster, { server: "https://10.0.0.2", "certificate-authority-data": "Y2E=" });
  });
});

describe("Cloud SQL", () => {
  it("knows a service account by its e-mail address without the common end", () => {
    assert.equal(databaseUser("skykv-gcp-api@acme.iam.gserviceaccount.com"), "skykv-gcp-api@acme.iam");
  });

  it("has one name for zones and one for clients, whichever form it gives", () => {
    for (const given of ["a.b.us-central1.sql.goog", "a.b.us-central1.sql.goog."]) {
      assert.equal(zoneName(given), "a.b.us-central1.sql.goog.");
      assert.equal(hostName(given), "a.b.us-central1.sql.goog");
    }
  });

  it("lets in our project, and the one whose network we share", () => {
    const existing = {
      network: "projects/acme-net/global/networks/shared",
      subnetwork: "projects/acme-net/regions/us-central1/subnetworks/skykv",
      podsRange: "pods",
      servicesRange: "services",
      egressAddresses: ["203.0.113.20"],
    };
    assert.deepEqual(consumerProjects({ project: "acme", network: { cidr: "10.32.0.0/14" } }), ["acme"]);
    assert.deepEqual(consumerProjects({ project: "acme", network: { existing } }), ["acme", "acme-net"]);
    assert.deepEqual(consumerProjects({ project: "acme-net", network: { existing } }), ["acme-net"]);
  });
});

describe("Memorystore", () => {
  const connection = (connectionType: string, ipAddress: string) =>
    ({ pscAutoConnection: { connectionType, ipAddress } }) as never;

  it("is found at its discovery endpoint, wherever that stands among the others", () => {
    const endpoints = [
      { connections: [connection("CONNECTION_TYPE_PRIMARY", "10.0.0.4")] },
      { connections: [connection("CONNECTION_TYPE_DISCOVERY", "10.0.0.3")] },
    ];
    assert.equal(discoveryAddress(endpoints), "10.0.0.3");
  });

  it("says what to look for when it has made no endpoint", () => {
    assert.throws(() => discoveryAddress([]), /found none; look whether the network has a service connection policy/);
  });

  it("lets clients into one instance alone", () => {
    const { expression } = connectCondition("us-central1", "skykv-gcp-cache");
    assert.equal(expression, 'resource.name.endsWith("/locations/us-central1/instances/skykv-gcp-cache")');
  });
});

describe("alarms of Google Cloud", () => {
  const all = Object.entries({ ...databaseAlarms, ...cacheAlarms, ...queueAlarms });

  it("watch the one resource that they are named", () => {
    for (const [word, alarm] of all) {
      const { filter } = alarm.condition("acme:postgres-1").conditionThreshold;
      assert.match(
        filter,
        /resource\.labels\.\w+ = "acme:postgres-1" AND metric\.type = "[a-z]+\.googleapis\.com\//,
        word,
      );
    }
  });

  it("wait for whole minutes, as Cloud Monitoring wants, and compare ratios with ratios", () => {
    for (const [word, alarm] of all) {
      const { duration, filter, thresholdValue } = alarm.condition("x").conditionThreshold;
      assert.equal(Number.parseInt(duration, 10) % 60, 0, word);
      if (filter.includes("utilization")) assert.ok(thresholdValue < 1, word);
    }
  });
});
