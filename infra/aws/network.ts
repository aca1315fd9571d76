import * as pulumi from "@pulumi/pulumi";
import type { AwsConfig, ZoneLetter } from "../config/aws.ts";
import { aws } from "../sdk/aws.cjs";
import { PrivateEndpoints } from "./endpoints.ts";
import type { EntityArgs } from "./entity.ts";
import { named } from "./names.ts";
import { zoneRanges } from "./subnets.ts";
import { Zone } from "./zone.ts";

/** Ids by a stable word: the letter of the zone, or the id itself where the network was given. */
export type Subnets = Readonly<Record<string, pulumi.Output<string>>>;

export type Network = {
  readonly vpcId: pulumi.Output<string>;
  readonly cidr: string;
  readonly privateSubnets: Subnets;
  readonly publicSubnets: Subnets;
  readonly intraSubnets: Subnets;
  readonly egressAddresses: pulumi.Output<readonly string[]>;
  /** What pods need to get out. */
  readonly ready: readonly pulumi.Resource[];
};

type Given = Extract<AwsConfig["network"], { existing: unknown }>["existing"];
type Planned = Exclude<AwsConfig["network"], { existing: unknown }>;

/** The network that is there already, as its owner says it is. */
export function givenNetwork(given: Given): Network {
  const byId = (ids: readonly string[]) => Object.fromEntries(ids.map((id) => [id, pulumi.output(id)]));
  return {
    vpcId: pulumi.output(given.vpcId),
    cidr: given.cidr,
    privateSubnets: byId(given.privateSubnetIds),
    publicSubnets: byId(given.publicSubnetIds),
    intraSubnets: byId(given.intraSubnetIds),
    egressAddresses: pulumi.output(given.egressAddresses),
    ready: [],
  };
}

export type OwnNetworkArgs = Pick<EntityArgs, "tags" | "config"> & { readonly network: Planned };

/** A VPC over several zones. What holds data has no route out of it; pods get out through NAT. */
export class OwnNetwork extends pulumi.ComponentResource implements Network {
  readonly vpcId: pulumi.Output<string>;
  readonly cidr: string;
  readonly privateSubnets: Subnets;
  readonly publicSubnets: Subnets;
  readonly intraSubnets: Subnets;
  readonly egressAddresses: pulumi.Output<readonly string[]>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { config, network, tags }: OwnNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Network", name, {}, opts);
    const parent = { parent: this };
    const letters = network.zones.toSorted();
    const vpc = new aws.ec2.Vpc(
      name,
      { cidrBlock: network.cidr, enableDnsHostnames: true, enableDnsSupport: true, tags: named(tags, name) },
      parent,
    );
    // A resource without a security group would get this one: it lets nothing through.
    new aws.ec2.DefaultSecurityGroup(name, { vpcId: vpc.id, tags }, parent);
    const gateway = new aws.ec2.InternetGateway(name, { vpcId: vpc.id, tags }, parent);

    const zones = new Map<ZoneLetter, Zone>();
    for (const letter of letters) {
      const nat = network.natPerZone ? null : (zones.get(letters[0]!)?.nat ?? null);
      const zone = { region: config.region, letter, ranges: zoneRanges(network.cidr, letter), nat };
      zones.set(letter, new Zone(letter, { ...zone, vpcId: vpc.id, gateway, tags }, parent));
    }
    const all = [...zones.values()];
    new PrivateEndpoints("endpoints", { config, network, vpcId: vpc.id, zones: [...zones], tags }, parent);

    const subnets = (kind: "private" | "public" | "intra") =>
      Object.fromEntries([...zones].map(([letter, zone]) => [letter, zone.subnets[kind]]));
    this.vpcId = vpc.id;
    this.cidr = network.cidr;
    this.privateSubnets = subnets("private");
    this.publicSubnets = subnets("public");
    this.intraSubnets = subnets("intra");
    this.egressAddresses = pulumi.all(all.flatMap((zone) => zone.egressAddress ?? []));
    // Nodes that start before there is a way out cannot fetch images, and are given up after a while.
    this.ready = all.flatMap((zone) => zone.ready);
    this.registerOutputs({ vpcId: this.vpcId, egressAddresses: this.egressAddresses });
  }
}
