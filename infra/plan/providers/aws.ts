import { createHash } from "node:crypto";
import type { Inputs, ProviderFacts, TypeFacts } from "./facts.ts";

/**
 * Amazon Web Services. `replacedBy` is what the provider marks as immutable (`ForceNew` in the Terraform provider that it
 * is made from), of the inputs that the program sets or that a person might.
 */
const account = "111122223333";
const region = "us-east-1";

const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${account}:${resource}`;
const hash = (name: string) => createHash("sha256").update(name).digest("hex");
/** An id such as `vpc-0a1b2c3d4e5f60718`. */
const idOf = (prefix: string) => (_: Inputs, name: string) => `${prefix}-0${hash(`${prefix}/${name}`).slice(0, 16)}`;
const uuid = (name: string) => hash(name).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
/** The name that was given, or the one that Pulumi makes up. */
const nameBy = (input: string) => (inputs: Inputs, name: string) => `${inputs[input] ?? `${name}-1a2b3c4`}`;
const named = nameBy("name");

/** What EC2 has: known by an id that it makes up. */
const ec2 = (prefix: string, replacedBy: string[], more: Partial<TypeFacts> = {}): TypeFacts => ({
  id: idOf(prefix),
  replacedBy,
  tags: "tags",
  ...more,
});

/** A setting of something else, with no name and no tags of its own. */
const settingOf = (...on: string[]): TypeFacts => ({ replacedBy: on, tags: null });

/** Everything about it is fixed. */
const rule: TypeFacts = ec2("sgr", ["securityGroupId"]);

const physical = (input: string, pattern: RegExp) => ({ physicalName: { input, pattern } });

const network: ProviderFacts["resources"] = {
  "aws:ec2/vpc:Vpc": ec2("vpc", ["cidrBlock", "instanceTenancy", "ipv4IpamPoolId"]),
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ec2("sg", ["vpcId"]),
  "aws:ec2/internetGateway:InternetGateway": ec2("igw", []),
  "aws:ec2/subnet:Subnet": ec2("subnet", ["vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId"]),
  "aws:ec2/routeTable:RouteTable": ec2("rtb", ["vpcId"]),
  "aws:ec2/routeTableAssociation:RouteTableAssociation": settingOf("subnetId", "gatewayId"),
  "aws:ec2/route:Route": settingOf("routeTableId", "destinationCidrBlock"),
  "aws:ec2/eip:Eip": ec2("eipalloc", ["domain", "networkBorderGroup", "publicIpv4Pool"], {
    outputs: (inputs, name) => {
      const [a, b, c] = Buffer.from(hash(name), "hex");
      return { publicIp: `18.${a}.${b}.${c}`, allocationId: idOf("eipalloc")(inputs, name) };
    },
  }),
  "aws:ec2/natGateway:NatGateway": ec2("nat", ["subnetId", "allocationId", "connectivityType", "privateIp"]),
  "aws:ec2/vpcEndpoint:VpcEndpoint": ec2("vpce", ["vpcId", "serviceName", "vpcEndpointType", "serviceRegion"]),
  "aws:ec2/securityGroup:SecurityGroup": ec2("sg", ["vpcId", "name", "namePrefix", "description"]),
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": rule,
  "aws:ec2/flowLog:FlowLog": ec2("fl", [
    "vpcId",
    "trafficType",
    "logDestination",
    "logDestinationType",
    "logFormat",
    "maxAggregationInterval",
    "destinationOptions",
    "iamRoleArn",
  ]),
};

const cluster: ProviderFacts["resources"] = {
  "aws:eks/cluster:Cluster": {
    id: ({ name }) => `${name}`,
    outputs: ({ name }) => ({
      arn: arn("eks", `cluster/${name}`),
      endpoint: `https://${hash(`${name}`).slice(0, 32).toUpperCase()}.gr7.${region}.eks.amazonaws.com`,
      certificateAuthority: { data: Buffer.from("-----BEGIN CERTIFICATE-----\n").toString("base64") },
      identities: [
        {
          oidcs: [
            { issuer: `https://oidc.eks.${region}.amazonaws.com/id/${hash(`${name}`).slice(0, 32).toUpperCase()}` },
          ],
        },
      ],
      vpcConfig: { clusterSecurityGroupId: idOf("sg")({}, `eks-cluster-sg-${name}`) },
    }),
    replacedBy: [
      "name",
      "roleArn",
      "bootstrapSelfManagedAddons",
      "accessConfig.bootstrapClusterCreatorAdminPermissions",
      "kubernetesNetworkConfig.ipFamily",
      "kubernetesNetworkConfig.serviceIpv4Cidr",
      // Also when it goes.
      "computeConfig.nodeRoleArn",
      "remoteNetworkConfig",
    ],
    stateful: true,
    tags: "tags",
    ...physical("name", /^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/),
  },
  "aws:eks/addon:Addon": {
    id: ({ clusterName, addonName }) => `${clusterName}:${addonName}`,
    replacedBy: ["clusterName", "addonName", "namespaceConfig"],
    tags: "tags",
  },
  "aws:eks/accessEntry:AccessEntry": {
    id: ({ clusterName, principalArn }) => `${clusterName}:${principalArn}`,
    replacedBy: ["clusterName", "principalArn", "type"],
    tags: "tags",
  },
  "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": settingOf(
    "clusterName",
    "principalArn",
    "policyArn",
    "accessScope",
  ),
  "aws:eks/podIdentityAssociation:PodIdentityAssociation": {
    id: (_, name) => `a-${hash(name).slice(0, 17)}`,
    replacedBy: ["clusterName", "namespace", "serviceAccount"],
    tags: "tags",
  },
  "aws:eks/nodeGroup:NodeGroup": {
    id: ({ clusterName }, name) => `${clusterName}:${name}-1a2b3c4`,
    replacedBy: [
      "clusterName",
      "nodeGroupName",
      "nodeRoleArn",
      "subnetIds",
      "amiType",
      "capacityType",
      "diskSize",
      "instanceTypes",
      "remoteAccess",
      "launchTemplate.id",
      "launchTemplate.name",
    ],
    tags: "tags",
  },
  "aws:ec2/launchTemplate:LaunchTemplate": ec2("lt", ["name", "namePrefix"], {
    outputs: () => ({ latestVersion: 1 }),
  }),
};

