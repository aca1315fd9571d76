/** Where a written value comes from: a text that is typed, a file, or a counter's step. */
import { el } from "../dom.ts";
import { field } from "../field.ts";
import { printable, size } from "../format.ts";
import { icon } from "../icons.ts";
import { formatJson, isJson } from "../json.ts";
import type { ShownEntry } from "./entry.ts";
import { decodeText, lineEndOf } from "./text.ts";
import { isJsonType } from "./viewer.ts";

const labels = { text: "Text", file: "File", counter: "Counter" };
type Kind = keyof typeof labels;

export interface ValueSource {
  element: HTMLElement;
  kind(): Kind;
  /** The bytes to write, exactly those that were read where nothing was changed; null while no file is chosen. */
  body(): BodyInit | null;
  /** How much a counter is to grow. */
  step(): number;
  isChanged(): boolean;
  /** Shows the browser's hint at what is missing; false when something is. */
  check(): boolean;
  take(file: File | undefined): void;
  setType(contentType: string): void;
  focus(): void;
}

export interface SourceEvents {
  /** A file was chosen. */
  file(file: File): void;
  /** Another kind of source was. */
  kind(kind: Kind): void;
}

/** The fields for the value of `entry`, or of a new entry when that is null. */
export function valueSource(entry: ShownEntry | null, events: SourceEvents): ValueSource {
  const text = entry === null ? "" : entry.whole ? decodeText(entry.bytes) : null;
  const lineEnd = text === null ? null : lineEndOf(text);
  const editable = text !== null && lineEnd !== null;
  let kind: Kind = editable ? "text" : "file";
  let file: File | null = null;
  let contentType = "";

  const area = el("textarea", {
    rows: 14,
    spellcheck: "false",
    class: "mono",
    "aria-label": "Value",
    oninput: () => showJson(),
  });
  area.value = editable ? text : "";
  const areaAtFirst = area.value;
  const jsonNote = el("p", { class: "note", role: "status" });
  const layOut = el(
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
  const showJson = () => {
    const expected = isJsonType(contentType);
    const valid = isJson(area.value);
    layOut.hidden = !expected || !valid;
    jsonNote.textContent =
      expected && !valid && area.value !== "" ? "This is not valid JSON. It can be saved all the same." : "";
  };

  const fileInput = el("input", { type: "file", onchange: () => take(fileInput.files?.[0]) });
  const fileName = el("p", { class: "muted", role: "status" }, "or drop one here");
  const take = (chosen: File | undefined) => {
    if (!chosen) return;
    file = chosen;
    fileInput.setCustomValidity("");
    fileName.textContent = `${printable(chosen.name)}, ${size(chosen.size)}`;
    show("file");
    events.file(chosen);
  };

  const step = el("input", { type: "number", step: 1, value: 1, required: true, class: "short" });

  const panels: Record<Kind, HTMLElement> = {
    text: el("div", { class: "stack tight" }, area, el("div", { class: "row between" }, jsonNote, layOut)),
    file: el("div", { class: "drop" }, icon("upload"), field("File to store, byte for byte", fileInput), fileName),
    counter: field(
      "Add",
      step,
      "Makes a counter with this value, or adds to the counter that is there. Clouds that count at the same time add up.",
    ),
  };
  const kinds = (Object.keys(labels) as Kind[]).filter((name) =>
    name === "counter" ? !entry : name === "file" || editable,
  );
  const radios = kinds.map((name) =>
    el("input", { type: "radio", name: "source", value: name, onchange: () => show(name) }),
  );
  const show = (wanted: Kind) => {
    kind = wanted;
    for (const [name, panel] of Object.entries(panels)) panel.hidden = name !== wanted;
    for (const radio of radios) radio.checked = radio.value === wanted;
    step.disabled = wanted !== "counter";
    events.kind(wanted);
  };

  const element = el(
    "div",
    { class: "stack" },
    notesOn(entry, text, lineEnd).map((note) => el("p", { class: "note" }, note)),
    kinds.length > 1 &&
      el(
        "fieldset",
        { class: "segments" },
        el("legend", {}, "Value"),
        radios.map((radio, i) => el("label", {}, radio, el("span", {}, labels[kinds[i]!]))),
      ),
    Object.values(panels),
  );
  show(kind);
  showJson();

  return {
    element,
    kind: () => kind,
    body: () => {
      if (kind === "file") return file;
      if (entry && area.value === areaAtFirst) return entry.bytes;
      return lineEnd === "\r\n" ? area.value.replaceAll("\n", "\r\n") : area.value;
    },
    step: () => step.valueAsNumber,
    isChanged: () => file !== null || area.value !== areaAtFirst,
    check: () => {
      fileInput.setCustomValidity(kind === "file" && file === null ? "Choose a file first" : "");
      return fileInput.reportValidity();
    },
    take,
    setType: (type) => {
      contentType = type;
      showJson();
    },
    focus: () => {
      if (editable) area.focus();
    },
  };
}

/** What the user should know before editing. */
function notesOn(entry: ShownEntry | null, text: string | null, lineEnd: string | null): string[] {
  const notes: string[] = [];
  if (entry && !entry.whole) notes.push("The value is too large to edit here; a file can replace it.");
  else if (text === null) notes.push("These bytes are not text, so they can only be replaced by a file.");
  else if (lineEnd === null)
    notes.push(
      "The text mixes different line ends, which a browser cannot edit without changing them all. A file can replace it.",
    );
  if (entry?.contentEncoding)
    notes.push(`It is stored compressed (${entry.contentEncoding}). Saving stores it uncompressed.`);
  return notes;
}
