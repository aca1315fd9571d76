/** The box's control, which only `npm start` has. */
import { ApiError, call } from "../api.ts";
import type { Action, Box } from "./state.ts";

/** Null where there is no box, or this key is not its admin key. */
export async function findBox(signal: AbortSignal): Promise<Box | null> {
  try {
    return await (await call("/box", { signal })).json();
  } catch (error) {
    if (error instanceof ApiError && error.status !== 0) return null;
    throw error;
  }
}

/** Resolves with the state afterwards. */
export async function act(cloud: string, action: Action): Promise<Box> {
  return (await call(`/box/clouds/${cloud}:${action}`, { method: "POST" })).json();
}
