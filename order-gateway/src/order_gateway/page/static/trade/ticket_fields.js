/** Fields of the order ticket, with the fields of rare options. */

import { h } from "preact";

import { TIMES_IN_FORCE } from "./ticket_form.js";

/** @typedef {import("./ticket_form.js").TicketForm} TicketForm */

const TIME_NAMES = /** @type {Record<string, string>} */ ({
  gtc: "Until canceled",
  ioc: "Immediate or cancel",
  fok: "Fill or kill",
  gtd: "Until a date",
});
const SELF_TRADE_NAMES = /** @type {Record<string, string>} */ ({
  "": "Venue's default",
  none: "Let it trade",
  expire_taker: "End the new order",
  expire_maker: "End the resting order",
  expire_both: "End both",
  decrement: "Take both down",
});

/**
 * A labelled field with its unit, and the sentence of its error.
 * @param {{form: TicketForm, name: string, also?: string, label: string, unit?: string,
 *          children?: any}} props `children` is a function that makes the control, then more
 */
export function Field({ form, name, also, label, unit, children }) {
  const [input, beside] = Array.isArray(children) ? children : [children, null];
  const error = form.errors.value[name] ?? (also ? form.errors.value[also] : undefined);
  const id = `ticket-${name}`;
  const described = {
    id,
    name,
    "aria-invalid": error ? "true" : undefined,
    "aria-describedby": error ? `${id}-error` : undefined,
  };
  return h(
    "div",
    { class: `field ${error ? "wrong" : ""}` },
    h("label", { for: id }, label),
    h("span", { class: "control" }, input(described), unit && h("span", { class: "unit" }, unit)),
    beside,
    error && h("p", { class: "error", id: `${id}-error` }, error),
  );
}

/** @param {{form: TicketForm}} props */
export function More({ form }) {
  const type = form.type.value;
  const times = TIMES_IN_FORCE[type];
  return h(
    "details",
    { class: "more" },
    h("summary", null, "More: ", h("span", { class: "muted" }, summaryOf(form))),
    times.length > 0 &&
      h(Select, { form, name: "time_in_force", label: "Valid", value: form.timeInForce.value,
        options: times.map((time) => [time, TIME_NAMES[time]]),
        onChoose: (value) => (form.timeInForce.value = /** @type {any} */ (value)) }),
    times.length > 0 && form.timeInForce.value === "gtd" &&
      h(Field, { form, name: "expire_at", label: "Ends" },
        (/** @type {object} */ described) =>
          h("input", { ...described, type: "datetime-local", step: 1, value: form.expireAt.value,
            onInput: (/** @type {any} */ event) => {
              form.expireAt.value = event.target.value;
              form.touched("expire_at");
            } })),
    form.mayHide.value &&
      h(Field, { form, name: "display_quantity", label: "Show only",
        unit: form.session.instrument.value?.base },
        (/** @type {object} */ described) =>
          h("input", { ...described, type: "text", inputMode: "decimal", autoComplete: "off",
            placeholder: "all of it", value: form.display.value,
            onInput: (/** @type {any} */ event) => {
              form.display.value = event.target.value;
              form.touched("display_quantity");
            } })),
    h(Select, { form, name: "self_trade_prevention", label: "Own orders",
      value: form.selfTrade.value, options: Object.entries(SELF_TRADE_NAMES),
      onChoose: (value) => (form.selfTrade.value = value) }),
    form.mayPostOnly.value &&
      h("label", { class: "check" },
        h("input", { type: "checkbox", checked: form.postOnly.value,
          onChange: (/** @type {any} */ event) => (form.postOnly.value = event.target.checked) }),
        "Post-only: refuse the order if it would trade at once"),
  );
}

/** @param {TicketForm} form */
function summaryOf(form) {
  const parts = [];
  if (TIMES_IN_FORCE[form.type.value].length > 0) parts.push(TIME_NAMES[form.timeInForce.value]);
  if (form.mayPostOnly.value && form.postOnly.value) parts.push("post-only");
  if (form.mayHide.value && form.display.value) parts.push("iceberg");
  return parts.join(", ").toLowerCase() || "options";
}

/**
 * @param {{form: TicketForm, name: string, label: string, value: string,
 *          options: string[][], onChoose: (value: string) => void}} props
 */
function Select({ form, name, label, value, options, onChoose }) {
  return h(Field, { form, name, label }, (/** @type {object} */ described) =>
    h("select", { ...described, value,
      onChange: (/** @type {any} */ event) => onChoose(event.target.value) },
      options.map(([each, text]) => h("option", { key: each, value: each }, text))));
}
