import type { Inputs, ProviderFacts, TypeFacts } from "./facts.ts";

/**
 * Google Cloud. `replacedBy` is what the provider marks as immutable (`ForceNew` in the Terraform provider that it is made
 * from), of the inputs that the program sets or that a person might.
 */
const project = "acme-skykv";
const projectNumber = "123456789012";

/** Name that Pulumi makes up. */
const nameOf = (inputs: Inputs, name: string) => `${inputs.name ?? `${name}-1a2b3c4`}`;
const self = (path: string) => `https://www.googleapis.com/compute/v1/${path}`;
const certificate = (subject: string) => `-----BEGIN CERTIFICATE-----\n${subject}\n-----END CERTIFICATE-----\n`;

/** Lower-case, 63 characters, a letter first: what most services accept (RFC 1035). */
const rfc1035 = { input: "name", pattern: /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/ };

/** A right of one member in one role. All of it is what it is: any change is another right. */
const right = (...on: string[]): TypeFacts => ({ replacedBy: [...on, "role", "member", "condition"], tags: null });

/** What Compute Engine has in a project or region, by a name that Pulumi makes up. */
const compute = (kind: string, facts: Partial<TypeFacts> & Pick<TypeFacts, "replacedBy">): TypeFacts => {
  const path = (inputs: Inputs, name: string) => {
    const place = inputs.region === undefined ? "global" : `regions/${inputs.region}`;
    return `projects/${project}/${place}/${kind}/${nameOf(inputs, name)}`;
  };
  return {
    tags: null,
    physicalName: rfc1035,
    id: path,
    ...facts,
    replacedBy: ["name", "project", "region", ...facts.replacedBy],
    outputs: (inputs, name) => ({
      name: nameOf(inputs, name),
      selfLink: self(path(inputs, name)),
      ...facts.outputs?.(inputs, name),
    }),
  };
};

/** An address in a range for documentation, another one for each name. */
const publicAddress = (name: string) =>
  `203.0.113.${1 + ([...name].reduce((sum, char) => sum * 31 + char.codePointAt(0)!, 0) % 254)}`;

const account = (inputs: Inputs) => `${inputs.accountId}@${project}.iam.gserviceaccount.com`;

const identityPool = (inputs: Inputs) =>
  `projects/${projectNumber}/locations/global/workloadIdentityPools/${inputs.workloadIdentityPoolId}`;

