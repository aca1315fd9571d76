/** The fields for an optional rate limit. */
import { el } from "./dom.ts";

export interface RateLimit {
  requests: number;
  seconds: number;
}

export function rateLimitField(initial: RateLimit | null) {
  const requests = el("input", {
    type: "number",
    min: 1,
    max: 1_000_000,
    step: 1,
    value: initial?.requests ?? "",
    placeholder: "no limit",
    "aria-label": "Requests",
  });
  const seconds = el("input", {
    type: "number",
    min: 1,
    max: 3600,
    step: 1,
    value: initial?.seconds ?? 1,
    required: true,
    "aria-label": "Seconds",
  });
  return {
    element: el(
      "fieldset",
      { class: "plain" },
      el("legend", {}, "Rate limit"),
      el("div", { class: "row rate" }, requests, "requests in", seconds, "seconds"),
    ),
    value: (): RateLimit | null =>
      requests.value === "" ? null : { requests: requests.valueAsNumber, seconds: seconds.valueAsNumber },
  };
}
