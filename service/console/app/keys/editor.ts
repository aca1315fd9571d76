/** The form that writes an entry: a new one (create-only) or an existing one (compare-and-set on what was shown). */
import { ask, openDialog } from "../dialog.ts";
import { el } from "../dom.ts";
import { printable, size } from "../format.ts";
import { icon } from "../icons.ts";
import { formatJson, isJson } from "../json.ts";
import { announce, errorBox } from "../notice.ts";
import { writeConditionally } from "./conflict.ts";
import { incrementEntry, type ShownEntry, writeEntry } from "./entry.ts";
import { expiryField } from "./expiry.ts";
import { decodeText, lineEndOf } from "./text.ts";
import { isJsonType } from "./viewer.ts";

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

const sources = { text: "Text", file: "File", counter: "Counter" };
type Source = keyof typeof sources;

export interface Edit {
  namespace: string;
  /** For a new entry how its key begins. */
  key: string;
  /** What is edited; null for a new entry. */
  entry: ShownEntry | null;
}

/** Resolves to the key to show afterwards, or null when nothing was written and nothing new is to be seen. */
export async function editEntry({ namespace, key: initialKey, entry }: Edit): Promise<string | null> {
  const text = entry?.whole ? decodeText(entry.bytes) : entry ? null : "";
  const lineEnd = text === null ? null : lineEndOf(text);
  const editable = text !== null && lineEnd !== null;
  let result: string | null = null;
  let file: File | null = null;
  let source: Source = editable ? "text" : "file";

  const keyInput = el("input", {
    value: initialKey,
    required: true,
    autocomplete: "off",
    spellcheck: "false",
    class: "mono",
    placeholder: "users/42",
  });
  const area = el("textarea", {
    rows: 14,
    spellcheck: "false",
    class: "mono",
    "aria-label": "Value",
    oninput: () => checkJson(),
  });
  area.value = editable ? text : "";
  const areaAtFirst = area.value;
  const typeInput = el("input", {
    value: entry?.contentType ?? suggestedTypes[0]!,
    list: "content-types",
    required: true,
    maxlength: 255,
    pattern: "[\\x20-\\x7e]+",
    autocomplete: "off",
    oninput: () => checkJson(),
  });
  const typeAtFirst = typeInput.value;
  const metaInput = el("textarea", {
    rows: 2,
    spellcheck: "false",
    class: "mono",
    placeholder: '{"owner": "billing"}',
    oninput: () => metaInput.setCustomValidity(""),
  });
  metaInput.value = entry?.meta ?? "";
  const counterInput = el("input", { type: "number", step: 1, value: 1, required: true, class: "short" });
  const expiry = expiryField(
    entry ? ["keep", "none", "after", "default"] : ["default", "none", "after"],
    entry?.expiresAt ?? null,
  );

  const jsonNote = el("p", { class: "note", role: "status" });
  const formatButton = el(
    "button",
    {
      type: "button",
      class: "button small",
      onclick: () => {
        area.value = formatJson(area.value);
      },
    },
    "Lay out JSON",
  );
  const checkJson = () => {
    const json = isJsonType(typeInput.value);
    const valid = isJson(area.value);
    formatButton.hidden = !json || !valid;
    jsonNote.textContent =
      json && !valid && area.value !== "" ? "This is not valid JSON. It can be saved all the same." : "";
  };

  const fileInput = el("input", { type: "file", onchange: () => take(fileInput.files?.[0]) });
  const fileName = el("p", { class: "muted" }, "or drop one here");
  const take = (chosen: File | undefined) => {
    if (!chosen) return;
    file = chosen;
    fileInput.setCustomValidity("");
    fileName.textContent = `${printable(chosen.name)}, ${size(chosen.size)}`;
    if (chosen.type && (!entry || source === "file")) typeInput.value = chosen.type;
    if (!entry && (keyInput.value === "" || keyInput.value.endsWith("/"))) keyInput.value += chosen.name;
    show("file");
  };

  const panels: Record<Source, HTMLElement> = {
    text: el("div", { class: "stack tight" }, area, el("div", { class: "row between" }, jsonNote, formatButton)),
    file: el(
      "div",
      { class: "drop" },
      icon("upload"),
      el("label", { class: "field" }, el("span", {}, "File to store, byte for byte"), fileInput),
      fileName,
    ),
    counter: el(
      "div",
      { class: "stack tight" },
      el("label", { class: "field" }, el("span", {}, "Add"), counterInput),
      el(
        "p",
        { class: "muted" },
        "Creates a counter with this value, or adds to the counter that is there. Clouds that count at the same time add up.",
      ),
    ),
  };
  const valueFields = el(
    "div",
    { class: "stack" },
    el(
      "div",
      { class: "row end" },
      el("label", { class: "field grow" }, el("span", {}, "Content type"), typeInput),
      expiry.element,
      el(
        "datalist",
        { id: "content-types" },
        suggestedTypes.map((value) => el("option", { value })),
      ),
    ),
    el(
      "details",
      { open: Boolean(entry?.meta) },
      el("summary", {}, "Metadata"),
      el("label", { class: "field" }, el("span", {}, "A JSON object of at most 1 KiB, kept with the entry"), metaInput),
    ),
  );
  const offered = (Object.keys(sources) as Source[]).filter((name) =>
    name === "counter" ? !entry : name === "file" || editable,
  );
  const radios = offered.map((name) =>
    el(
      "label",
      {},
      el("input", { type: "radio", name: "source", value: name, checked: name === source, onchange: () => show(name) }),
      el("span", {}, sources[name]),
    ),
  );
  const show = (name: Source) => {
    source = name;
    for (const [panel, element] of Object.entries(panels)) element.hidden = panel !== name;
    valueFields.hidden = name === "counter";
    for (const field of valueFields.querySelectorAll("input, textarea, select"))
      (field as HTMLInputElement).disabled = name === "counter";
    counterInput.disabled = name !== "counter";
    for (const radio of radios) {
      const input = radio.querySelector("input")!;
      input.checked = input.value === name;
    }
  };

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
        take(event.dataTransfer?.files[0]);
      },
    },
    entry
      ? el("p", { class: "mono break" }, printable(initialKey))
      : el("label", { class: "field" }, el("span", {}, "Key in ", el("b", {}, namespace)), keyInput),
    editingNotes(entry, text, lineEnd),
    offered.length > 1 && el("fieldset", { class: "segments" }, el("legend", {}, "Value"), radios),
    Object.values(panels),
    valueFields,
    problem,
    el(
      "div",
      { class: "actions" },
      el("span", { class: "muted small hint" }, "Ctrl + Enter saves"),
      el("button", { type: "button", class: "button", onclick: () => dialog.tryClose() }, "Cancel"),
      save,
    ),
  );

  const bodyOf = (): BodyInit | null => {
    if (source === "file") return file;
    if (areaAtFirst === area.value && entry) return entry.bytes;
    return lineEnd === "\r\n" ? area.value.replaceAll("\n", "\r\n") : area.value;
  };

  const submit = async (): Promise<void> => {
    const key = entry ? entry.key : keyInput.value;
    const meta = metaInput.value.trim();
    metaInput.setCustomValidity(
      meta === "" || isJsonObject(meta) ? "" : 'Expected a JSON object, for example {"owner": "billing"}',
    );
    const body = bodyOf();
    fileInput.setCustomValidity(source === "file" && body === null ? "Choose a file first" : "");
    if (!form.reportValidity()) return;
    const write = { body: body ?? "", contentType: typeInput.value, meta: meta || null, expiry: expiry.value() };
    save.disabled = true;
    problem.replaceChildren();
    try {
      if (source === "counter") await incrementEntry(namespace, key, counterInput.valueAsNumber);
      else {
        const outcome = await writeConditionally({
          namespace,
          key,
          expected: entry?.etag ?? null,
          shown: entry,
          write: (expected) => writeEntry(namespace, key, expected, write),
          insist: (current) => (current ? "Overwrite with mine" : "Create it again"),
        });
        if (outcome === "back") return;
        if (outcome === "reload") return finish(key);
      }
      announce(`${entry ? "Saved" : "Created"} ${printable(key)}`);
      finish(key);
    } catch (error) {
      problem.append(errorBox(error));
    } finally {
      save.disabled = false;
    }
  };

  const finish = (key: string) => {
    result = key;
    dialog.close();
  };
  const isDirty = () =>
    area.value !== areaAtFirst ||
    file !== null ||
    typeInput.value !== typeAtFirst ||
    metaInput.value !== (entry?.meta ?? "");
  const mayClose = async () =>
    !isDirty() ||
    ask({ title: "Discard your changes?", text: "They were not saved.", action: "Discard", danger: true });

  show(source);
  checkJson();
  const dialog = openDialog(entry ? "Edit value" : "New key", form, { wide: true, mayClose });
  if (!entry) {
    keyInput.focus();
    keyInput.setSelectionRange(initialKey.length, initialKey.length);
  } else if (editable) area.focus();
  await dialog.closed;
  return result;
}

function editingNotes(entry: ShownEntry | null, text: string | null, lineEnd: string | null) {
  const notes: string[] = [];
  if (entry && text === null)
    notes.push(
      entry.whole
        ? "These bytes are not text, so they can only be replaced by a file."
        : "The value is too large to edit here; a file can replace it.",
    );
  if (text !== null && lineEnd === null)
    notes.push(
      "The text mixes different line ends, which a browser cannot edit without changing them all. A file can replace it.",
    );
  if (entry?.contentEncoding)
    notes.push(`It is stored compressed (${entry.contentEncoding}). Saving stores it uncompressed.`);
  return notes.map((note) => el("p", { class: "note" }, note));
}

function isJsonObject(text: string): boolean {
  return isJson(text) && text.startsWith("{");
}
