/** Where the edge of a box takes this tab for. */
import { el, fill } from "../dom.ts";
import { field } from "../field.ts";
import type { Box } from "./state.ts";

const slot = "skykv-region";

/** A region of the box, or null: the edge decides. */
export function clientRegion(): string | null {
  return sessionStorage.getItem(slot);
}

const names: Record<string, string> = {
  WNAM: "Western North America",
  ENAM: "Eastern North America",
  NSAM: "Northern South America",
  SSAM: "Southern South America",
  WEU: "Western Europe",
  EEU: "Eastern Europe",
  NAF: "Northern Africa",
  SAF: "Southern Africa",
  ME: "Middle East",
  SAS: "Southern Asia",
  SEAS: "Southeast Asia",
  NEAS: "Northeast Asia",
  OC: "Oceania",
};

export function regionName(region: string): string {
  return names[region] ?? region;
}

/** The choice of it. */
export function regionField({ edge, regions }: Box): HTMLElement {
  const select = el("select", { onchange: () => sessionStorage.setItem(slot, select.value) });
  const chosen = clientRegion() ?? edge.region;
  fill(
    select,
    Object.keys(regions).map((region) =>
      el("option", { value: region, selected: region === chosen }, regionName(region)),
    ),
  );
  return field("This tab's requests come from", select, "The nearest cloud that is up answers them, in all views");
}
