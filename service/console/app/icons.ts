/** Line icons on a 20 × 20 grid. They stand beside words, never for them, so they are hidden from screen readers. */
import { svg } from "./dom.ts";

const paths = {
  key: "M12.5 3.5a4 4 0 1 1-3.3 6.2L3.5 15.4V17H6v-1.8h1.9v-1.9l1.9-1.9M13.6 6.4v0",
  watch: "M2.5 10h3l2-5 4 10 2.2-5h3.8",
  folder:
    "M2.8 6V5a1.2 1.2 0 0 1 1.2-1.2h3.2l1.8 2h7A1.2 1.2 0 0 1 17.2 7v8a1.2 1.2 0 0 1-1.2 1.2H4A1.2 1.2 0 0 1 2.8 15z",
  boxes: "M10 2.8 16.5 6v7.6L10 17l-6.5-3.4V6zM3.7 6.2 10 9.4l6.3-3.2M10 9.4V17",
  shield: "M10 2.7 16 5v4.6c0 3.6-2.5 6.3-6 7.7-3.5-1.4-6-4.1-6-7.7V5zM7.4 10l1.8 1.8 3.4-3.6",
  cloud: "M6 15.5a3.6 3.6 0 0 1-.3-7.2 4.6 4.6 0 0 1 8.9.9 3.2 3.2 0 0 1-.4 6.3z",
  health: "M10 16.6S3 12.6 3 7.8a3.6 3.6 0 0 1 7-1.3 3.6 3.6 0 0 1 7 1.3c0 4.8-7 8.8-7 8.8z",
  search: "M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M13 13l3.8 3.8",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5 5 15",
  back: "M12 4.5 6.5 10l5.5 5.5",
  next: "M8 4.5 13.5 10 8 15.5",
  text: "M5.5 2.8h6l3.2 3.2v11.2H5.5zM8 9h4.4M8 12h4.4",
  json: "M7.5 3.5c-2 0-2 1-2 2.5v2c0 1-.5 2-1.7 2 1.2 0 1.7 1 1.7 2v2c0 1.5 0 2.5 2 2.5M12.5 3.5c2 0 2 1 2 2.5v2c0 1 .5 2 1.7 2-1.2 0-1.7 1-1.7 2v2c0 1.5 0 2.5-2 2.5",
  image: "M3 4.2h14v11.6H3zM3.5 14l4-4.5 3 3 2-2 4 4M12.6 7.6v0",
  bytes: "M5 4v4.5M9 4h2.5v4.5H9zM15 4v4.5M5 11.5h2.5V16H5zM11 11.5V16M14 11.5h2.5V16H14z",
  counter: "M7.5 3.5 6 16.5M14 3.5l-1.5 13M3.5 7.5h13.5M3 12.5h13.5",
  edit: "M12.5 4.5l3 3L7.2 15.8l-3.7.7.7-3.7zM11 6l3 3",
  download: "M10 3.5v9M6.5 9.3 10 12.8l3.5-3.5M3.8 16.5h12.4",
  upload: "M10 13V4M6.5 7.3 10 3.8l3.5 3.5M3.8 16.5h12.4",
  clock: "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14M10 6.2V10l2.6 1.8",
  trash: "M4 5.8h12M8 5.5V3.8h4v1.7M5.5 5.8l.7 10.7h7.6l.7-10.7M8.5 8.8v5M11.5 8.8v5",
  copy: "M7 7h9.5v9.5H7zM13 7V3.5H3.5V13H7",
  refresh: "M15.8 8A6.2 6.2 0 0 0 4.5 7.2M4.2 12a6.2 6.2 0 0 0 11.3.8M4.3 3.8v3.6h3.6M15.7 16.2v-3.6h-3.6",
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6.5 4.2v11.6L15.5 10z",
  signout: "M12 6V3.5H4v13h8V14M8.5 10H17M14.2 7.2 17 10l-2.8 2.8",
  keyboard: "M2.5 5.5h15v9h-15zM5.5 8.5v0M8.5 8.5v0M11.5 8.5v0M14.5 8.5v0M6.5 11.8h7",
  warning: "M10 3.5 17.5 16.2h-15zM10 8.3v3.7M10 14.2v0",
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): SVGElement {
  return svg("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: paths[name] }));
}
