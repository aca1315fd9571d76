/** IAM's policy documents, of which a policy reads the statements. */
import { isList, isMap, type Value } from "./value.ts";

export type Statement = {
  readonly allows: boolean;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** `*` for anybody. */
  readonly principals: readonly string[];
  readonly condition: Value;
};

/** Of a document as JSON or as an object. Empty for what is no document. */
export function statementsOf(document: Value): readonly Statement[] {
  const parsed = typeof document === "string" ? parse(document) : document;
  const statements = isMap(parsed) ? listOf(parsed.Statement) : [];
  return statements.filter(isMap).map((statement) => ({
    allows: statement.Effect === "Allow",
    actions: listOf(statement.Action) as string[],
    resources: listOf(statement.Resource) as string[],
    principals: (isMap(statement.Principal)
      ? Object.values(statement.Principal).flatMap(listOf)
      : listOf(statement.Principal)) as string[],
    condition: statement.Condition,
  }));
}

function parse(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}

function listOf(value: Value): readonly Value[] {
  return value === undefined ? [] : isList(value) ? value : [value];
}
