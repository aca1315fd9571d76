import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { regions } from "../../infra/edge/steering.ts";
import type { Condition } from "./cloud.ts";
import type { EdgeState } from "./edge/edge.ts";
import type { PeerLink } from "./peer-links.ts";

/** What can be done to a cloud. */
export const actions = ["kill", "freeze", "cut-peers", "slow-peers", "cut-edge", "heal", "drain", "undrain"] as const;
export type Action = (typeof actions)[number];

export type BoxState = {
  readonly edge: Omit<EdgeState, "clouds">;
  /** Where clients may be. */
  readonly regions: typeof regions;
  /** The clouds as the edge knows them, and what was done to them. */
  readonly clouds: readonly (EdgeState["clouds"][number] & {
    readonly condition: Condition;
    readonly peerLinks: PeerLink;
  })[];
};

export type Controlled = {
  state(): BoxState;
  /** Resolves when it is done. Rejects with a RangeError where it makes no sense. */
  act(cloud: string, action: Action): Promise<void>;
};

/**
 * The box's control API, on the edge's port, for this machine alone and with `Authorization: Bearer <admin key>`:
 *
 * - `GET /box`: the {@link BoxState}
 * - `POST /box/clouds/{cloud}:{action}`: one of the {@link actions}; answers the state when it is done. 409 where it makes
 *   no sense, with the reason
 */
export function createControl(box: Controlled, adminKey: string) {
  const expected = digest(`Bearer ${adminKey}`);
  return (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    const authorized = timingSafeEqual(digest(request.headers.authorization ?? ""), expected);
    if (!isLocal(request.socket.remoteAddress)) send(response, 403, { detail: "expected a client on this machine" });
    else if (authorized) answer(box, request, response).catch(() => response.destroy());
    // With another key than the admin key: it may be good for a cloud, so that it is not called invalid.
    else
      send(response, request.headers.authorization ? 403 : 401, {
        detail: "expected Authorization: Bearer with the box's admin key",
      });
  };
}

async function answer(box: Controlled, { method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, cloud, action] = /^\/box\/clouds\/([a-z]+):([a-z-]+)$/.exec(url!) ?? [];
  const isKnown =
    box.state().clouds.some((known) => known.cloud === cloud) && actions.some((known) => known === action);
  if (method === "GET" && url === "/box") return send(response, 200, box.state());
  if (method !== "POST" || !isKnown) {
    const words = actions.join(", ");
    return send(response, 404, {
      detail: `expected GET /box or POST /box/clouds/{cloud}:{action} with one of ${words}`,
    });
  }
  try {
    await box.act(cloud!, action as Action);
    send(response, 200, box.state());
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    send(response, 409, { detail: error.message });
  }
}

/** An IPv4 client of a server that listens on both is written as an IPv6 address. */
export function isLocal(address: string | undefined): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(address ?? "");
}

function send(response: ServerResponse, status: number, body: object): void {
  const isProblem = status >= 400;
  response.writeHead(status, {
    "Content-Type": isProblem ? "application/problem+json" : "application/json",
    "Cache-Control": "no-store",
  });
  response.end(JSON.stringify(isProblem ? { type: "about:blank", status, ...body } : body));
}

/** Of equal length, and compared in constant time whatever was sent. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