export const facts: ProviderFacts = {
  resources: {
    "gcp:projects/service:Service": { replacedBy: ["service", "project"], tags: null },
    "gcp:projects/serviceIdentity:ServiceIdentity": { replacedBy: ["service", "project"], tags: null },
    "gcp:projects/iAMMember:IAMMember": right("project"),
    // It is the whole of a service's audit configuration, and the only one.
    "gcp:projects/iAMAuditConfig:IAMAuditConfig": { replacedBy: ["project", "service"], tags: null },

    "gcp:kms/keyRing:KeyRing": {
      replacedBy: ["name", "location", "project"],
      tags: null,
      physicalName: { input: "name", pattern: /^[a-zA-Z0-9_-]{1,63}$/, within: ["location"] },
      id: (inputs, name) => `projects/${project}/locations/${inputs.location}/keyRings/${nameOf(inputs, name)}`,
    },
    "gcp:kms/cryptoKey:CryptoKey": {
      replacedBy: ["name", "keyRing", "purpose", "destroyScheduledDuration", "importOnly", "cryptoKeyBackend"],
      stateful: true,
      tags: "labels",
      physicalName: { input: "name", pattern: /^[a-zA-Z0-9_-]{1,63}$/, within: ["keyRing"] },
      id: (inputs, name) => `${inputs.keyRing}/cryptoKeys/${nameOf(inputs, name)}`,
    },
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": right("cryptoKeyId"),

    "gcp:compute/network:Network": compute("networks", {
      replacedBy: ["autoCreateSubnetworks", "description", "internalIpv6Range", "networkProfile"],
    }),
    // A range can grow in place; this program never shrinks or moves one.
    "gcp:compute/subnetwork:Subnetwork": compute("subnetworks", {
      replacedBy: ["network", "description", "ipCidrRange", "reservedInternalRange"],
    }),
    "gcp:compute/firewall:Firewall": compute("firewalls", { replacedBy: ["network", "direction"] }),
    "gcp:compute/router:Router": compute("routers", { replacedBy: ["network", "encryptedInterconnectRouter"] }),
    "gcp:compute/routerNat:RouterNat": compute("nats", { replacedBy: ["router", "initialNatIps", "type"] }),
    "gcp:compute/address:Address": compute("addresses", {
      replacedBy: [
        ...["address", "addressType", "description", "ipVersion", "network", "networkTier"],
        ...["prefixLength", "purpose", "subnetwork"],
      ],
      tags: "labels",
      outputs: ({ addressType }, name) => ({
        address: addressType === "INTERNAL" ? "10.35.192.2" : publicAddress(name),
      }),
    }),
    "gcp:compute/forwardingRule:ForwardingRule": compute("forwardingRules", {
      replacedBy: ["description", "ipAddress", "loadBalancingScheme", "network", "subnetwork", "networkTier"],
      tags: "labels",
      outputs: () => ({ pscConnectionId: "78643212345678901", pscConnectionStatus: "ACCEPTED" }),
    }),
    "gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy": {
      replacedBy: ["name", "location", "network", "serviceClass", "project"],
      tags: "labels",
      physicalName: { ...rfc1035, within: ["location"] },
    },
    "gcp:dns/managedZone:ManagedZone": {
      replacedBy: ["name", "dnsName", "visibility", "reverseLookup", "project"],
      tags: "labels",
      physicalName: rfc1035,
      outputs: (inputs, name) => ({ name: nameOf(inputs, name) }),
    },
    "gcp:dns/recordSet:RecordSet": { replacedBy: ["managedZone", "name", "type", "project"], tags: null },

    "gcp:container/cluster:Cluster": {
      replacedBy: [
        ...[
          "name",
          "location",
          "project",
          "description",
          "network",
          "subnetwork",
          "enableAutopilot",
          "datapathProvider",
        ],
        ...["ipAllocationPolicy", "networkingMode", "clusterIpv4Cidr", "defaultMaxPodsPerNode", "initialNodeCount"],
        ...["privateClusterConfig.masterIpv4CidrBlock", "privateClusterConfig.privateEndpointSubnetwork"],
        ...["nodeConfig", "clusterAutoscaling.autoProvisioningDefaults.bootDiskKmsKey", "userManagedKeysConfig"],
        ...["enableKubernetesAlpha", "enableTpu", "confidentialNodes", "masterAuth"],
      ],
      stateful: true,
      tags: "resourceLabels",
      physicalName: { input: "name", pattern: /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/, within: ["location"] },
      id: (inputs, name) => `projects/${project}/locations/${inputs.location}/clusters/${nameOf(inputs, name)}`,
      outputs: (inputs, name) => ({
        name: nameOf(inputs, name),
        endpoint: "10.35.0.2",
        masterAuth: { clusterCaCertificate: Buffer.from(certificate("cluster")).toString("base64") },
        controlPlaneEndpointsConfig: {
          dnsEndpointConfig: {
            allowExternalTraffic: true,
            endpoint: `gke-0a1b2c3d4e5f-${projectNumber}.${inputs.location}.gke.goog`,
          },
        },
      }),
    },
    // Machines and disks of a pool change in place: GKE replaces its nodes one by one.
    "gcp:container/nodePool:NodePool": {
      replacedBy: [
        ...[
          "name",
          "namePrefix",
          "cluster",
          "location",
          "project",
          "initialNodeCount",
          "maxPodsPerNode",
          "placementPolicy",
        ],
        ...["nodeConfig.serviceAccount", "nodeConfig.oauthScopes", "nodeConfig.bootDiskKmsKey", "nodeConfig.metadata"],
        ...["nodeConfig.shieldedInstanceConfig", "nodeConfig.spot", "nodeConfig.preemptible"],
      ],
      tags: "nodeConfig.resourceLabels",
      physicalName: { input: "name", pattern: /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/, within: ["cluster"] },
    },

    "gcp:sql/databaseInstance:DatabaseInstance": {
      replacedBy: [
        ...["name", "region", "project", "encryptionKeyName", "masterInstanceName", "settings.collation"],
        // Only when it shrinks, and then all data is lost.
        "settings.diskSize",
      ],
      stateful: true,
      tags: "settings.userLabels",
      physicalName: { input: "name", pattern: /^[a-z]([-a-z0-9]{0,82}[a-z0-9])?$/ },
      outputs: (inputs, name) => ({
        name: nameOf(inputs, name),
        connectionName: `${project}:${inputs.region}:${nameOf(inputs, name)}`,
        dnsName: `0a1b2c3d4e5f.6a7b8c9d0e1f.${inputs.region}.sql.goog.`,
        pscServiceAttachmentLink: `projects/k0a1b2c3d4e5f6a7bp-tp/regions/${inputs.region}/serviceAttachments/a-0a1b2c3d4e5f-psc-service-attachment`,
        serverCaCerts: [{ cert: certificate("Google Cloud SQL Server CA"), commonName: "Google Cloud SQL Server CA" }],
      }),
    },
    "gcp:sql/database:Database": {
      replacedBy: ["name", "instance", "project"],
      stateful: true,
      tags: null,
      physicalName: { input: "name", pattern: /^[^/]{1,63}$/, within: ["instance"] },
      outputs: (inputs, name) => ({ name: nameOf(inputs, name) }),
    },
    "gcp:sql/user:User": {
      replacedBy: ["name", "instance", "host", "type", "project"],
      tags: null,
      physicalName: { input: "name", pattern: /^.{1,63}$/, within: ["instance"] },
    },

    // Node type, shards and replicas change in place.
    "gcp:memorystore/instance:Instance": {
      replacedBy: [
        ...["instanceId", "location", "project", "mode", "authorizationMode", "transitEncryptionMode", "kmsKey"],
        ...["zoneDistributionConfig", "desiredAutoCreatedEndpoints", "serverCaMode", "serverCaPool"],
        ...["gcsSource", "managedBackupSource"],
      ],
      stateful: true,
      tags: "labels",
      physicalName: { input: "instanceId", pattern: /^[a-z0-9][a-z0-9-]{2,61}[a-z0-9]$/, within: ["location"] },
      outputs: ({ location, instanceId }) => {
        const connection = (connectionType: string, ipAddress: string) => ({
          pscAutoConnection: { connectionType, ipAddress, port: 6379, projectId: project },
        });
        return {
          name: `projects/${project}/locations/${location}/instances/${instanceId}`,
          endpoints: [
            {
              connections: [
                connection("CONNECTION_TYPE_DISCOVERY", "10.35.192.3"),
                connection("CONNECTION_TYPE_PRIMARY", "10.35.192.4"),
              ],
            },
          ],
          managedServerCas: [{ caCerts: [{ certificates: [certificate("Memorystore Server CA")] }] }],
        };
      },
    },

    "gcp:pubsub/topic:Topic": {
      replacedBy: ["name", "project", "tags"],
      tags: "labels",
      physicalName: { input: "name", pattern: /^(?!goog)[A-Za-z][-A-Za-z0-9._~+%]{2,254}$/ },
      id: (inputs, name) => `projects/${project}/topics/${nameOf(inputs, name)}`,
      outputs: (inputs, name) => ({ name: nameOf(inputs, name) }),
    },
    "gcp:pubsub/subscription:Subscription": {
      replacedBy: ["name", "project", "topic", "filter", "enableMessageOrdering", "tags"],
      tags: "labels",
      physicalName: { input: "name", pattern: /^(?!goog)[A-Za-z][-A-Za-z0-9._~+%]{2,254}$/ },
      id: (inputs, name) => `projects/${project}/subscriptions/${nameOf(inputs, name)}`,
      outputs: (inputs, name) => ({ name: nameOf(inputs, name) }),
    },
    "gcp:pubsub/topicIAMMember:TopicIAMMember": right("topic", "project"),
    "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember": right("subscription", "project"),

    "gcp:storage/bucket:Bucket": {
      replacedBy: [
        "name",
        "location",
        "project",
        "enableObjectRetention",
        "customPlacementConfig",
        "hierarchicalNamespace",
      ],
      stateful: true,
      tags: "labels",
      physicalName: { input: "name", pattern: /^(?!goog)[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$/ },
      id: nameOf,
      outputs: (inputs, name) => ({ name: nameOf(inputs, name), url: `gs://${nameOf(inputs, name)}` }),
    },
    "gcp:storage/bucketIAMMember:BucketIAMMember": right("bucket"),

    "gcp:artifactregistry/repository:Repository": {
      replacedBy: ["repositoryId", "location", "project", "format", "mode", "kmsKeyName"],
      stateful: true,
      tags: "labels",
      physicalName: { input: "repositoryId", pattern: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, within: ["location"] },
      id: ({ location, repositoryId }) => `projects/${project}/locations/${location}/repositories/${repositoryId}`,
    },
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": right("repository", "location", "project"),

    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": {
      replacedBy: ["workloadIdentityPoolId", "project", "mode"],
      tags: null,
      physicalName: { input: "workloadIdentityPoolId", pattern: /^(?!gcp-)[a-z0-9-]{4,32}$/ },
      outputs: (inputs) => ({ name: identityPool(inputs) }),
      id: identityPool,
    },
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": {
      replacedBy: ["workloadIdentityPoolId", "workloadIdentityPoolProviderId", "project"],
      tags: null,
      physicalName: {
        input: "workloadIdentityPoolProviderId",
        pattern: /^(?!gcp-)[a-z0-9-]{4,32}$/,
        within: ["workloadIdentityPoolId"],
      },
      outputs: (inputs) => ({ name: `${identityPool(inputs)}/providers/${inputs.workloadIdentityPoolProviderId}` }),
    },

    "gcp:secretmanager/secret:Secret": {
      // Another key is taken up in place.
      replacedBy: ["secretId", "project", "replication.auto", "replication.userManaged.replicas[].location"],
      stateful: true,
      tags: "labels",
      physicalName: { input: "secretId", pattern: /^[A-Za-z0-9_-]{1,255}$/ },
      id: ({ secretId }) => `projects/${project}/secrets/${secretId}`,
    },
    // A new value is a new version; the one before it goes afterwards.
    "gcp:secretmanager/secretVersion:SecretVersion": { replacedBy: ["secret", "secretData"], tags: null },
    "gcp:secretmanager/secretIamMember:SecretIamMember": right("secretId", "project"),

    "gcp:serviceaccount/account:Account": {
      replacedBy: ["accountId", "project"],
      tags: null,
      physicalName: { input: "accountId", pattern: /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/ },
      id: (inputs) => `projects/${project}/serviceAccounts/${account(inputs)}`,
      outputs: (inputs) => ({
        email: account(inputs),
        member: `serviceAccount:${account(inputs)}`,
        name: `projects/${project}/serviceAccounts/${account(inputs)}`,
        uniqueId: "103456789012345678901",
      }),
    },
    "gcp:serviceaccount/iAMMember:IAMMember": right("serviceAccountId"),

    "gcp:logging/projectSink:ProjectSink": {
      replacedBy: ["name", "project", "uniqueWriterIdentity", "customWriterIdentity"],
      tags: null,
      physicalName: { input: "name", pattern: /^[A-Za-z0-9._-]{1,100}$/ },
      outputs: () => ({
        writerIdentity: `serviceAccount:service-${projectNumber}@gcp-sa-logging.iam.gserviceaccount.com`,
      }),
    },
    "gcp:monitoring/alertPolicy:AlertPolicy": {
      replacedBy: ["project"],
      tags: "userLabels",
      id: (_, name) => `projects/${project}/alertPolicies/${name}`,
    },
    "gcp:monitoring/notificationChannel:NotificationChannel": {
      replacedBy: ["project"],
      tags: "userLabels",
      id: (_, name) => `projects/${project}/notificationChannels/${name}`,
    },
  },
  calls: {
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": () => {
      const emailAddress = `service-${projectNumber}@gs-project-accounts.iam.gserviceaccount.com`;
      return { emailAddress, member: `serviceAccount:${emailAddress}`, project };
    },
  },
};
