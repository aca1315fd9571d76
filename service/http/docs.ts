/** The OpenAPI document as a page that people read: one file, no scripts, nothing fetched. */

type Json = Record<string, unknown>;
type Parameter = { name: string; in: string; required?: boolean; description?: string; schema?: Json };
type Operation = {
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: Json }> }>;
};

const methods = ["get", "head", "put", "post", "delete"] as const;

export function docsPage(document: Json): string {
  const paths = document.paths as Record<string, Partial<Record<(typeof methods)[number], Operation>>>;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => (item[method] ? [{ path, method, operation: item[method] }] : [])),
  );
  const byTag = Map.groupBy(operations, ({ operation }) => operation.tags?.[0] ?? "other");
  const schemas = (document.components as { schemas: Record<string, Json> }).schemas;
  const sections = Array.from(
    byTag,
    ([tag, list]) => `<section><h2 id="${e(tag)}">${e(tag)}</h2>${list.map(operationHtml).join("")}</section>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>SkyKV API</title><style>${style}</style></head>
<body><header><h1>SkyKV API</h1><p>The same as <a href="/openapi.json">openapi.json</a>, to read. All routes but the open ones want <code>Authorization: Bearer</code>.
Every refusal is a problem (RFC 9457) with a stable <code>code</code>.</p>
<nav>${[...byTag.keys(), "shapes"].map((tag) => `<a href="#${e(tag)}">${e(tag)}</a>`).join(" ")}</nav></header>
<main>${sections.join("\n")}
<section><h2 id="shapes">shapes</h2>${Object.entries(schemas).map(schemaHtml).join("")}</section></main></body></html>`;
}

function operationHtml({ path, method, operation }: { path: string; method: string; operation: Operation }): string {
  const parameters = (operation.parameters ?? []).map(
    (p) =>
      `<tr><td><code>${e(p.name)}</code></td><td>${e(p.in)}</td><td>${schemaText(p.schema ?? {})}</td><td>${e(p.description ?? String(p.schema?.description ?? ""))}</td></tr>`,
  );
  const body = Object.entries(operation.requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<p>Body <code>${e(type)}</code>: ${schemaText(schema)}</p>`,
  );
  const responses = Object.entries(operation.responses).map(([status, { description, content }]) => {
    const schema = Object.values(content ?? {})[0]?.schema;
    return `<tr><td><code>${e(status)}</code></td><td>${e(description)}</td><td>${schema ? schemaText(schema) : ""}</td></tr>`;
  });
  return `<article><h3><span class="method">${method.toUpperCase()}</span> <code>${e(path)}</code></h3>
<p><strong>${e(operation.summary ?? "")}.</strong> ${e(operation.description ?? "")}</p>
${parameters.length > 0 ? `<table><thead><tr><th>Parameter</th><th>In</th><th>Shape</th><th>Meaning</th></tr></thead><tbody>${parameters.join("")}</tbody></table>` : ""}
${body.join("")}<table><thead><tr><th>Status</th><th>Meaning</th><th>Shape</th></tr></thead><tbody>${responses.join("")}</tbody></table></article>`;
}

function schemaHtml([name, schema]: [string, Json]): string {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
  const rows = properties.map(
    ([field, of]) =>
      `<tr><td><code>${e(field)}</code></td><td>${schemaText(of)}</td><td>${e(String(of.description ?? ""))}</td></tr>`,
  );
  const fields = rows.length > 0 ? `<table><tbody>${rows.join("")}</tbody></table>` : `<p>${schemaText(schema)}</p>`;
  return `<article><h3 id="shape-${e(name)}"><code>${e(name)}</code></h3><p>${e(String(schema.description ?? ""))}</p>${fields}</article>`;
}

/** A schema in a few words; named ones as links. */
function schemaText(schema: Json): string {
  if (typeof schema.$ref === "string") {
    const name = schema.$ref.split("/").at(-1)!;
    return `<a href="#shape-${e(name)}">${e(name)}</a>`;
  }
  const either = (schema.anyOf ?? schema.oneOf ?? schema.allOf) as Json[] | undefined;
  if (either) return either.map(schemaText).join(" or ");
  if (schema.const !== undefined) return `<code>${e(JSON.stringify(schema.const))}</code>`;
  if (Array.isArray(schema.enum))
    return schema.enum.map((value) => `<code>${e(JSON.stringify(value))}</code>`).join(" or ");
  const bounds = ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "default"]
    .filter((name) => schema[name] !== undefined && typeof schema[name] !== "object")
    .map((name) => `${name} ${e(String(schema[name]))}`);
  const items = schema.items ? ` of ${schemaText(schema.items as Json)}` : "";
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : String(schema.type ?? "anything");
  return `${e(type)}${items}${bounds.length > 0 ? ` <small>(${bounds.join(", ")})</small>` : ""}`;
}

function e(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

const style = `:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 15%,transparent)}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1rem}
h2{text-transform:capitalize;border-bottom:1px solid var(--line);margin-top:3rem}h3{margin-top:2rem;font-size:1rem}
nav a{margin-right:1rem;text-transform:capitalize}.method{font:600 .8rem ui-monospace,monospace;border:1px solid var(--line);border-radius:4px;padding:.1rem .4rem}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%;font-size:.9rem}
td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-top:1px solid var(--line)}`;
