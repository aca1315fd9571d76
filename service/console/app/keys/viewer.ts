/** A value on the page, by its content type and by what its bytes really are. */
import { type Child, el } from "../dom.ts";
import { size } from "../format.ts";
import { hexDump } from "../hex.ts";
import type { IconName } from "../icons.ts";
import { colouredJson, formatJson, isJson } from "../json.ts";
import { type EntryMeta, headBytes, isImage, type ShownEntry } from "./entry.ts";
import { decodeText } from "./text.ts";

/** Above this a colour for each word makes too many elements. */
const colouredLength = 200_000;

export function iconFor(entry: Pick<EntryMeta, "kind" | "contentType">): IconName {
  const type = entry.contentType.toLowerCase();
  if (entry.kind === "counter") return "counter";
  if (isJsonType(type)) return "json";
  if (type.startsWith("image/")) return "image";
  return isTextType(type) ? "text" : "bytes";
}

export function isJsonType(type: string): boolean {
  return /^application\/([\w.-]+\+)?json\b/i.test(type);
}

function isTextType(type: string): boolean {
  return /^text\/|^application\/(xml|yaml|toml|javascript|jsonl|x-ndjson|x-www-form-urlencoded)\b|\+(xml|yaml)\b/i.test(
    type,
  );
}

export function viewValue(entry: ShownEntry): HTMLElement {
  const { contentType, bytes, whole } = entry;
  if (entry.size === 0) return el("p", { class: "empty-value" }, "Empty: 0 bytes");
  if (isImage(contentType) && whole) return imageView(entry);
  const text = isJsonType(contentType) || isTextType(contentType) ? decodeText(bytes, whole) : null;
  if (text === null) return bytesView(entry);
  if (whole && isJsonType(contentType) && isJson(text)) return jsonView(text);
  return el("div", { class: "value-view" }, !whole && partNote(entry), pre(text, "Text"));
}

function jsonView(text: string): HTMLElement {
  const formatted = formatJson(text);
  const pretty = pre(formatted.length < colouredLength ? colouredJson(formatted) : formatted, "Formatted JSON");
  if (formatted === text.trim()) return el("div", { class: "value-view" }, pretty);
  const raw = pre(text, "Stored JSON");
  raw.hidden = true;
  const toggle = el(
    "button",
    {
      type: "button",
      class: "button small",
      "aria-pressed": "false",
      onclick: () => {
        raw.hidden = !raw.hidden;
        pretty.hidden = !raw.hidden;
        toggle.setAttribute("aria-pressed", String(!raw.hidden));
      },
    },
    "As stored",
  );
  return el(
    "div",
    { class: "value-view" },
    el("div", { class: "value-bar" }, el("span", {}, "Laid out for reading"), toggle),
    pretty,
    raw,
  );
}

function imageView(entry: ShownEntry): HTMLElement {
  // An image element runs no scripts, so SVG is safe here and nowhere else.
  const url = URL.createObjectURL(new Blob([entry.bytes], { type: entry.contentType }));
  const caption = el("figcaption", { class: "muted small" });
  const image = el("img", {
    src: url,
    alt: `The image stored under ${entry.key}`,
    onload: () => {
      caption.textContent = image.naturalWidth > 0 ? `${image.naturalWidth} × ${image.naturalHeight} pixels` : "";
      URL.revokeObjectURL(url);
    },
    onerror: () => {
      URL.revokeObjectURL(url);
      figure.replaceWith(
        el(
          "div",
          { class: "value-view" },
          el("p", { class: "value-bar" }, "No image that this browser can show"),
          bytesView(entry),
        ),
      );
    },
  });
  const figure = el("figure", { class: "image-view" }, image, caption);
  return figure;
}

function bytesView(entry: ShownEntry): HTMLElement {
  const shown = entry.bytes.subarray(0, headBytes);
  const note = shown.length < entry.size && partNote({ ...entry, bytes: shown });
  return el("div", { class: "value-view" }, note, pre(hexDump(shown), "Bytes", "hex"));
}

function partNote({ bytes, size: total }: Pick<ShownEntry, "bytes" | "size">): HTMLElement {
  return el("p", { class: "value-bar" }, `The first ${size(bytes.length)} of ${size(total)}. Download shows all.`);
}

/** Scrolls, so it takes the focus: else a keyboard could not reach what lies below. */
function pre(content: Child, label: string, kind = ""): HTMLPreElement {
  return el("pre", { class: `text-view ${kind}`, tabindex: 0, role: "region", "aria-label": label }, content);
}