const data: ProviderFacts["resources"] = {
  "aws:kms/key:Key": {
    id: (_, name) => uuid(`key/${name}`),
    outputs: (_, name) => ({ arn: arn("kms", `key/${uuid(`key/${name}`)}`), keyId: uuid(`key/${name}`) }),
    replacedBy: ["keyUsage", "customerMasterKeySpec", "multiRegion", "customKeyStoreId", "xksKeyId"],
    stateful: true,
    tags: "tags",
  },
  "aws:kms/alias:Alias": {
    id: ({ name }) => `${name}`,
    replacedBy: ["name", "namePrefix"],
    tags: null,
    ...physical("name", /^alias\/(?!aws\/)[a-zA-Z0-9/_-]{1,250}$/),
  },
  "aws:rds/subnetGroup:SubnetGroup": {
    id: named,
    outputs: (inputs, name) => ({ name: named(inputs, name) }),
    replacedBy: ["name", "namePrefix"],
    tags: "tags",
  },
  "aws:rds/clusterParameterGroup:ClusterParameterGroup": {
    id: named,
    outputs: (inputs, name) => ({ name: named(inputs, name) }),
    replacedBy: ["name", "namePrefix", "family", "description"],
    tags: "tags",
  },
  "aws:rds/cluster:Cluster": {
    id: nameBy("clusterIdentifier"),
    outputs: (inputs, name) => ({
      arn: arn("rds", `cluster:${nameBy("clusterIdentifier")(inputs, name)}`),
      endpoint: `${nameBy("clusterIdentifier")(inputs, name)}.cluster-${hash(name).slice(0, 12)}.${region}.rds.amazonaws.com`,
      clusterResourceId: `cluster-${hash(name).slice(0, 26).toUpperCase()}`,
      masterUserSecrets: [
        { secretArn: arn("secretsmanager", `secret:rds!cluster-${uuid(name)}-AbCdEf`), secretStatus: "active" },
      ],
    }),
    replacedBy: [
      "clusterIdentifier",
      "clusterIdentifierPrefix",
      "engine",
      "engineMode",
      "databaseName",
      "masterUsername",
      "kmsKeyId",
      "storageEncrypted",
      "dbSubnetGroupName",
      "availabilityZones",
      "clusterScalabilityType",
      "dbSystemId",
      "snapshotIdentifier",
      "sourceRegion",
      "restoreToPointInTime",
    ],
    stateful: true,
    tags: "tags",
    ...physical("clusterIdentifier", /^[a-z](?!.*--)[a-z0-9-]{0,61}[a-z0-9]$/),
  },
  "aws:rds/clusterInstance:ClusterInstance": {
    // Not by Pulumi but by the provider, which counts from the time.
    id: ({ identifier }, name) => `${identifier ?? `tf-${parseInt(hash(name).slice(0, 12), 16)}`}`,
    replacedBy: [
      "clusterIdentifier",
      "identifier",
      "identifierPrefix",
      "engine",
      "availabilityZone",
      "dbSubnetGroupName",
      "customIamInstanceProfile",
    ],
    // The data is the cluster's, not its.
    tags: "tags",
  },
  "aws:elasticache/subnetGroup:SubnetGroup": {
    id: named,
    outputs: (inputs, name) => ({ name: named(inputs, name) }),
    replacedBy: ["name"],
    tags: "tags",
  },
  "aws:elasticache/user:User": {
    id: ({ userId }) => `${userId}`,
    outputs: ({ userId }) => ({ arn: arn("elasticache", `user:${userId}`) }),
    replacedBy: ["userId", "userName"],
    tags: "tags",
    ...physical("userId", /^[a-z](?!.*--)[a-z0-9-]{0,38}[a-z0-9]$/),
  },
  "aws:elasticache/userGroup:UserGroup": {
    id: ({ userGroupId }) => `${userGroupId}`,
    outputs: ({ userGroupId }) => ({ arn: arn("elasticache", `usergroup:${userGroupId}`) }),
    replacedBy: ["userGroupId"],
    tags: "tags",
    ...physical("userGroupId", /^[a-z](?!.*--)[a-z0-9-]{0,38}[a-z0-9]$/),
  },
  "aws:elasticache/replicationGroup:ReplicationGroup": {
    id: nameBy("replicationGroupId"),
    outputs: ({ replicationGroupId }) => ({
      arn: arn("elasticache", `replicationgroup:${replicationGroupId}`),
      configurationEndpointAddress: `clustercfg.${replicationGroupId}.${hash(`${replicationGroupId}`).slice(0, 6)}.use1.cache.amazonaws.com`,
    }),
    replacedBy: [
      "replicationGroupId",
      "atRestEncryptionEnabled",
      "kmsKeyId",
      "port",
      "subnetGroupName",
      "networkType",
      "dataTieringEnabled",
      "globalReplicationGroupId",
      "securityGroupNames",
      "snapshotArns",
      "snapshotName",
      "nodeGroupConfigurations",
    ],
    stateful: true,
    tags: "tags",
    ...physical("replicationGroupId", /^[a-z](?!.*--)[a-z0-9-]{0,38}[a-z0-9]$/),
  },
  "aws:sqs/queue:Queue": {
    id: (inputs, name) => `https://sqs.${region}.amazonaws.com/${account}/${named(inputs, name)}`,
    outputs: (inputs, name) => ({
      arn: arn("sqs", named(inputs, name)),
      name: named(inputs, name),
      url: `https://sqs.${region}.amazonaws.com/${account}/${named(inputs, name)}`,
    }),
    // Not stateful: a lost hint is harmless.
    replacedBy: ["name", "namePrefix", "fifoQueue"],
    tags: "tags",
  },
  "aws:sqs/queuePolicy:QueuePolicy": settingOf("queueUrl"),
  "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": settingOf("queueUrl"),
  "aws:mq/broker:Broker": {
    id: (_, name) => `b-${uuid(name)}`,
    outputs: ({ brokerName }, name) => ({
      arn: arn("mq", `broker:${brokerName}:b-${uuid(name)}`),
      instances: [
        {
          consoleUrl: `https://b-${uuid(name)}.mq.${region}.on.aws`,
          endpoints: [`amqps://b-${uuid(name)}.mq.${region}.on.aws:5671`],
        },
      ],
    }),
    replacedBy: [
      "brokerName",
      "engineType",
      "deploymentMode",
      "encryptionOptions",
      "publiclyAccessible",
      "subnetIds",
      "ldapServerMetadata",
      "dataReplicationPrimaryBrokerArn",
    ],
    stateful: true,
    tags: "tags",
    ...physical("brokerName", /^[A-Za-z0-9_-]{1,50}$/),
  },
  "aws:s3/bucket:Bucket": {
    id: (inputs, name) => nameBy("bucket")(inputs, name),
    outputs: (inputs, name) => ({
      bucket: nameBy("bucket")(inputs, name),
      arn: `arn:aws:s3:::${nameBy("bucket")(inputs, name)}`,
    }),
    replacedBy: ["bucket", "bucketPrefix", "objectLockEnabled", "bucketNamespace"],
    stateful: true,
    tags: "tags",
  },
  "aws:s3/bucketVersioning:BucketVersioning": settingOf("bucket", "expectedBucketOwner"),
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": settingOf(
    "bucket",
    "expectedBucketOwner",
  ),
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": settingOf("bucket"),
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": settingOf("bucket"),
  "aws:s3/bucketPolicy:BucketPolicy": settingOf("bucket"),
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": settingOf("bucket", "expectedBucketOwner"),
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": settingOf("bucket", "expectedBucketOwner"),
  "aws:ecr/repository:Repository": {
    id: named,
    outputs: (inputs, name) => ({
      name: named(inputs, name),
      arn: arn("ecr", `repository/${named(inputs, name)}`),
      repositoryUrl: `${account}.dkr.ecr.${region}.amazonaws.com/${named(inputs, name)}`,
    }),
    replacedBy: ["name", "encryptionConfigurations"],
    stateful: true,
    tags: "tags",
  },
  // A policy has no update: another one is put in its place.
  "aws:ecr/lifecyclePolicy:LifecyclePolicy": settingOf("repository", "policy"),
  "aws:secretsmanager/secret:Secret": {
    id: (_, name) => arn("secretsmanager", `secret:${name}-1a2b3c4-AbCdEf`),
    outputs: (_, name) => ({ arn: arn("secretsmanager", `secret:${name}-1a2b3c4-AbCdEf`) }),
    replacedBy: ["name", "namePrefix"],
    stateful: true,
    tags: "tags",
  },
  // Another value is another version; the secret itself stays.
  "aws:secretsmanager/secretVersion:SecretVersion": settingOf("secretId", "secretString", "secretBinary"),
};

