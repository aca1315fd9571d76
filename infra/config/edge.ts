/** What is wrong with what a stack asks of the edge: found beside all other problems, so nothing here relies on the rest. */
import { z } from "zod";
import { findLocation } from "../edge/locations.ts";
import { cloudflarePlans, refusals } from "../edge/plans.ts";
import { uncovered } from "../edge/zone.ts";
import { type Cloud, clouds } from "../names.ts";
import { domainName } from "./shared.ts";

type Problem = { readonly path: readonly string[]; readonly message: string };

/** Adds the problems of a stack's configuration, however much else is wrong with it. */
export function checkEdge(given: unknown, context: z.RefinementCtx): void {
  // A region that is none is not also one whose place is unknown.
  const strange = new Set(context.issues.map(({ path = [] }) => path.join(".")));
  const regions = ofRegions(given).filter(({ path }) => !strange.has([...path.slice(0, -1), "region"].join(".")));
  for (const problem of [...ofPlan(given), ...regions, ...ofClouds(given), ...ofZone(given)]) {
    context.addIssue({ ...problem, code: "custom", path: [...problem.path] });
  }
}

/** Only what decides; where it is malformed the schema says so, and it counts as not given. */
const asked = z.object({
  cloudflare: z.object({ plan: z.enum(cloudflarePlans), trafficSteering: z.boolean().catch(true) }),
  steering: z
    .object({ policy: z.enum(["geo", "off"]).optional().catch(undefined) })
    .optional()
    .catch(undefined),
  probe: z
    .object({ interval: z.int().optional().catch(undefined) })
    .optional()
    .catch(undefined),
  edge: z
    .object({
      managedRules: z.boolean().optional().catch(undefined),
      failedLoginsPerMinute: z.int().optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

function ofPlan(given: unknown): readonly Problem[] {
  const { data } = asked.safeParse(given);
  if (data === undefined) return [];
  return refusals({
    ...data.cloudflare,
    policy: data.steering?.policy,
    probeInterval: data.probe?.interval,
    managedRules: data.edge?.managedRules,
    failedLoginsPerMinute: data.edge?.failedLoginsPerMinute,
  });
}

const place = z.object({ region: z.string(), location: z.unknown().optional() });

/** Steering goes by distance: somebody must know where a region is. */
function ofRegions(given: unknown): readonly Problem[] {
  const cloud = z.object({ kind: z.enum(clouds) }).safeParse(given).data?.kind;
  const members =
    z.object({ clouds: z.partialRecord(z.enum(clouds), z.unknown()) }).safeParse(given).data?.clouds ?? {};
  const places: (readonly [Cloud, readonly string[], unknown])[] = [
    ...(cloud === undefined ? [] : ([[cloud, [], given]] as const)),
    ...clouds
      .filter((member) => member in members)
      .map((member) => [member, ["clouds", member], members[member]] as const),
  ];
  return places.flatMap(([cloud, path, value]) => {
    const { data } = place.safeParse(value);
    const known = data === undefined || data.location !== undefined || findLocation(cloud, data.region, undefined);
    if (known) return [];
    const message = `is missing: ${data.region} is not a region known here; expected its { latitude, longitude } in degrees`;
    return [{ path: [...path, "location"], message }];
  });
}

/** What the stack of the edge needs to know of each cloud that it names. */
function ofClouds(given: unknown): readonly Problem[] {
  const { data } = z
    .looseObject({ clouds: z.partialRecord(z.enum(clouds), z.object({ state: z.unknown().optional() })) })
    .safeParse(given);
  if (data === undefined) return [];
  const named = clouds.filter((cloud) => data.clouds[cloud] !== undefined);
  const missing = named.filter((cloud) => data[cloud] === undefined);
  const idle = named.length > 0 && named.every((cloud) => data.clouds[cloud]?.state === "drained");
  return [
    ...missing.map((cloud) => ({ path: [cloud], message: `is missing: clouds has ${cloud}` })),
    ...(idle
      ? [{ path: ["clouds"], message: "expected at least one active cloud, or none at all, found only drained ones" }]
      : []),
  ];
}

/** Visitors need a certificate, and Cloudflare makes one without being asked. */
function ofZone(given: unknown): readonly Problem[] {
  const { data } = z.object({ domain: domainName, cloudflare: z.object({ zone: domainName }) }).safeParse(given);
  const message = data === undefined ? null : uncovered(data.domain, data.cloudflare.zone);
  return message === null ? [] : [{ path: ["domain"], message }];
}
