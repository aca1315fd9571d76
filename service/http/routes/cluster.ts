/** What administrators do to the membership of clouds. */
import type { z } from "@hono/zod-openapi";
import { identify } from "../access.ts";
import { forbidden, mayGrant } from "../auth.ts";
import type { Exchange } from "../exchange.ts";
import { Problem } from "../problems.ts";
import { parse, parseJson, readBody } from "../request.ts";
import { arrival, cluster, drainBody, expelBody, memberBody } from "../schemas.ts";
import type { Service } from "../service.ts";
import { clusterJson } from "./operations.ts";
import { type App, json, route } from "./route.ts";

const tags = ["operations"];

export function clusterRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "post",
      path: "/v1/cluster/drain",
      tags,
      summary: "Keeps clients away from a cloud, or lets them come again",
      description:
        "`/ready` of all its processes fails within a second or two, also after a restart, so that load balancers send clients elsewhere. Who comes all the same is served, and replication goes on. Ask the cloud itself, past the edge. Needs `admin:*`.",
      request: { body: { ...json(drainBody), required: true } },
      responses: { 200: json(cluster) },
    },
    async ({ exchange }) => {
      const { cloud, drained } = await asked(service, exchange, drainBody);
      if (cloud !== service.cloud)
        throw new Problem("wrong-cloud", `this is ${service.cloud}; ask ${cloud} itself, past the edge`);
      await service.store.drain(drained);
      service.log.warn({ drained }, "an administrator keeps clients away, or no longer");
      return { status: 200, json: { ...(await clusterJson(service)), drained } };
    },
  );
  route(
    app,
    {
      method: "post",
      path: "/v1/cluster/expel",
      tags,
      summary: "Ends the membership of a cloud that is lost for good",
      description:
        "Nothing waits for it any more: deletions can be forgotten again, once the other clouds have been compared with each other. They hear of it by themselves. Should it come back it serves nobody until it was seeded anew (`ROLE=reseed`); what nobody but it had is kept there as conflicts. Needs `admin:*`.",
      request: { body: { ...json(expelBody), required: true } },
      responses: { 200: json(cluster) },
    },
    async ({ exchange }) => {
      const { cloud } = await asked(service, exchange, expelBody);
      if (cloud === service.cloud) throw new Problem("wrong-cloud", "a cloud cannot expel itself; ask another one");
      if (service.peers === null) throw new Problem("no-peers", "this cloud has no peers");
      const { store } = service.peers;
      const known = (await store.peers()).find(({ peer }) => peer === cloud);
      if (known === undefined) throw new Problem("not-found", `${cloud} is not and never was a member`);
      // Clocks differ: what it is known to be now is meant in any case.
      await store.expel(cloud, Math.max(known.incarnatedAt, service.now()));
      service.log.warn({ expelled: cloud }, "a cloud was expelled");
      return { status: 200, json: await clusterJson(service) };
    },
  );
  for (const action of ["add", "replace"] as const)
    route(
      app,
      {
        method: "post",
        path: `/v1/cluster/${action}`,
        tags,
        ...descriptions[action],
        request: { body: { ...json(memberBody), required: true } },
        responses: { 200: json(arrival) },
      },
      async ({ exchange }) => {
        const { cloud } = await asked(service, exchange, memberBody);
        if (cloud === service.cloud) throw new Problem("wrong-cloud", `this is ${cloud}; ask another one`);
        if (service.peers === null) throw new Problem("no-peers", "this cloud has no peers");
        const state = await service.peers.replication.membership[action](cloud);
        service.log.warn({ [action]: cloud, state }, "an administrator changes who is a member");
        return { status: 200, json: { cloud, state } };
      },
    );
}

const checks =
  "Every member is asked first; where one cannot be asked, or its `PEERS` lacks another one, nothing is changed and 409 `membership-blocked` lists in `problems` what each must change. May be repeated. Needs `admin:*`.";
const descriptions = {
  add: {
    summary: "Makes sure that a new cloud may start",
    description: `Once all members name the new cloud they wait for it, so that no deletion is forgotten that it has not heard of. ${checks}`,
  },
  replace: {
    summary: "Lets a new cloud take the name of one that is lost for good",
    description: `Expels the lost one as \`/v1/cluster/expel\` does, but never one that came after an expulsion: that it is there is the answer then. Refused while the lost cloud answers. ${checks}`,
  },
};

/** The body of a request that may change who is a member. */
async function asked<Schema extends z.ZodType>(
  service: Service,
  exchange: Exchange,
  schema: Schema,
): Promise<z.output<Schema>> {
  if (!mayGrant(await identify(service, exchange), "admin:*")) throw forbidden("admin", "*");
  const body = (await readBody(exchange.req, 16_384, 16_384, "the body")) as Buffer;
  return parse(schema, parseJson(body), "bad-body");
}
