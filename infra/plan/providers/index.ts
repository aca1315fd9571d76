/** The tables of all providers: one file each, named after the package that leads its type tokens. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Inputs, ProviderFacts, TypeFacts } from "./facts.ts";

/** The table of a package such as `aws`; null when there is none. */
export type Tables = (packageName: string) => Promise<ProviderFacts | null>;

/** Null when no table has the type. */
export async function factsOf(tables: Tables, type: string): Promise<TypeFacts | null> {
  const table = await tables(packageOf(type));
  return table?.resources[type] ?? null;
}

/** What answers a call such as `getAvailabilityZones`; null when no table has it. */
export async function callOf(tables: Tables, token: string): Promise<((args: Inputs) => Inputs) | null> {
  const table = await tables(packageOf(token));
  return table?.calls[token] ?? null;
}

/** Where the facts of a type or call belong. */
export function fileOf(token: string): string {
  return `infra/plan/providers/${packageOf(token)}.ts`;
}

/** The files of this folder. Loaded when first asked for: a plan of one cloud needs no table of another. */
export const providerTables: Tables = (packageName) => {
  const known = loaded.get(packageName);
  if (known !== undefined) return known;
  const table = load(packageName);
  loaded.set(packageName, table);
  return table;
};

const loaded = new Map<string, ReturnType<Tables>>();

async function load(packageName: string): Promise<ProviderFacts | null> {
  if (!existsSync(join(import.meta.dirname, `${packageName}.ts`))) return null;
  const { facts } = (await import(`./${packageName}.ts`)) as { facts: ProviderFacts };
  return facts;
}

function packageOf(token: string): string {
  return token.split(":", 1)[0]!;
}
