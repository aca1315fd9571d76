import type { Route } from "./route.ts";

/**
 * A view fills `stage` and returns what is called with its route, first at once and again for every route that stays in
 * this view. When `signal` aborts the user has gone elsewhere: timers, requests and listeners end.
 */
export type View = (stage: HTMLElement, signal: AbortSignal) => (route: Route) => void;
