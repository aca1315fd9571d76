import * as pulumi from "@pulumi/pulumi";
import type { AzureConfig } from "../config/azure.ts";
import { ports } from "../names.ts";
import { azure } from "../sdk/azure.cjs";
import { planSubnets, type SubnetName, subnetNames } from "./network-plan.ts";
import { located, type Place } from "./place.ts";
import { securityRuleArgs, securityRules } from "./security-rules.ts";

/** A network that the platform lives in, made here or brought. */
export type Network = {
  readonly id: pulumi.Output<string>;
  readonly subnets: Readonly<Record<SubnetName, pulumi.Output<string>>>;
  /** Public addresses from which its pods reach the world. */
  readonly egressAddresses: pulumi.Output<readonly string[]>;
};

type Existing = Extract<AzureConfig["network"], { existing: unknown }>["existing"];

export function existingNetwork(existing: Existing): Network {
  return {
    id: pulumi.output(existing.vnetId),
    subnets: {
      nodes: pulumi.output(existing.nodesSubnetId),
      endpoints: pulumi.output(existing.endpointsSubnetId),
      database: pulumi.output(existing.databaseSubnetId),
      apiServer: pulumi.output(existing.apiServerSubnetId),
    },
    egressAddresses: pulumi.output(existing.egressAddresses),
  };
}

export type NewNetworkArgs = { readonly config: AzureConfig; readonly place: Place; readonly cidr: string };

export class NewNetwork extends pulumi.ComponentResource implements Network {
  readonly id: pulumi.Output<string>;
  readonly subnets: Readonly<Record<SubnetName, pulumi.Output<string>>>;
  readonly egressAddresses: pulumi.Output<readonly string[]>;

  constructor(name: string, { config, place, cidr }: NewNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Network", name, {}, opts);
    const at = located(place);
    const ranges = planSubnets(cidr);
    const rules = securityRules(ranges, config.ingress.mode === "loadbalancer" ? [443, ports.peers] : [ports.peers]);
    const network = new azure.network.VirtualNetwork(
      name,
      { ...at, addressSpace: { addressPrefixes: [cidr] } },
      { parent: this, protect: place.protect },
    );
    const address = publicAddress("egress", at, { parent: this, protect: place.protect });
    const nat = new azure.network.NatGateway(
      "egress",
      { ...at, sku: { name: "Standard" }, publicIpAddresses: [{ id: address.id }], idleTimeoutInMinutes: 10 },
      { parent: this },
    );
    const subnets = chained((subnet, previous) => {
      const group = new azure.network.NetworkSecurityGroup(
        subnet,
        { ...at, securityRules: securityRuleArgs(rules[subnet]) },
        { parent: this },
      );
      return new azure.network.Subnet(
        subnet,
        {
          resourceGroupName: at.resourceGroupName,
          virtualNetworkName: network.name,
          addressPrefix: ranges[subnet],
          networkSecurityGroup: { id: group.id },
          privateEndpointNetworkPolicies: "Enabled",
          ...egress(subnet, nat.id),
          ...delegation(subnet),
        },
        // A network takes one change at a time, and fails the others with AnotherOperationInProgress.
        { parent: this, protect: place.protect, dependsOn: previous },
      );
    });

    this.id = network.id;
    this.subnets = subnets;
    this.egressAddresses = address.ipAddress.apply((it) => [it!]);
    this.registerOutputs({ id: this.id, egressAddresses: this.egressAddresses });
  }
}

/** The service that owns a subnet, and puts into it what it likes. */
const owners: Readonly<Partial<Record<SubnetName, string>>> = {
  database: "Microsoft.DBforPostgreSQL/flexibleServers",
  apiServer: "Microsoft.ContainerService/managedClusters",
};

function delegation(subnet: SubnetName) {
  const serviceName = owners[subnet];
  return serviceName === undefined ? {} : { delegations: [{ name: "service", serviceName }] };
}

/**
 * Nodes leave by the gateway, from an address that the other clouds know; nobody leaves by Azure's default. A service
 * that owns its subnet finds its own way, and such a subnet cannot be shut.
 */
function egress(subnet: SubnetName, natId: pulumi.Input<string>) {
  if (owners[subnet] !== undefined) return {};
  return { defaultOutboundAccess: false, ...(subnet === "nodes" && { natGateway: { id: natId } }) };
}

/** Makes the subnets one after another; each is told of the one before. */
function chained(make: (name: SubnetName, previous: azure.network.Subnet[]) => azure.network.Subnet) {
  const made: azure.network.Subnet[] = [];
  for (const name of subnetNames) made.push(make(name, made.slice(-1)));
  return Object.fromEntries(subnetNames.map((name, index) => [name, made[index]!.id])) as Network["subnets"];
}

/** A public address that outlives the loss of a zone. Its zones cannot be changed. */
export function publicAddress(
  name: string,
  at: Pick<azure.network.PublicIPAddressArgs, "resourceGroupName" | "location" | "tags">,
  opts: pulumi.CustomResourceOptions,
) {
  return new azure.network.PublicIPAddress(
    name,
    {
      ...at,
      sku: { name: "Standard", tier: "Regional" },
      publicIPAllocationMethod: "Static",
      publicIPAddressVersion: "IPv4",
      zones: ["1", "2", "3"],
    },
    opts,
  );
}
