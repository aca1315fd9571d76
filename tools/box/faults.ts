import { regions } from "../../infra/edge/steering.ts";
import type { Cloud as CloudName } from "../../infra/names.ts";
import type { Cloud } from "./cloud.ts";
import type { Action, BoxState } from "./control.ts";
import type { Edge } from "./edge/edge.ts";
import type { PeerLinks } from "./peer-links.ts";

/** Parts of the box that can be disturbed. */
type Parts = { readonly clouds: readonly Cloud[]; readonly links: PeerLinks; readonly edge: Edge };

export function boxState({ clouds, links, edge }: Parts): BoxState {
  const { clouds: members, ...state } = edge.state();
  return {
    edge: state,
    regions,
    clouds: members.map((member) => ({
      ...member,
      condition: clouds.find(({ name }) => name === member.cloud)!.condition(),
      peerLinks: links.state(member.cloud),
    })),
  };
}

/**
 * Does something to a cloud, and resolves when it is done.
 * @throws RangeError where it makes no sense
 */
export async function act({ clouds, links, edge }: Parts, name: string, action: Action): Promise<void> {
  const cloud = clouds.find((one) => one.name === name)!;
  const member = name as CloudName;
  if ((action === "kill" || action === "freeze") && cloud.condition() !== "running" && cloud.condition() !== "frozen")
    throw new RangeError(`${name} is ${cloud.condition()}; heal it or wait until it runs`);
  switch (action) {
    case "kill":
      return cloud.kill();
    case "freeze":
      return cloud.freeze();
    case "cut-peers":
      return links.set(name, "cut");
    case "slow-peers":
      return links.set(name, "slow");
    case "cut-edge":
      return edge.cutOff(member, true);
    case "heal":
      links.set(name, "open");
      edge.cutOff(member, false);
      return cloud.heal();
    case "drain":
    case "undrain":
      return steer(edge, member, action);
  }
}

function steer(edge: Edge, cloud: CloudName, action: "drain" | "undrain"): void {
  try {
    edge.setState(cloud, action === "drain" ? "drained" : "active");
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${cloud} is the last active cloud; undrain another one first`);
  }
}
