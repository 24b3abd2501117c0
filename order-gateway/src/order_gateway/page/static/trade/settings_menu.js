/** The settings of the page, which this browser keeps. */

import { h } from "preact";

import { HOTKEYS } from "./hotkeys.js";
import { armed, isPaused, togglePaused } from "./view_commands.js";
import { palette, theme } from "../ui/preferences.js";
import { Popover, Segments } from "../ui/ui.js";

const THEME_OPTIONS = /** @type {const} */ ([
  { value: "auto", text: "System" },
  { value: "dark", text: "Dark" },
  { value: "light", text: "Light" },
]);
const PALETTE_OPTIONS = /** @type {const} */ ([
  { value: "green-red", text: "Green and red" },
  { value: "blue-orange", text: "Blue and orange" },
]);

/** @param {{session: import("./session.js").Session}} props */
export function SettingsMenu({ session }) {
  return [
    h("button", { type: "button", class: "icon", "aria-pressed": isPaused.value,
      "aria-label": "Pause updates",
      title: "Pause updates of prices", onClick: togglePaused }, h(PauseSign, null)),
    h(
      Popover,
      { id: "settings", class: "icon", align: "right", title: "Settings", label: h(GearSign, null),
        name: "Settings" },
      h("h2", null, "Looks"),
      h(Segments, { label: "Theme", options: THEME_OPTIONS, value: theme.value,
        onChoose: (value) => (theme.value = value) }),
      h(Segments, { label: "Colours of buy and sell", options: PALETTE_OPTIONS,
        value: palette.value,
        onChoose: (value) => (palette.value = value) }),
      h("h2", null, "Keys"),
      h("label", { class: "check" },
        h("input", { type: "checkbox", checked: armed.value,
          onChange: (/** @type {any} */ event) => (armed.value = event.target.checked) }),
        "Arm: keys, and clicks in the ladder, trade at once"),
      h(
        "table",
        { class: "legend" },
        h("caption", { class: "sr" }, "Keys"),
        h("tbody", null, HOTKEYS.map((hotkey) =>
          h("tr", { key: hotkey.key, class: hotkey.trades && !armed.value ? "muted" : "" },
            h("th", { scope: "row" }, h("kbd", null, hotkey.shown ?? hotkey.key)),
            h("td", null, hotkey.does, hotkey.trades && !armed.value ? " (when armed)" : "")))),
      ),
      h("p", { class: "muted" }, `Tapewire ${session.config.version}`),
    ),
  ];
}

function PauseSign() {
  const path = isPaused.value ? "M4 2l10 6-10 6z" : "M4 2h3v12H4zM9 2h3v12H9z";
  return h("svg", { viewBox: "0 0 16 16", width: 14, height: 14, fill: "currentColor",
    "aria-hidden": "true" },
    h("path", { d: path }));
}

function GearSign() {
  return h("svg", { viewBox: "0 0 16 16", width: 15, height: 15, fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.5, "stroke-linecap": "round", "aria-hidden": "true" },
    h("path", { d: "M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6" }),
    h("circle", { cx: 10, cy: 4.5, r: 1.8 }),
    h("circle", { cx: 6, cy: 11.5, r: 1.8 }));
}
