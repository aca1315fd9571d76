import type { Plan } from "../resource.ts";
import { draw } from "./draw.ts";
import { graphOf } from "./graph.ts";
import { layOut } from "./layout.ts";

/**
 * The architecture as an SVG document, for light and dark pages. Right because it is made of the plan: a box is a component,
 * an arrow says that resources of one cannot be made before resources of another.
 */
export async function toSvg(plan: Plan): Promise<string> {
  const graph = graphOf(plan);
  return draw(graph, await layOut(graph));
}
