/** Small components that several panels share. */

import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { grouped } from "../core/decimal.js";

/**
 * A choice of one option among few, as buttons of which one is pressed.
 * @param {{label: string, options: readonly {value: string, text: string, title?: string}[],
 *          value: string, onChoose: (value: any) => void, class?: string}} props
 */
export function Segments({ label, options, value, onChoose, class: className = "" }) {
  return h(
    "div",
    { class: `segments ${className}`, role: "group", "aria-label": label },
    options.map((option) =>
      h(
        "button",
        {
          type: "button",
          key: option.value,
          title: option.title,
          "aria-pressed": option.value === value,
          "data-value": option.value,
          onClick: () => onChoose(option.value),
        },
        option.text,
      ),
    ),
  );
}

/**
 * A button that opens a small window below it; Escape or a click elsewhere closes it.
 * @param {{id: string, label: any, name?: string, class?: string, align?: "left" | "right",
 *          title: string, children?: any}} props
 */
export function Popover({ id, label, name, class: className = "", align = "left", title,
  children }) {
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const panel = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => {
    const element = panel.current;
    const place = () => {
      if (element === null || button.current === null) return;
      const box = button.current.getBoundingClientRect();
      element.style.top = `${box.bottom + 4}px`;
      element.style.left = align === "left" ? `${Math.max(8, box.left)}px` : "auto";
      element.style.right = align === "right" ? `${Math.max(8, innerWidth - box.right)}px` : "auto";
    };
    element?.addEventListener("beforetoggle", place);
    return () => element?.removeEventListener("beforetoggle", place);
  }, [align]);
  return [
    h(
      "button",
      { type: "button", ref: button, class: className, popovertarget: id, "aria-label": name,
        "aria-haspopup": "dialog" },
      label,
    ),
    h(
      "div",
      { id, ref: panel, popover: "auto", class: "popover", role: "dialog", "aria-label": title },
      children,
    ),
  ];
}

/** @param {string} id of a Popover */
export function openPopover(id) {
  const element = document.getElementById(id);
  if (element !== null && !element.matches(":popover-open")) element.showPopover();
}

/** @param {string} id of an open Popover */
export function closePopover(id) {
  const element = document.getElementById(id);
  if (element?.matches(":popover-open")) element.hidePopover();
}

/**
 * An amount with sign and colour, cut to `decimals` digits behind the point.
 * @param {{amount: string, decimals?: number}} props
 */
export function Signed({ amount, decimals }) {
  const point = amount.indexOf(".");
  const cut = decimals === undefined || point < 0 ? amount : amount.slice(0, point + 1 + decimals);
  const isZero = !/[1-9]/.test(cut);
  const isDown = cut.startsWith("-");
  const text = isZero ? cut.replace("-",
    "") : isDown ? `−${grouped(cut.slice(1))}` : `+${grouped(cut)}`;
  return h("span", { class: isZero ? "muted" : isDown ? "down" : "up" }, text);
}

/**
 * A coloured word with a sign beside it, because colour alone must carry no meaning.
 * @param {{side: string, children?: any}} props
 */
export function Side({ side, children }) {
  return h("span", { class: side === "buy" ? "up" : "down" }, side === "buy" ? "▲ " : "▼ ",
    children);
}
