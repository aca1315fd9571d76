/** What the picture shows: components as boxes in boxes, and which of them needs which, from the resources' dependencies. */
import { stackReferenceType } from "../engine/stack-reference.ts";
import type { Plan, PlannedResource } from "../resource.ts";
import { count, shortPackage } from "../view/short.ts";

export type Box = {
  readonly id: string;
  readonly title: string;
  /** What lies in it directly: one line for each type. */
  readonly lines: readonly Line[];
  /** The package that makes most of it, such as `aws`; `stack` for another stack, which is only read. */
  readonly maker: string;
  readonly boxes: readonly Box[];
};

export type Line = { readonly text: string; readonly protect: boolean };

/** One box needs another. */
export type Arrow = {
  readonly from: string;
  readonly to: string;
  /** How many pairs of resources say so. */
  readonly pairs: number;
};

export type Graph = { readonly title: string; readonly boxes: readonly Box[]; readonly arrows: readonly Arrow[] };

// A component, and the components in it. What lies deeper counts as theirs.
const maxDepth = 2;

// A box is to be taken in at a glance.
const maxLines = 6;

export function graphOf(plan: Plan): Graph {
  const places = placesOf(plan);
  const contents = Map.groupBy(plan.resources.filter(isShown), ({ urn }) => places.get(urn)!.at(-1)!);
  const boxOf = (place: PlannedResource): Box => {
    const inside = contents.get(place.urn) ?? [];
    const boxes = plan.resources.filter(({ urn }) => isPlace(urn, places.get(urn), place.urn)).map(boxOf);
    return {
      id: place.urn,
      title: place.type === stackReferenceType ? `stack ${stackOf(place)}` : place.name,
      lines: place.type === stackReferenceType ? [] : linesOf(inside),
      maker: place.type === stackReferenceType ? "stack" : makerOf(inside, boxes),
      boxes: boxes.filter(isFilled),
    };
  };
  const outermost = plan.resources.filter(({ urn }) => isPlace(urn, places.get(urn), undefined));
  return { title: plan.stack, boxes: outermost.map(boxOf).filter(isFilled), arrows: arrowsOf(plan, places) };
}

/** URNs of the boxes that a resource lies in, the outermost first. */
type Places = ReadonlyMap<string, readonly string[]>;

/** The root is not drawn around all: components in it are the outermost boxes, and what else lies in it has one too. */
function placesOf({ resources }: Plan): Places {
  const [stack] = resources;
  const roots = new Set(resources.filter(({ parent }) => parent === stack?.urn).map(({ urn }) => urn));
  const places = new Map<string, readonly string[]>();
  for (const { urn, parent, custom, type } of resources) {
    if (parent === null) continue;
    const around = roots.has(parent) ? [] : (places.get(parent) ?? []);
    if (type === stackReferenceType || roots.has(urn)) places.set(urn, [urn]);
    else if (custom) places.set(urn, places.get(parent)!);
    else places.set(urn, around.length === maxDepth ? around : [...around, urn]);
  }
  return places;
}

/** True for what is a box itself, in the box `parent` or in none. */
function isPlace(urn: string, place: readonly string[] | undefined, parent: string | undefined): boolean {
  return place?.at(-1) === urn && place.at(-2) === parent;
}

function isFilled({ maker, lines, boxes }: Box): boolean {
  return maker === "stack" || lines.length > 0 || boxes.length > 0;
}

/** Providers are how resources are made, no part of what is made. */
function isShown({ custom, type }: PlannedResource): boolean {
  return custom && !isProvider(type);
}

function isProvider(type: string): boolean {
  return type.startsWith("pulumi:providers:");
}

function stackOf({ name, inputs }: PlannedResource): string {
  return `${inputs.id ?? name}`.split("/").at(-1)!;
}

function linesOf(resources: readonly PlannedResource[]): Line[] {
  const types = [
    ...Map.groupBy(resources, ({ type, external }) => `${type.split(":").at(-1)}${external ? " (given)" : ""}`),
  ];
  const lines = types.map(([type, those]) => ({
    text: those.length === 1 ? type : `${type} × ${those.length}`,
    protect: those.some(({ protect }) => protect),
  }));
  // What is protected is what the component is about.
  const sorted = lines.toSorted((a, b) => Number(b.protect) - Number(a.protect));
  if (sorted.length <= maxLines) return sorted;
  const rest = sorted.slice(maxLines - 1);
  return [...sorted.slice(0, maxLines - 1), { text: `${count(rest.length, "more type")}`, protect: false }];
}

function makerOf(resources: readonly PlannedResource[], boxes: readonly Box[]): string {
  const makers = [...Map.groupBy(resources, ({ type }) => shortPackage(type))].sort(
    ([, a], [, b]) => b.length - a.length,
  );
  return makers[0]?.[0] ?? boxes[0]?.maker ?? "";
}

/** From box to box, how many resources of the one need one of the other. */
type Pairs = Map<string, Map<string, number>>;

/**
 * One arrow from box to box, however many resources say so. Those are left out that follow from others: where the
 * database needs the network and the network the keys, nothing new is in "the database needs the keys". What a box needs,
 * all in it need.
 */
function arrowsOf({ resources }: Plan, places: Places): Arrow[] {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const pairs: Pairs = new Map();
  for (const resource of resources.filter(isShown)) {
    for (const needed of needs(resource, byUrn)) {
      const [from, to] = [places.get(resource.urn)!, places.get(needed) ?? []];
      const [source, target] = [from.at(-1)!, to.at(-1)];
      // Within one box, or between a box and one around it, an arrow says nothing.
      if (target === undefined || from.includes(target) || to.includes(source)) continue;
      const targets = pairs.get(source) ?? new Map<string, number>();
      pairs.set(source, targets.set(target, (targets.get(target) ?? 0) + 1));
    }
  }
  return withoutRedundant(pairs, places);
}

/** Takes them away one by one: in a circle, each would follow from the others. */
function withoutRedundant(pairs: Pairs, places: Places): Arrow[] {
  // What a box around another needs, both need.
  const targets = (box: string) => (places.get(box) ?? []).flatMap((each) => [...(pairs.get(each)?.keys() ?? [])]);
  const reaches = (from: string, to: string, visited: Set<string>): boolean => {
    if (from === to) return true;
    if (visited.has(from)) return false;
    visited.add(from);
    return targets(from).some((next) => reaches(next, to, visited));
  };
  for (const [from, own] of pairs) {
    for (const [to, number] of [...own]) {
      own.delete(to);
      const isRedundant = targets(from).some((next) => reaches(next, to, new Set([from])));
      if (!isRedundant) own.set(to, number);
    }
  }
  return [...pairs].flatMap(([from, own]) => [...own].map(([to, number]) => ({ from, to, pairs: number })));
}

/** Through its provider too: what lies in a cluster needs the cluster. */
function needs({ dependencies, provider }: PlannedResource, byUrn: ReadonlyMap<string, PlannedResource>): string[] {
  return [...dependencies, provider].flatMap((urn) => {
    const needed = byUrn.get(urn);
    return needed !== undefined && isProvider(needed.type) ? needed.dependencies : [urn];
  });
}
