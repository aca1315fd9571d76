import * as pulumi from "@pulumi/pulumi";
import type { ZoneLetter } from "../config/aws.ts";
import { aws } from "../sdk/aws.cjs";
import type { Tags } from "../tags.ts";
import { named } from "./names.ts";
import type { ZoneRanges } from "./subnets.ts";

export type ZoneArgs = {
  readonly region: string;
  readonly letter: ZoneLetter;
  readonly ranges: ZoneRanges;
  readonly vpcId: pulumi.Output<string>;
  readonly gateway: aws.ec2.InternetGateway;
  /** The NAT gateway of another zone; null: this zone has its own. */
  readonly nat: aws.ec2.NatGateway | null;
  readonly tags: Tags;
};

/** What the network has in one zone. */
export class Zone extends pulumi.ComponentResource {
  readonly subnets: Readonly<Record<keyof ZoneRanges, pulumi.Output<string>>>;
  readonly privateRoutes: pulumi.Output<string>;
  readonly nat: aws.ec2.NatGateway;
  /** Null when its pods get out through another zone. */
  readonly egressAddress: pulumi.Output<string> | null;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: ZoneArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Zone", name, {}, opts);
    const { vpcId, gateway, ranges, tags } = args;
    const parent = { parent: this };
    const subnet = (kind: keyof ZoneRanges, role: Record<string, string> = {}) => {
      const word = `${name}-${kind}`;
      const availabilityZone = `${args.region}${args.letter}`;
      const base = { vpcId, availabilityZone, cidrBlock: ranges[kind], tags: { ...named(tags, word), ...role } };
      const subnet = new aws.ec2.Subnet(word, base, parent);
      const routes = new aws.ec2.RouteTable(word, { vpcId, tags: named(tags, word) }, parent);
      new aws.ec2.RouteTableAssociation(word, { subnetId: subnet.id, routeTableId: routes.id }, parent);
      return { subnet, routes };
    };
    // By these tags load balancers find their subnets.
    const front = subnet("public", { "kubernetes.io/role/elb": "1" });
    const nodes = subnet("private", { "kubernetes.io/role/internal-elb": "1" });
    const intra = subnet("intra");

    const out = (
      kind: string,
      routes: aws.ec2.RouteTable,
      target: { gatewayId?: pulumi.Input<string>; natGatewayId?: pulumi.Input<string> },
    ) =>
      new aws.ec2.Route(
        `${name}-${kind}`,
        { routeTableId: routes.id, destinationCidrBlock: "0.0.0.0/0", ...target },
        parent,
      );
    const publicRoute = out("public", front.routes, { gatewayId: gateway.id });
    if (args.nat === null) {
      const word = `${name}-nat`;
      const address = new aws.ec2.Eip(word, { domain: "vpc", tags: named(tags, word) }, parent);
      this.nat = new aws.ec2.NatGateway(
        word,
        { allocationId: address.allocationId, subnetId: front.subnet.id, tags: named(tags, word) },
        // Without a route to the internet the gateway goes into the state `failed`.
        { ...parent, dependsOn: [publicRoute] },
      );
      this.egressAddress = address.publicIp;
    } else {
      this.nat = args.nat;
      this.egressAddress = null;
    }
    const privateRoute = out("private", nodes.routes, { natGatewayId: this.nat.id });

    this.subnets = { private: nodes.subnet.id, public: front.subnet.id, intra: intra.subnet.id };
    this.privateRoutes = nodes.routes.id;
    this.ready = [publicRoute, privateRoute];
    this.registerOutputs({ subnets: this.subnets });
  }
}
