import { createHash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import type { Operation } from "../../kv/decide.ts";
import { pathOf } from "../../kv/path.ts";
import { bothSeen, formatSession, nothingSeen, type Seen, type Session, seenOf } from "../../kv/session.ts";
import type { Step, StepResult } from "../../store/jobs.ts";
import { type Access, access, identify } from "../access.ts";
import { type Durability, durabilityOf, isConfirmed, unconfirmed } from "../durability.ts";
import type { Exchange } from "../exchange.ts";
import { confirmHome, isDecidedAtHome, isDecidedHere, passToHome } from "../homes.ts";
import {
  alreadyJudged,
  failedJson,
  operationFrom,
  type ResultJson,
  resultJson,
  ValueBudget,
  verbsOf,
} from "../operations.ts";
import { Problem, problemOf } from "../problems.ts";
import { refusalOf } from "../refusals.ts";
import {
  type Consistency,
  consistencyOf,
  idempotencyKeyOf,
  parse,
  parseJson,
  readBody,
  refuseHeaders,
  sessionOf,
} from "../request.ts";
import {
  durability,
  idempotencyKey,
  limits,
  namespaceName,
  type OperationInput,
  operations,
  results,
  sessionHeader,
} from "../schemas.ts";
import type { Service } from "../service.ts";
import { prepareWrite, receiptScope, stepOn } from "../writes.ts";
import { type App, type Call, json, route } from "./route.ts";

/** Operations that run at once: enough for full commits, few enough that their values fit into memory. */
const window = 128;

const parts = {
  request: {
    params: z.object({ ns: namespaceName }),
    headers: z.object({ ...sessionHeader, "idempotency-key": idempotencyKey, "kv-durability": durability }),
    body: { ...json(operations), required: true },
  },
  tags: ["entries"],
};

export function batchRoutes(app: App, service: Service): void {
  route(
    app,
    {
      ...parts,
      method: "post",
      path: "/v1/kv/{ns}:batch",
      summary: "Up to 1000 operations, each by itself",
      description:
        "Operations of one key happen in their order; those of different keys in any. With an Idempotency-Key a key may occur once, and all writes happen together.",
      responses: { 200: json(results, "What each operation by itself would have answered") },
    },
    async (call) => {
      const request = await requestOf(service, call, (exchange, who, inputs) =>
        isBatchHere(service, exchange, who, inputs),
      );
      if (request === null) return null;
      const answer =
        request.idempotencyKey === null ? await runEach(service, request) : await runTogether(service, request);
      return { status: 200, json: { results: answer.results }, headers: await headersOf(service, request, answer) };
    },
  );
  route(
    app,
    {
      ...parts,
      method: "post",
      path: "/v1/kv/{ns}:transact",
      summary: "Up to 1000 operations, all or nothing",
      description:
        "Answers with the problem of the first operation that does not hold, and then nothing was written. Reads see one moment. A key may occur once.",
      responses: { 200: json(results, "All operations took effect, together") },
    },
    async (call) => {
      const request = await requestOf(service, call, (exchange, { namespace }) =>
        isDecidedAtHome(service, exchange, namespace, "a transaction"),
      );
      if (request === null) return null;
      const answer = await transact(service, request);
      return { status: 200, json: { results: answer.results }, headers: await headersOf(service, request, answer) };
    },
  );
}

type Request = {
  readonly exchange: Exchange;
  readonly who: Access;
  readonly inputs: readonly OperationInput[];
  readonly session: Session | null;
  readonly consistency: Consistency;
  readonly durability: Durability;
  readonly idempotencyKey: string | null;
  readonly fingerprint: Buffer;
};

type Outcome = { readonly results: readonly ResultJson[]; readonly seen: Seen; readonly replayed: boolean };

const refused = {
  "if-match": "each operation takes an if_match of its own",
  "if-none-match": "each operation takes an if_none_match of its own",
};

/** Null: the request was passed on to the namespace's home, because it is not decided here. */
async function requestOf(
  service: Service,
  { exchange, param, query }: Call,
  isHere: (exchange: Exchange, who: Access, inputs: readonly OperationInput[]) => boolean,
): Promise<Request | null> {
  const { req } = exchange;
  if (query !== "") throw new Problem("bad-parameter", "expected no parameters");
  // Strangers are turned away before their body is read.
  await identify(service, exchange);
  const header = (name: string) => req.headers[name] as string | undefined;
  refuseHeaders(header, refused);
  const body = (await readBody(req, limits.jsonBytes, limits.jsonBytes, "the body")) as Buffer;
  const { operations: inputs } = parse(operations, parseJson(body), "bad-body");
  const who = await access(service, exchange, verbsOf(inputs), param("ns"));
  if (!isHere(exchange, who, inputs)) {
    await passToHome(service, exchange, who.namespace, body);
    return null;
  }
  return {
    exchange,
    who,
    inputs,
    session: sessionOf(header("kv-session")),
    consistency: consistencyOf(header("kv-consistency")),
    durability: durabilityOf(service, header("kv-durability"), who.namespace.settings.default_durability),
    idempotencyKey: idempotencyKeyOf(header("idempotency-key")),
    fingerprint: createHash("sha256").update(body).digest(),
  };
}

/** Waits until other clouds have what was written, as far as the request wants that, and says so. */
async function headersOf(
  service: Service,
  { who, session, durability }: Request,
  { results, seen, replayed }: Outcome,
): Promise<Record<string, string>> {
  const headers = {
    "KV-Session": formatSession(service.sessions.after(session, seen)),
    ...(replayed && { "Idempotency-Replayed": "true" }),
  };
  const written = results.filter(({ version }) => version !== undefined);
  const paths = new Set(written.map(({ key }) => pathOf(who.namespace.name, key)));
  if (!(await isConfirmed(service, durability, [...paths]))) {
    const versions = written.map(({ key, version, etag }) => ({ key, version, etag }));
    throw unconfirmed(durability, { versions }, headers);
  }
  return { ...headers, "KV-Durability": durability };
}

/** Reads go to the home only if they must be strong. */
function isBatchHere(
  service: Service,
  exchange: Exchange,
  { namespace }: Access,
  inputs: readonly OperationInput[],
): boolean {
  if (exchange.req.headers["kv-consistency"] === "strong")
    return isDecidedAtHome(service, exchange, namespace, "a strong read");
  return !verbsOf(inputs).includes("write") || isDecidedHere(service, exchange, namespace);
}

/** Each operation by itself; those of one key behind each other. */
async function runEach(service: Service, request: Request): Promise<Outcome> {
  const budget = new ValueBudget();
  const results: ResultJson[] = [];
  let seen = nothingSeen;
  for (let at = 0; at < request.inputs.length; at += window) {
    const last = new Map<string, Promise<unknown>>();
    const running = request.inputs.slice(at, at + window).map((input) => {
      const before = last.get(input.key);
      const run = (before ?? Promise.resolve()).then(() => runOne(service, request, input));
      last.set(input.key, run);
      return run;
    });
    for (const [i, result] of (await Promise.all(running)).entries()) {
      const input = request.inputs[at + i]!;
      if (result instanceof Problem) {
        results.push(failedJson(input, result));
      } else {
        seen = bothSeen(seen, seenOf(result.stored, service.sessions.here));
        results.push(await resultJson(service, input, request.who.namespace, result, budget, service.now()));
      }
    }
  }
  return { results, seen, replayed: false };
}

async function runOne(
  service: Service,
  { who, session, consistency }: Request,
  input: OperationInput,
): Promise<StepResult | Problem> {
  const path = pathOf(who.namespace.name, input.key);
  try {
    if (input.op === "get") {
      const { stored } = await service.sessions.read(path, consistency, session);
      if (consistency === "strong") await confirmHome(service, who.namespace);
      return { ok: true, written: false, replaced: false, stored };
    }
    const operation = await operationFrom(service, who.namespace, input);
    await prepareWrite(service, path, operation, session);
    const step = stepOn(who.namespace, input.key, operation);
    return (await service.writer.write({ steps: [step], allOrNothing: true, receipt: null })).results[0]!;
  } catch (error) {
    const problem = problemOf(error);
    if (problem.code === "internal") throw error;
    return problem;
  }
}

/** With an Idempotency-Key: one commit, so that a crash cannot leave half of it for the retry to repeat. */
async function runTogether(service: Service, request: Request): Promise<Outcome> {
  const { inputs, who, exchange } = request;
  checkKeysOnce(inputs);
  const operationsOf = await Promise.all(
    inputs.map((input) => operationFrom(service, who.namespace, input).catch((error) => problemOf(error))),
  );
  await Promise.all(
    inputs.map(({ key }, i) => {
      const operation = operationsOf[i]!;
      const path = pathOf(who.namespace.name, key);
      return operation instanceof Problem ? null : prepareWrite(service, path, operation, request.session);
    }),
  );
  const taken = inputs.flatMap((input, i) => (operationsOf[i] instanceof Problem ? [] : [{ input, i }]));
  const answer = await service.writer.write({
    steps: taken.map(({ input, i }) => stepOn(who.namespace, input.key, operationsOf[i] as Operation)),
    allOrNothing: false,
    receipt: {
      scope: receiptScope(who.principal, who.namespace.name, "POST", exchange.route, request.idempotencyKey!),
      fingerprint: request.fingerprint,
    },
  });
  const byKey = new Map(taken.map(({ input }, i) => [input.key, answer.results[i]!]));
  const budget = new ValueBudget();
  const results: ResultJson[] = [];
  for (const [i, input] of inputs.entries()) {
    const problem = operationsOf[i];
    results.push(
      problem instanceof Problem
        ? failedJson(input, problem)
        : await resultJson(service, input, who.namespace, byKey.get(input.key)!, budget, alreadyJudged),
    );
  }
  return { results, seen: seenIn(service, answer.results), replayed: answer.replayed };
}

async function transact(service: Service, request: Request): Promise<Outcome> {
  const { inputs, who, exchange } = request;
  checkKeysOnce(inputs);
  const steps: (Step & { readonly operation: Operation })[] = [];
  for (const [index, input] of inputs.entries()) {
    try {
      const operation = await operationFrom(service, who.namespace, input);
      steps.push(stepOn(who.namespace, input.key, operation));
    } catch (error) {
      throw at(problemOf(error), index, input.key);
    }
  }
  await Promise.all(steps.map(({ path, operation }) => prepareWrite(service, path, operation, request.session)));
  const receipt =
    request.idempotencyKey === null
      ? null
      : {
          scope: receiptScope(who.principal, who.namespace.name, "POST", exchange.route, request.idempotencyKey),
          fingerprint: request.fingerprint,
        };
  const answer = await service.writer.write({ steps, allOrNothing: true, receipt });
  const failed = answer.results.findIndex((result) => !result.ok);
  if (failed !== -1) {
    const result = answer.results[failed]! as Extract<StepResult, { ok: false }>;
    // Nothing was written, so no other cloud has confirmed anything.
    const headers = await headersOf(
      service,
      { ...request, durability: "local" },
      {
        results: [],
        seen: seenIn(service, answer.results),
        replayed: answer.replayed,
      },
    );
    throw at(refusalOf(result.reason, result.current, headers), failed, inputs[failed]!.key);
  }
  const budget = new ValueBudget();
  const results: ResultJson[] = [];
  for (const [i, input] of inputs.entries())
    results.push(await resultJson(service, input, who.namespace, answer.results[i]!, budget, alreadyJudged));
  return { results, seen: seenIn(service, answer.results), replayed: answer.replayed };
}

function at(problem: Problem, index: number, key: string): Problem {
  return new Problem(
    problem.code,
    `operation ${index} (${key}): ${problem.message}`,
    { ...problem.members, index, key },
    { ...problem.headers },
  );
}

function seenIn({ sessions: { here } }: Service, results: readonly StepResult[]): Seen {
  return results.reduce((all, { stored }) => bothSeen(all, seenOf(stored, here)), nothingSeen);
}

function checkKeysOnce(inputs: readonly OperationInput[]): void {
  const seen = new Set<string>();
  for (const { key } of inputs) {
    if (seen.has(key))
      throw new Problem("duplicate-key", `expected each key once, found ${JSON.stringify(key)} twice`, { key });
    seen.add(key);
  }
}
