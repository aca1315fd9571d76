import { createHash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import type { Home } from "../../kv/catalog.ts";
import { ownerOf } from "../../replication/homes.ts";
import { ReceiptExistsError, type SettingsReceipt, UnavailableError } from "../../store/port.ts";
import { ReceiptMismatchError } from "../../store/writer.ts";
import { identify } from "../access.ts";
import { forbidden, may, type Principal } from "../auth.ts";
import { durabilityOf } from "../durability.ts";
import type { Exchange } from "../exchange.ts";
import { isDecidedHere, passToHome } from "../homes.ts";
import { type Namespace, namespaceOf } from "../namespaces.ts";
import { namespaceNotFound, Problem } from "../problems.ts";
import { timestamp } from "../render.ts";
import { idempotencyKeyOf, parse, parseJson, parseQuery, readBody, refuseHeaders } from "../request.ts";
import {
  idempotencyKey,
  moveHome,
  namespaceName,
  namespace as namespaceSchema,
  namespaces,
  settings,
} from "../schemas.ts";
import type { Service } from "../service.ts";
import { receiptScope } from "../writes.ts";
import { type App, json, route } from "./route.ts";

const params = z.object({ ns: namespaceName });
const headers = z.object({ "idempotency-key": idempotencyKey });
const tags = ["namespaces"];
const path = "/v1/namespaces/{ns}";
const none = z.strictObject({});
const deleteQuery = z.strictObject({
  force: z
    .enum(["0", "1"])
    .transform((text) => text === "1")
    .optional(),
});

export function namespaceRoutes(app: App, service: Service): void {
  route(
    app,
    {
      method: "get",
      path: "/v1/namespaces",
      tags,
      summary: "Namespaces that the credential is `admin` of, with their sizes",
      responses: { 200: json(namespaces) },
    },
    async ({ exchange, query }) => {
      const principal = await identify(service, exchange);
      if (!principal.scopes.some(({ verb }) => verb === "admin")) throw forbidden("admin", "*");
      parseQuery(none, query);
      const all = await service.store.namespaces();
      const own = all.filter(({ name }) => may(principal, "admin", name));
      return { status: 200, json: { namespaces: own.map((record) => namespaceJson(namespaceOf(record), record)) } };
    },
  );
  route(
    app,
    {
      method: "get",
      path,
      tags,
      summary: "One namespace",
      request: { params },
      responses: { 200: json(namespaceSchema) },
    },
    async ({ exchange, param, query }) => {
      await admin(service, exchange, param("ns"));
      parseQuery(none, query);
      const namespace = await service.namespaces.get(param("ns"));
      return { status: 200, json: namespaceJson(namespace, await service.store.namespaceSize(namespace.name)) };
    },
  );
  route(
    app,
    {
      method: "put",
      path,
      tags,
      summary: "Makes a namespace, or replaces its settings",
      description:
        "Fields that are not sent take their defaults. Processes of this cloud hear of a change within 5 s, other clouds as soon as they can be reached.",
      request: { params, headers, body: { ...json(settings), required: false } },
      responses: { 200: json(namespaceSchema, "Settings replaced"), 201: json(namespaceSchema, "Made") },
    },
    async ({ exchange, param, query }) => {
      const name = param("ns");
      const principal = await admin(service, exchange, name);
      parseQuery(none, query);
      const parsed = namespaceName.safeParse(name);
      if (!parsed.success) throw new Problem("bad-parameter", parsed.error.issues[0]!.message);
      const body = (await readBody(exchange.req, 16_384, 16_384, "the settings")) as Buffer;
      const { home, ...values } = parse(settings, body.length === 0 ? {} : parseJson(body), "bad-body");
      durabilityOf(service, undefined, values.default_durability);
      const here = (await service.member.namespaceRow(name)) ?? noHome;
      checkHome(service, name, home, here);
      // The new home makes it: it alone may say that it is.
      if (home != null && home !== service.cloud && ownerOf(here) === null && exchange.passedBy === null) {
        await passToHome(service, exchange, { name, home }, body);
        return null;
      }
      const size = await service.store.namespaceSize(name);
      const fingerprint = JSON.stringify({ home, ...values });
      const request = { principal, name, fingerprint, answer: size };
      const { answer, replayed } = await once(service, exchange, request, async (receipt) => {
        const { created, record } = await service.store.putNamespace(
          name,
          values,
          service.stamp(),
          receipt,
          home === service.cloud ? home : null,
        );
        service.namespaces.remember(record);
        service.peers?.replication.announceCatalog();
        return { ...size, created, createdAt: record.createdAt };
      });
      if (home === service.cloud) await service.moveHome(name, home, false);
      const { created, createdAt, ...first } = answer;
      const { home: now, movingTo } = (await service.member.namespaceRow(name))!;
      const namespace = namespaceJson({ name, createdAt, settings: values, home: now, movingTo }, first);
      return { status: created ? 201 : 200, json: namespace, headers: replayed };
    },
  );
  route(
    app,
    {
      method: "delete",
      path,
      tags,
      summary: "Deletes a namespace",
      description:
        "409 unless it is empty or `?force=1`: then its entries vanish at once, in other clouds as soon as they can be reached. What is written there meanwhile may vanish too.",
      request: { params, headers, query: deleteQuery },
      responses: { 204: { description: "Deleted" } },
    },
    async ({ exchange, param, query }) => {
      const name = param("ns");
      const principal = await admin(service, exchange, name);
      const { force = false } = parseQuery(deleteQuery, query);
      const known = await service.namespaces.refresh(name);
      if (known !== null && !isDecidedHere(service, exchange, known)) {
        await passToHome(service, exchange, known);
        return null;
      }
      const request = { principal, name, fingerprint: String(force), answer: {} };
      const { answer, replayed } = await once(service, exchange, request, async (receipt) => {
        const outcome = await service.store.deleteNamespace(name, force, service.stamp(), receipt);
        service.namespaces.forget(name);
        service.peers?.replication.announceCatalog();
        return { outcome };
      });
      if (answer.outcome === "not-found")
        throw new Problem("namespace-not-found", `there is no namespace ${name}`, {}, replayed);
      if (answer.outcome === "not-empty") {
        const detail = "the namespace holds entries; delete them first, or add ?force=1";
        throw new Problem("namespace-not-empty", detail, {}, replayed);
      }
      return { status: 204, headers: replayed };
    },
  );
  route(
    app,
    {
      method: "post",
      path: `${path}:move-home`,
      tags,
      summary: "Moves the home of a namespace",
      description:
        "Answers when the new home decides; until then writes are refused (503 `home-moving`): for a second or two, where there was no home before some seconds more. A move that was cut off goes on when it is asked for again; asked for once more it changes nothing.",
      request: { params, body: { ...json(moveHome), required: true } },
      responses: { 200: json(namespaceSchema, "Moved") },
    },
    async ({ exchange, param, query }) => {
      const name = param("ns");
      await admin(service, exchange, name);
      parseQuery(none, query);
      const header = (one: string) => exchange.req.headers[one] as string | undefined;
      refuseHeaders(header, { "idempotency-key": "moving a home there once more changes nothing" });
      const body = (await readBody(exchange.req, 16_384, 16_384, "the body")) as Buffer;
      const { to, force } = parse(moveHome, parseJson(body), "bad-body");
      const namespace = await service.namespaces.readNow(name);
      if (namespace === null) throw namespaceNotFound(name);
      const by = to ?? ownerOf(namespace) ?? service.cloud;
      if (to !== null && ![service.cloud, ...(service.peers?.names ?? [])].includes(to))
        throw new Problem("bad-body", `to: expected null or a cloud of the cluster, found ${to}`);
      if (by !== service.cloud && exchange.passedBy === null) {
        await passToHome(service, exchange, { name, home: by }, body);
        return null;
      }
      await service.moveHome(name, to, force);
      const moved = await service.namespaces.readNow(name);
      if (moved === null) throw namespaceNotFound(name);
      return { status: 200, json: namespaceJson(moved, await service.store.namespaceSize(name)) };
    },
  );
}

const noHome = { home: null, movingTo: null, homeEpoch: 0n };

/** A home is chosen once, with the namespace. PUT replaces all settings, and must not move a home by leaving it out. */
function checkHome(
  { cloud, peers }: Service,
  name: string,
  asked: string | null | undefined,
  { home, movingTo }: Home,
): void {
  const owner = movingTo ?? home;
  if (asked === undefined || asked === owner) return;
  const clouds = [cloud, ...(peers?.names ?? [])];
  if (asked !== null && !clouds.includes(asked)) {
    throw new Problem(
      "bad-body",
      `home: expected null or a cloud of the cluster (${clouds.join(", ")}), found ${asked}`,
    );
  }
  if (owner === null) return;
  throw new Problem(
    "home-differs",
    `the home of ${name} is ${owner}; leave it out, or move it with POST /v1/namespaces/${name}:move-home`,
  );
}

async function admin(service: Service, exchange: Exchange, name: string): Promise<Principal> {
  const principal = await identify(service, exchange);
  if (!may(principal, "admin", name)) throw forbidden("admin", name);
  return principal;
}

type Asked = {
  readonly principal: Principal;
  readonly name: string;
  readonly fingerprint: string;
  /** Kept with the receipt, besides what the store adds. */
  readonly answer: Readonly<Record<string, unknown>>;
};

/** Does it once per Idempotency-Key: a retry finds the receipt there, and gets the answer that was kept with it. */
async function once<T>(
  service: Service,
  { req, route }: Exchange,
  { principal, name, fingerprint, answer }: Asked,
  act: (receipt: SettingsReceipt | null) => Promise<T>,
): Promise<{ answer: T; replayed: Record<string, string> }> {
  const key = idempotencyKeyOf(req.headers["idempotency-key"] as string | undefined);
  if (key === null) return { answer: await act(null), replayed: {} };
  const scope = receiptScope(principal, name, req.method!, route, key);
  const receipt = { scope, fingerprint: createHash("sha256").update(fingerprint).digest(), answer };
  try {
    return { answer: await act(receipt), replayed: {} };
  } catch (error) {
    if (!(error instanceof ReceiptExistsError)) throw error;
    const kept = await service.store.receipt(scope);
    if (kept === null) throw new UnavailableError("the first answer is no longer there", { cause: error });
    if (!kept.fingerprint.equals(receipt.fingerprint))
      throw new ReceiptMismatchError("the Idempotency-Key was used for another request");
    return { answer: kept.answer as T, replayed: { "Idempotency-Replayed": "true" } };
  }
}

function namespaceJson(
  {
    name,
    createdAt,
    settings: values,
    home,
    movingTo,
  }: Pick<Namespace, "name" | "createdAt" | "settings" | "home" | "movingTo">,
  { entries, bytes }: { readonly entries: number; readonly bytes: number },
) {
  return { name, created_at: timestamp(createdAt), home, moving_to: movingTo, ...values, entries, bytes };
}
