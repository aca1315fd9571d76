import * as pulumi from "@pulumi/pulumi";
import { gcp } from "../sdk/gcp.cjs";
import type { EntityArgs } from "./entity.ts";
import { type Agent, ServiceAgents } from "./service-agents.ts";

/** Kinds of data, each with a key of its own, and Google's agents that encrypt with it. */
export const agentsOf = {
  /** Kubernetes secrets by the agent of GKE, disks of nodes by that of Compute Engine. */
  cluster: ["container", "compute"],
  database: ["sqladmin"],
  cache: ["memorystore"],
  queue: ["pubsub"],
  blobs: ["storage"],
  registry: ["artifactregistry"],
  secrets: ["secretmanager"],
  audit: ["storage"],
} as const satisfies Record<string, readonly Agent[]>;
export type Kind = keyof typeof agentsOf;
const kinds = Object.keys(agentsOf) as Kind[];

export type Key = {
  /** `projects/P/locations/L/keyRings/R/cryptoKeys/K` */
  readonly id: pulumi.Input<string>;
  /** The agents' rights on it. Whatever is encrypted with the key waits for them: without, its creation is refused. */
  readonly grants: readonly pulumi.Resource[];
};

export type KeysArgs = Omit<EntityArgs, "keys" | "nameOf">;

/** Customer-managed keys for all that lies on a disk: one for each kind of data, or the one that the configuration gives. */
export class Keys extends pulumi.ComponentResource {
  readonly #keys: Readonly<Record<Kind, Key>>;

  constructor(name: string, args: KeysArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Keys", name, {}, opts);
    const { config, services } = args;
    const agents = new ServiceAgents("agents", { config, services }, { parent: this });
    this.#keys = config.key === undefined ? ownKeys(args, agents, this) : givenKey(config.key, agents, this);
    this.registerOutputs({});
  }

  of(kind: Kind): Key {
    return this.#keys[kind];
  }
}

/** 90 days, as the CIS benchmark for Google Cloud wants (1.10). Older versions go on decrypting what they encrypted. */
export const rotationPeriod = `${90 * 24 * 60 * 60}s`;

function ownKeys({ config, labels, protect, services }: KeysArgs, agents: ServiceAgents, parent: Keys) {
  const ring = new gcp.kms.KeyRing("keys", { location: config.region }, { parent, dependsOn: services.of("cloudkms") });
  const ownKey = (kind: Kind): Key => {
    const { id } = new gcp.kms.CryptoKey(kind, { keyRing: ring.id, rotationPeriod, labels }, { parent, protect });
    return { id, grants: agentsOf[kind].map((agent) => grant(`${kind}-${agent}`, id, agents, agent, parent)) };
  };
  return Object.fromEntries(kinds.map((kind) => [kind, ownKey(kind)])) as Record<Kind, Key>;
}

function givenKey(id: string, agents: ServiceAgents, parent: Keys) {
  // One for each agent, not for each kind: two resources for one right would take it away when one of them goes.
  const words = [...new Set(kinds.flatMap((kind) => agentsOf[kind]))];
  const grants = new Map(words.map((agent) => [agent, grant(`given-${agent}`, id, agents, agent, parent)]));
  const key = (kind: Kind): Key => ({ id, grants: agentsOf[kind].map((agent) => grants.get(agent)!) });
  return Object.fromEntries(kinds.map((kind) => [kind, key(kind)])) as Record<Kind, Key>;
}

function grant(name: string, cryptoKeyId: pulumi.Input<string>, agents: ServiceAgents, agent: Agent, parent: Keys) {
  return new gcp.kms.CryptoKeyIAMMember(
    name,
    { cryptoKeyId, role: "roles/cloudkms.cryptoKeyEncrypterDecrypter", member: agents.member(agent) },
    // A right cannot be given to an agent that does not exist yet.
    { parent, dependsOn: agents.of(agent) },
  );
}
