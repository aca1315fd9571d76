/** Settings whose loss no rule has to notice, and why. Each is a pattern of `TYPE PATH`, with list positions as `[]`. */
export const harmless: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [
    / (.*\.)?(zoneId|probeZone|managedZone|privateZoneName|networkUrl|cryptoKeyId|targetKeyId|keyName|replicationGroupId|resourceName)$/,
    "says which one is meant: the provider refuses it without",
  ],
  [
    /workloadIdentityPool(Provider)?Id$|tenantId$|client-id$|tenant-id$|gcp-service-account$|workload\.identity\/use$|identityId$/,
    "without it no login works, and nothing is open",
  ],
  [/^tls:|(PrivateKeyPem|privateKeyPem|privateKey)$/, "without its key there is no certificate"],
  [/^azure-native:\S+ (identity\.|encryption\..*[iI]dentity)/, "without its identity Azure refuses the key"],
  [
    /(ipCidrRange|cidrBlock|destinationCidrBlock|serviceIpv4Cidr|podCidr|serviceCidr)$/,
    "the plan of addresses, which the cloud demands",
  ],
  [
    /SecurityGroupIngressRule cidrIpv4$|NetworkPolicy spec\.(in|e)gress\[\]\.(to|from)\[\]\.ipBlock\.cidr$/,
    "a rule without its range is refused",
  ],
  [/^kubernetes:helm\.sh/, "what a chart installs is the operator's own"],
  [
    /Probe\.(failureThreshold|periodSeconds|timeoutSeconds|httpGet\.(path|port))$/,
    "how a probe asks, not whether; without a port it is refused",
  ],
  [/startupProbe/, "without it the liveness probe asks earlier, which is stricter"],
  [/volumeMounts\[[\w-]*\]\.readOnly$/, "secrets and ConfigMaps are never writable, and /tmp is meant to be"],
  [
    /spec\.template\.spec\.securityContext\.(runAs\w+|seccompProfile\.type)$/,
    "each container says it for itself, which counts more",
  ],
  [
    /topologySpreadConstraints\[\]\.(labelSelector|matchLabelKeys|maxSkew|nodeTaintsPolicy|whenUnsatisfiable)/,
    "how even the spread is; without its required parts it is refused",
  ],
  [/spec\.maxReplica(s|Count)$/, "the most pods: refused without, and KEDA has a default"],
  [
    /ScaledObject .*authenticationRef|TriggerAuthentication |ClusterSecretStore .*authType$/,
    "without it KEDA or the operator cannot log in, and nothing is open",
  ],
  [
    /(subnetwork:Subnetwork|firewall:Firewall|routerNat:RouterNat) logConfig\./,
    "how much is logged, not whether; what passes the NAT is in the flow logs",
  ],
  [
    /container\/cluster:Cluster (masterAuthorizedNetworksConfig\.cidrBlocks|privateClusterConfig\.enablePrivateEndpoint|clusterAutoscaling\.autoProvisioningDefaults\.oauthScopes)$/,
    "no range is closed, as the empty list is; rights come from the account of the nodes",
  ],
  [
    /backupConfiguration\.(location|startTime)$|finalSnapshotIdentifier$|copyTagsToSnapshot$/,
    "where, when and under what name: the cloud has a default, or refuses",
  ],
  [/secretmanager\S+ replication\.userManaged\.replicas\[\]\.location$/, "refused without"],
  [
    /elasticache\/user:User authenticationMode\.passwords$|kmsDataKeyReusePeriodSeconds$|RotationPolicy\.lifetimeActions\[\]\.trigger/,
    "refused without, or a matter of cost",
  ],
  [
    /rotationPolicy\.lifetimeActions\[\]\.(action\.type|trigger\.\w+)$/,
    "a notice besides the rotation; a trigger is demanded by Azure",
  ],
  [/s3\/bucket:Bucket objectLockEnabled$/, "S3 refuses a lock's configuration without it"],
  [/dnsRecord:DnsRecord proxied$/, "proxied is stricter"],
  [
    /PrivateDnsZoneGroup|PrivateEndpoint |VirtualNetworkLink|PrivateZone /,
    "without it nothing is reached, since public access is off",
  ],
  [
    /PublicIPAddress publicIP|NatGateway publicIpAddresses|Server (availabilityZone|highAvailability\.standbyAvailabilityZone)$|Server network\.privateDnsZoneArmResourceId$/,
    "which one: Azure chooses or refuses",
  ],
  [/VirtualNetwork enable(Ddos|Vm)Protection$/, "on is stricter, and dear"],
  [/Subnet private(Endpoint|LinkService)NetworkPolicies$/, "on by default; off is a violation"],
  [
    /FlowLog (flowAnalytics|retentionPolicy)|Registry policies\.retentionPolicy|changeFeed|rules\[\]\.ratelimit\.requestsToOrigin$|queue:Queue lockDuration|servicebus:Queue lockDuration$/,
    "a matter of cost or comfort, not of safety",
  ],
  [/BlobContainer immutableStorageWithVersioning\.enabled$/, "Azure refuses the immutability policy without it"],
  [/StorageAccount publicNetworkAccess$/, "closed by networkRuleSet, which a rule holds"],
  [/ManagedCluster apiServerAccessProfile\.privateDNSZone$/, "the default is the same"],
  [
    /loadBalancer:LoadBalancer regionPools\.\w+$/,
    "a region that is not listed goes to defaultPools, which a rule holds",
  ],
  [/loadBalancerPool:LoadBalancerPool origins\[[\w-]+\]\.enabled$/, "one address of several; a monitor sees the rest"],
  [
    / env\[\w+\]\.value$|containers\[[\w-]+\]\.env\[\w+\]\.value$/,
    "settings of the service, which refuses to start with wrong ones",
  ],
  [
    /[bB]ehavior\.scale(Up|Down)\.policies\[\]\.value$|triggers\[\]\.metadata\.value$/,
    "how quickly it scales; refused without",
  ],
  [/cluster:Cluster computeConfig\.enabled$/, "without Auto Mode there are no nodes, and nothing runs"],
  [
    /parameters\[log_\w+\]\.value$|Configuration \w*log\w* value$|logging\.enabled$/,
    "a log that helps to find slow or refused requests",
  ],
  [
    /^azure-native:monitor:|keda\.enabled$|ManagementPolicy policy\.rules/,
    "alarms, scaling and cost: nothing is open or lost without",
  ],
  [
    /immutabilityPolicyName$|BlobServiceProperties restorePolicy\.enabled$|keyvault:Secret properties\.value$|dnsRecord:DnsRecord data\.value$/,
    "refused without, or off is the default and on is stricter",
  ],
  [
    /ZoneSetting (automatic_https_rewrites|browser_check|email_obfuscation|http3|rocket_loader) value$/,
    "what browsers are shown: the API does not depend on it",
  ],
  [
    /strict_transport_security\.(include_subdomains|nosniff|preload)$/,
    "on is stricter; the service sends nosniff itself",
  ],
];
