import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { aws } from "../sdk/aws.cjs";
import type { EntityArgs } from "./entity.ts";
import { named, stackName } from "./names.ts";
import type { Network } from "./network.ts";
import { admit } from "./security-group.ts";

export type BrokerArgs = Pick<EntityArgs, "tags" | "protect"> & {
  readonly network: Network;
  /** Security group of the pods. */
  readonly clients: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;
};

/** Hints for replicators by RabbitMQ, which AWS runs: three nodes in three zones. It has no login by identity. */
export class Broker extends pulumi.ComponentResource {
  readonly name: string;
  readonly host: pulumi.Output<string>;
  readonly port = 5671;
  readonly user: pulumi.Output<string>;
  /** A secret. */
  readonly password: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: BrokerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Broker", name, {}, opts);
    const { clients, key, network, protect, tags } = args;
    const parent = { parent: this };
    this.name = stackName(50);

    const group = new aws.ec2.SecurityGroup(
      name,
      { vpcId: network.vpcId, description: "The broker, from pods", tags: named(tags, name) },
      parent,
    );
    const admission = admit(
      name,
      { group, clients, port: this.port, description: "AMQP over TLS from pods", tags },
      parent,
    );
    this.user = pulumi.output("skykv");
    this.password = new random.RandomPassword(name, { length: 48, special: false }, parent).result;
    const broker = new aws.mq.Broker(
      name,
      {
        brokerName: this.name,
        engineType: "RabbitMQ",
        engineVersion: "4.2",
        // Whoever asks for RabbitMQ gets it in three zones in every profile: it could not be changed later.
        deploymentMode: "CLUSTER_MULTI_AZ",
        hostInstanceType: "mq.m7g.large",
        publiclyAccessible: false,
        subnetIds: Object.values(network.intraSubnets),
        securityGroups: [group.id],
        encryptionOptions: { useAwsOwnedKey: false, kmsKeyId: key },
        // RabbitMQ here takes no version without it.
        autoMinorVersionUpgrade: true,
        users: [{ username: this.user, password: this.password }],
        tags,
      },
      // Another zone in the network must not replace it.
      { ...parent, protect, ignoreChanges: ["subnetIds"] },
    );
    this.ready = [broker, admission];
    this.host = broker.instances.apply((instances) => new URL(instances[0]!.endpoints[0]!).hostname);
    this.registerOutputs({ host: this.host });
  }
}
