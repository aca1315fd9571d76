/** The choice of the namespace: a list where the API key may see it, else a field to type it. */
import { api } from "./api.ts";
import { el, fill } from "./dom.ts";
import { linkTo, type ViewName } from "./route.ts";

export interface NamespacePicker {
  element: HTMLElement;
  show(namespace: string): void;
}

export function namespacePicker(view: ViewName, signal: AbortSignal): NamespacePicker {
  let names: string[] | null = null;
  let current = "";
  const element = el("label", { class: "picker" });
  const go = (name: string) => {
    if (name !== "") location.hash = linkTo(view, name);
  };
  const draw = () => {
    if (names) {
      const all = names.includes(current) ? names : [current, ...names];
      const select = el(
        "select",
        { onchange: () => go(select.value) },
        all.map((name) => el("option", { selected: name === current }, name)),
      );
      fill(element, el("span", {}, "Namespace"), select);
    } else {
      const input = el("input", {
        value: current,
        spellcheck: "false",
        autocomplete: "off",
        onchange: () => go(input.value.trim()),
      });
      fill(element, el("span", {}, "Namespace"), input);
    }
  };
  const load = async () => {
    try {
      names = (await api.namespaces(signal)).map(({ name }) => name);
      draw();
    } catch {
      // Without `admin` there is no list; the field stays.
    }
  };
  void load();
  return {
    element,
    show: (namespace) => {
      current = namespace;
      draw();
    },
  };
}
