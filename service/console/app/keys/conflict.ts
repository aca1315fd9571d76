/** What to do when an entry changed between being shown and being written. */
import { ApiError } from "../api.ts";
import { openDialog } from "../dialog.ts";
import { type DiffLine, diffLines } from "../diff.ts";
import { type Child, el } from "../dom.ts";
import { size, time } from "../format.ts";
import { type Expected, readOrNull, type ShownEntry } from "./entry.ts";
import { decodeText } from "./text.ts";

/** Of a comparison that is longer, the rest is left out: the decision is made by then. */
const maxLines = 500;

export interface Attempt {
  namespace: string;
  key: string;
  /** The entity tag that the write refers to; null: the key must not exist. */
  expected: Expected;
  /** What the user saw, where its value was read. */
  shown: ShownEntry | null;
  write(expected: Expected): Promise<void>;
  /** What the button says that writes over what is there now (null: over nothing); null leaves the button out. */
  insist(current: ShownEntry | null): string | null;
}

/**
 * Runs a conditional write. When the condition fails, shows what changed; a user who insists writes over exactly what
 * that showed. `reload`: the user gives in. `back`: the user thinks about it.
 */
export async function writeConditionally(attempt: Attempt): Promise<"written" | "reload" | "back"> {
  let { expected } = attempt;
  while (true) {
    try {
      await attempt.write(expected);
      return "written";
    } catch (error) {
      const absent = error instanceof ApiError && error.status === 404 && error.problem.code !== "namespace-not-found";
      if (!(error instanceof ApiError && error.status === 412) && !absent) throw error;
    }
    const current = await readOrNull(attempt.namespace, attempt.key);
    const choice = await resolveConflict(attempt, current);
    if (choice !== "insist") return choice;
    expected = current?.etag ?? null;
  }
}

async function resolveConflict(attempt: Attempt, current: ShownEntry | null): Promise<"insist" | "reload" | "back"> {
  let choice: "insist" | "reload" | "back" = "back";
  const button = (label: string, answer: typeof choice, kind = "") =>
    el(
      "button",
      {
        type: "button",
        class: `button ${kind}`,
        onclick: () => {
          choice = answer;
          dialog.close();
        },
      },
      label,
    );
  const isNew = attempt.expected === null;
  const title = !current ? "It was deleted meanwhile" : isNew ? "This key exists already" : "It changed meanwhile";
  const insist = attempt.insist(current);
  const dialog = openDialog(
    title,
    el(
      "div",
      { class: "stack" },
      summary(attempt, current),
      current && changes(attempt.shown, current),
      el(
        "div",
        { class: "actions" },
        button("Back", "back"),
        current && button(isNew ? "Open it" : "Reload", "reload"),
        insist && button(insist, "insist", current ? "danger" : "primary"),
      ),
    ),
    { wide: current !== null },
  );
  await dialog.closed;
  return choice;
}

function summary({ shown, expected }: Attempt, current: ShownEntry | null): HTMLElement {
  if (!current)
    return el("p", {}, "Nothing was written. The key holds no value any more: somebody deleted it, or it expired.");
  const when = el("span", {}, time(current.updatedAt), ` in cloud ${current.origin}`);
  if (expected === null) return el("p", {}, "Nothing was written. It was last changed ", when, " and holds:");
  return el(
    "p",
    {},
    "Nothing was written. Somebody changed it ",
    when,
    shown ? ". What changed since you opened it:" : ". It now holds:",
  );
}

function changes(shown: ShownEntry | null, current: ShownEntry): Child {
  const facts: [string, string, string][] = [
    ["Content type", shown?.contentType ?? "", current.contentType],
    ["Size", shown ? size(shown.size) : "", size(current.size)],
    ["Expires", shown ? (shown.expiresAt ?? "never") : "", current.expiresAt ?? "never"],
    ["Metadata", shown ? (shown.meta ?? "none") : "", current.meta ?? "none"],
  ];
  const changed = facts.filter(([, before, after]) => before !== after);
  return [
    changed.length > 0 &&
      el(
        "dl",
        { class: "facts" },
        changed.map(([name, before, after]) =>
          el("div", {}, el("dt", {}, name), el("dd", {}, before && `${before} → `, after)),
        ),
      ),
    textChanges(shown, current),
  ];
}

function textChanges(shown: ShownEntry | null, current: ShownEntry): Child {
  const before = shown ? shown.whole && decodeText(shown.bytes) : "";
  const after = current.whole && decodeText(current.bytes);
  if (typeof before !== "string" || typeof after !== "string")
    return el("p", { class: "muted" }, "The values are bytes or too large to compare here.");
  if (before === after) return el("p", { class: "muted" }, "The value itself is the same.");
  const lines = shown ? diffLines(before, after) : after.split("\n").map((text): DiffLine => ({ sign: " ", text }));
  return el(
    "pre",
    { class: "text-view diff", tabindex: 0, role: "region", "aria-label": "Changes of the value" },
    lines.slice(0, maxLines).map(diffLine),
    lines.length > maxLines && diffLine({ sign: "…", text: "" }),
  );
}

function diffLine({ sign, text }: DiffLine): HTMLElement {
  const tags = { "+": "ins", "-": "del", " ": "span", "…": "span" } as const;
  return el(tags[sign], {}, `${sign} ${text}\n`);
}
