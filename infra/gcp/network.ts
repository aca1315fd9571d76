import * as pulumi from "@pulumi/pulumi";
import type { GcpConfig } from "../config/gcp.ts";
import { gcp } from "../sdk/gcp.cjs";
import type { EntityArgs } from "./entity.ts";
import { rangesOf } from "./ranges.ts";

/** What the other entities must know of the network. */
export type Place = {
  /** `projects/P/global/networks/N` */
  readonly network: pulumi.Input<string>;
  /** Of nodes, as `projects/P/regions/R/subnetworks/S`. */
  readonly subnetwork: pulumi.Input<string>;
  /** Names of its secondary ranges. */
  readonly podsRange: string;
  readonly servicesRange: string;
  /** Subnetwork of private endpoints. */
  readonly endpoints: pulumi.Input<string>;
  readonly egressAddresses: pulumi.Output<readonly string[]>;
  /** What must exist before Memorystore makes its endpoints. */
  readonly endpointPolicy: readonly pulumi.Resource[];
  /** What pods reach the internet through. */
  readonly egress: readonly pulumi.Resource[];
};

type NetworkArgs = Pick<EntityArgs, "config" | "labels" | "services">;

/** A network of our own, with no way in but what load balancers open; or the one that the configuration names. */
export class Network extends pulumi.ComponentResource {
  readonly place: Place;

  constructor(name: string, args: NetworkArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Network", name, {}, opts);
    const { network } = args.config;
    this.place = "existing" in network ? existingPlace(network.existing) : newPlace(network.cidr, args, this);
    this.registerOutputs({});
  }
}

type Existing = Extract<GcpConfig["network"], { existing: unknown }>["existing"];

/** Its owner has made the service connection policy for Memorystore: there can be only one in a network and region. */
function existingPlace(existing: Existing): Place {
  const { network, subnetwork, podsRange, servicesRange, egressAddresses } = existing;
  return {
    ...{ network, subnetwork, podsRange, servicesRange },
    endpoints: subnetwork,
    egressAddresses: pulumi.output(egressAddresses),
    endpointPolicy: [],
    egress: [],
  };
}

function newPlace(cidr: string, args: NetworkArgs, parent: Network): Place {
  const { config, labels, services } = args;
  const { region } = config;
  const ranges = rangesOf(cidr);
  const vpc = new gcp.compute.Network(
    "network",
    { autoCreateSubnetworks: false, routingMode: "REGIONAL" },
    { parent, dependsOn: services.of("compute") },
  );
  const shared = { region, network: vpc.id, privateIpGoogleAccess: true, logConfig: flowLogs };
  const nodes = new gcp.compute.Subnetwork(
    "nodes",
    {
      ...shared,
      ipCidrRange: ranges.nodes,
      secondaryIpRanges: [
        { rangeName: "pods", ipCidrRange: ranges.pods },
        { rangeName: "services", ipCidrRange: ranges.services },
      ],
    },
    { parent },
  );
  const endpoints = new gcp.compute.Subnetwork("endpoints", { ...shared, ipCidrRange: ranges.endpoints }, { parent });
  new gcp.compute.Firewall("deny-ingress", { network: vpc.id, ...denyIngress }, { parent });
  const { addresses, nat } = egressOf({ region, labels, vpc, nodes, services }, parent);
  const policy = new gcp.networkconnectivity.ServiceConnectionPolicy(
    "memorystore",
    {
      location: region,
      network: vpc.id,
      serviceClass: "gcp-memorystore",
      pscConfig: { subnetworks: [endpoints.id] },
      labels,
    },
    { parent, dependsOn: services.of("networkconnectivity", "serviceconsumermanagement") },
  );
  return {
    network: vpc.id,
    subnetwork: nodes.id,
    podsRange: "pods",
    servicesRange: "services",
    endpoints: endpoints.id,
    egressAddresses: pulumi.all(addresses.map(({ address }) => address)),
    endpointPolicy: [policy],
    egress: [nat],
  };
}

/** Half of all flows, one line for ten minutes: enough to see who talked to whom. The default writes one every 5 seconds. */
const flowLogs = { aggregationInterval: "INTERVAL_10_MIN", flowSampling: 0.5, metadata: "INCLUDE_ALL_METADATA" };

/**
 * Google Cloud denies what no rule allows, but logs none of it. This rule says the same and logs. Those that GKE makes for
 * nodes and load balancers have priority 1000 and go before it.
 */
const denyIngress = {
  direction: "INGRESS",
  priority: 65_534,
  denies: [{ protocol: "all" }],
  sourceRanges: ["0.0.0.0/0"],
  logConfig: { metadata: "INCLUDE_ALL_METADATA" },
};

type Egress = {
  readonly region: string;
  readonly labels: EntityArgs["labels"];
  readonly vpc: gcp.compute.Network;
  readonly nodes: gcp.compute.Subnetwork;
  readonly services: EntityArgs["services"];
};

/** Fixed addresses towards the internet, which the other clouds let in. Each has 64,512 ports, so two carry 129,000 connections to one peer. */
function egressOf({ region, labels, vpc, nodes, services }: Egress, parent: Network) {
  const addresses = ["egress-a", "egress-b"].map(
    (word) =>
      new gcp.compute.Address(
        word,
        { region, addressType: "EXTERNAL", networkTier: "PREMIUM", labels },
        { parent, dependsOn: services.of("compute") },
      ),
  );
  const router = new gcp.compute.Router("router", { region, network: vpc.id }, { parent });
  const nat = new gcp.compute.RouterNat(
    "nat",
    {
      region,
      router: router.name,
      natIpAllocateOption: "MANUAL_ONLY",
      natIps: addresses.map(({ selfLink }) => selfLink),
      sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
      subnetworks: [{ name: nodes.id, sourceIpRangesToNats: ["ALL_IP_RANGES"] }],
      // A busy node gets more ports than the 64 of the default; that needs endpoint-independent mapping off.
      enableDynamicPortAllocation: true,
      enableEndpointIndependentMapping: false,
      minPortsPerVm: 64,
      maxPortsPerVm: 4096,
      logConfig: { enable: true, filter: "ERRORS_ONLY" },
    },
    { parent },
  );
  return { addresses, nat };
}
