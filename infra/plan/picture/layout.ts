/** Where boxes and arrows go: computed by the Eclipse Layout Kernel, in layers from those who need to what they need. */
import elk, { type ElkExtendedEdge, type ElkNode } from "elkjs/lib/elk.bundled.js";
import type { Arrow, Box, Graph } from "./graph.ts";

export type Point = { readonly x: number; readonly y: number };
export type Placed<What> = What & {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};
export type Layout = {
  readonly width: number;
  readonly height: number;
  /** Absolute, the outer boxes before those in them. */
  readonly boxes: readonly Placed<Box>[];
  readonly arrows: readonly (Arrow & { readonly points: readonly Point[] })[];
};

/** In pixels; text is measured by its letters, since nothing here has a font. */
export const sizes = { title: 34, line: 19, padding: 14, titleLetter: 9, lineLetter: 7, minWidth: 120 } as const;

const options = {
  "elk.algorithm": "layered",
  "elk.direction": "DOWN",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.json.edgeCoords": "ROOT",
  "elk.json.shapeCoords": "ROOT",
  "elk.spacing.nodeNode": "28",
  "elk.spacing.edgeNode": "18",
  "elk.spacing.edgeEdge": "12",
  "elk.layered.spacing.nodeNodeBetweenLayers": "44",
  "elk.layered.spacing.edgeNodeBetweenLayers": "18",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "12",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.considerModelOrder.strategy": "PREFER_NODES",
};

export async function layOut({ boxes, arrows }: Graph): Promise<Layout> {
  const edges = arrows.map(({ from, to }, index) => ({ id: `arrow-${index}`, sources: [from], targets: [to] }));
  const root: ElkNode = await new elk.default().layout<ElkNode>({
    id: "root",
    layoutOptions: options,
    children: boxes.map(nodeOf),
    edges,
  });
  const nodes = new Map(allNodes(root).map((node) => [node.id, node]));
  const placed = allBoxes(boxes).map((box) => {
    const { x = 0, y = 0, width = 0, height = 0 } = nodes.get(box.id)!;
    return { ...box, x, y, width, height };
  });
  const routed = root.edges!.map((edge, index) => ({ ...arrows[index]!, points: pointsOf(edge as ElkExtendedEdge) }));
  return { width: root.width!, height: root.height!, boxes: placed, arrows: routed };
}

function nodeOf({ id, title, lines, boxes }: Box): ElkNode {
  const texts = [title.length * sizes.titleLetter, ...lines.map(({ text }) => (text.length + 2) * sizes.lineLetter)];
  const width = Math.max(sizes.minWidth, ...texts) + 2 * sizes.padding;
  const top = sizes.title + lines.length * sizes.line + (lines.length > 0 ? sizes.padding : 0);
  const alignment = { "elk.alignment": "TOP" };
  if (boxes.length === 0) return { id, width, height: top, layoutOptions: alignment };
  const { padding } = sizes;
  return {
    id,
    children: boxes.map(nodeOf),
    layoutOptions: {
      ...alignment,
      "elk.padding": `[top=${top + padding},left=${padding},bottom=${padding},right=${padding}]`,
      "elk.nodeSize.constraints": "MINIMUM_SIZE",
      "elk.nodeSize.minimum": `(${width},${top})`,
    },
  };
}

function allNodes(node: ElkNode): ElkNode[] {
  return [node, ...(node.children ?? []).flatMap(allNodes)];
}

function allBoxes(boxes: readonly Box[]): Box[] {
  return boxes.flatMap((box) => [box, ...allBoxes(box.boxes)]);
}

function pointsOf({ sections = [] }: ElkExtendedEdge): Point[] {
  return sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint]);
}