const people: ProviderFacts["resources"] = {
  "aws:iam/role:Role": {
    id: named,
    outputs: (inputs, name) => ({
      name: named(inputs, name),
      arn: `arn:aws:iam::${account}:role/${named(inputs, name)}`,
    }),
    replacedBy: ["name", "namePrefix", "path"],
    tags: "tags",
  },
  // An account has one at most for each issuer.
  "aws:iam/openIdConnectProvider:OpenIdConnectProvider": {
    outputs: ({ url }) => ({ arn: `arn:aws:iam::${account}:oidc-provider/${String(url).replace("https://", "")}` }),
    replacedBy: ["url"],
    tags: "tags",
    ...physical("url", /^https:\/\/[\w.:/-]{1,247}$/),
  },
  "aws:iam/rolePolicy:RolePolicy": settingOf("role", "name", "namePrefix"),
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": settingOf("role", "policyArn"),
  "aws:cloudwatch/logGroup:LogGroup": {
    id: named,
    outputs: (inputs, name) => ({ arn: arn("logs", `log-group:${named(inputs, name)}`) }),
    replacedBy: ["name", "namePrefix", "logGroupClass"],
    stateful: true,
    tags: "tags",
    ...physical("name", /^[.\-_/#A-Za-z0-9]{1,512}$/),
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": { id: named, replacedBy: ["name"], tags: "tags" },
  "aws:cloudtrail/trail:Trail": {
    id: named,
    outputs: (inputs, name) => ({ arn: arn("cloudtrail", `trail/${named(inputs, name)}`) }),
    replacedBy: ["name"],
    tags: "tags",
    ...physical("name", /^[a-zA-Z0-9](?!.*[._-]{2})[a-zA-Z0-9._-]{1,126}[a-zA-Z0-9]$/),
  },
  "aws:sns/topic:Topic": {
    id: (inputs, name) => arn("sns", named(inputs, name)),
    outputs: (inputs, name) => ({ arn: arn("sns", named(inputs, name)) }),
    replacedBy: ["name", "namePrefix", "fifoTopic"],
    tags: "tags",
  },
  "aws:sns/topicPolicy:TopicPolicy": settingOf("arn"),
  "aws:sns/topicSubscription:TopicSubscription": settingOf("topic", "protocol", "endpoint"),
};

export const facts: ProviderFacts = {
  resources: { ...network, ...cluster, ...data, ...people },
  calls: {
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": ({ registryId }) => ({
      id: region,
      registryId: registryId ?? account,
      authorizationToken: Buffer.from("AWS:example").toString("base64"),
      userName: "AWS",
      password: "example",
      expiresAt: "2030-01-01T00:00:00Z",
      proxyEndpoint: `https://${account}.dkr.ecr.${region}.amazonaws.com`,
    }),
  },
};
