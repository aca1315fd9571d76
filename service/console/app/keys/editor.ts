/** The form that writes an entry: a new one (create-only) or an existing one (compare-and-set on what was shown). */
import { ask, openDialog } from "../dialog.ts";
import { el } from "../dom.ts";
import { field } from "../field.ts";
import { printable } from "../format.ts";
import { isJson } from "../json.ts";
import { announce, errorBox } from "../notice.ts";
import { writeConditionally } from "./conflict.ts";
import { incrementEntry, type ShownEntry, writeEntry } from "./entry.ts";
import { expiryField } from "./expiry.ts";
import { valueSource } from "./value-source.ts";

const suggestedTypes = [
  "text/plain; charset=utf-8",
  "application/json",
  "text/markdown; charset=utf-8",
  "text/csv; charset=utf-8",
  "application/xml",
  "image/png",
  "image/jpeg",
  "image/svg+xml",
  "application/octet-stream",
];

export interface Edit {
  namespace: string;
  /** For a new entry how its key begins. */
  key: string;
  /** What is edited; null for a new entry. */
  entry: ShownEntry | null;
}

/** Resolves to the key to show afterwards, or null when the user steps back and nothing was written. */
export async function editEntry({ namespace, key: firstKey, entry }: Edit): Promise<string | null> {
  let result: string | null = null;

  const keyInput = el("input", {
    value: firstKey,
    required: true,
    autocomplete: "off",
    spellcheck: "false",
    class: "mono",
    placeholder: "users/42",
  });
  const typeInput = el("input", {
    value: entry?.contentType ?? suggestedTypes[0]!,
    list: "content-types",
    required: true,
    maxlength: 255,
    pattern: "[\\x20-\\x7e]+",
    autocomplete: "off",
    oninput: () => source.setType(typeInput.value),
  });
  const metaInput = el("textarea", {
    rows: 2,
    spellcheck: "false",
    class: "mono",
    placeholder: '{"owner": "billing"}',
    oninput: () => metaInput.setCustomValidity(""),
  });
  metaInput.value = entry?.meta ?? "";
  const atFirst = { type: typeInput.value, meta: metaInput.value };
  const expiry = expiryField(
    entry ? ["keep", "none", "after", "default"] : ["default", "none", "after"],
    entry?.expiresAt ?? null,
  );
  // Counters have neither: they are text and never expire.
  const aboutValue = el(
    "fieldset",
    { class: "stack" },
    el("div", { class: "row end content-type" }, field("Content type", typeInput), expiry.element),
    el(
      "details",
      { open: Boolean(entry?.meta) },
      el("summary", {}, "Metadata"),
      field("A JSON object of at most 1 KiB, kept with the entry", metaInput),
    ),
    el(
      "datalist",
      { id: "content-types" },
      suggestedTypes.map((value) => el("option", { value })),
    ),
  );
  const source = valueSource(entry, {
    kind: (kind) => {
      aboutValue.disabled = kind === "counter";
      aboutValue.hidden = kind === "counter";
    },
    file: (file) => {
      if (file.type) typeInput.value = file.type;
      if (!entry && (keyInput.value === "" || keyInput.value.endsWith("/"))) keyInput.value += file.name;
    },
  });
  source.setType(typeInput.value);

  const problem = el("div", {});
  const save = el("button", { class: "button primary" }, entry ? "Save" : "Create");
  const form = el(
    "form",
    {
      class: "stack",
      onsubmit: (event) => {
        event.preventDefault();
        void submit();
      },
      onkeydown: (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
      },
      ondragover: (event) => event.preventDefault(),
      ondrop: (event) => {
        event.preventDefault();
        source.take(event.dataTransfer?.files[0]);
      },
    },
    entry
      ? el("p", { class: "mono break" }, printable(entry.key))
      : field(["Key in ", el("b", {}, namespace)], keyInput),
    source.element,
    aboutValue,
    problem,
    el(
      "div",
      { class: "actions" },
      el("span", { class: "muted small hint" }, "Ctrl + Enter saves"),
      el("button", { type: "button", class: "button", onclick: () => dialog.tryClose() }, "Cancel"),
      save,
    ),
  );

  const submit = async (): Promise<void> => {
    const meta = metaInput.value.trim();
    const goodMeta = meta === "" || (isJson(meta) && meta.startsWith("{"));
    metaInput.setCustomValidity(goodMeta ? "" : 'Expected a JSON object, for example {"owner": "billing"}');
    if (!form.reportValidity() || !source.check()) return;
    const key = entry ? entry.key : keyInput.value;
    save.disabled = true;
    problem.replaceChildren();
    try {
      const outcome = source.kind() === "counter" ? await count(key) : await write(key, meta);
      if (outcome === "back") return;
      result = key;
      dialog.close();
      if (outcome === "written") announce(`${entry ? "Saved" : "Created"} ${printable(key)}`);
    } catch (error) {
      problem.append(errorBox(error));
    } finally {
      save.disabled = false;
    }
  };

  const count = async (key: string) => {
    await incrementEntry(namespace, key, source.step());
    return "written" as const;
  };

  const write = (key: string, meta: string) => {
    const value = {
      body: source.body() ?? "",
      contentType: typeInput.value,
      meta: meta || null,
      expiry: expiry.value(),
    };
    return writeConditionally({
      namespace,
      key,
      expected: entry?.etag ?? null,
      shown: entry,
      write: (expected) => writeEntry(namespace, key, expected, value),
      insist: (current) => (current ? "Overwrite with mine" : "Create it again"),
    });
  };

  const isChanged = () => source.isChanged() || typeInput.value !== atFirst.type || metaInput.value !== atFirst.meta;
  const mayClose = async () =>
    !isChanged() ||
    ask({ title: "Discard your changes?", text: "They were not saved.", action: "Discard", danger: true });

  const dialog = openDialog(entry ? "Edit value" : "New key", form, { wide: true, mayClose });
  if (entry) source.focus();
  else {
    keyInput.focus();
    keyInput.setSelectionRange(firstKey.length, firstKey.length);
  }
  await dialog.closed;
  return result;
}
