/** The order ticket. */

import { h } from "preact";

import { grouped, trimmed } from "../core/decimal.js";
import { Segments } from "./ui.js";
import { TIMES_IN_FORCE } from "./ticket_form.js";
import { ORDER_TYPES, sideName } from "./wording.js";

/** @typedef {import("./ticket_form.js").TicketForm} TicketForm */

const SIDES = /** @type {const} */ ([
  { value: "buy", text: "▲ Buy" },
  { value: "sell", text: "▼ Sell" },
]);
const SHARES = /** @type {const} */ ([25n, 50n, 75n, 100n]);
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

/** @param {{form: TicketForm}} props */
export function Ticket({ form }) {
  const instrument = form.session.instrument.value;
  if (instrument === null) {
    return h("section", { class: "panel ticket", "aria-label": "Order ticket" });
  }
  const side = form.side.value;
  const types = Object.entries(ORDER_TYPES).map(([value, text]) => ({ value, text }));
  return h(
    "section",
    { class: `panel ticket ${side}`, "aria-label": "Order ticket" },
    h(
      "form",
      {
        noValidate: true,
        onSubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          void form.submit();
        },
      },
      h(Segments, { label: "Side", class: "sides", options: SIDES, value: side,
        onChoose: (value) => (form.side.value = value) }),
      h(Segments, { label: "Order type", class: "types", options: types, value: form.type.value,
        onChoose: (value) => form.setType(/** @type {any} */ (value)) }),
      form.hasStop.value &&
        h(PriceField, { form, field: "stopPrice", name: "stop_price", label: "Stop price" }),
      form.hasPrice.value && h(PriceField, { form, field: "price", name: "price", label: "Price" }),
      h(SizeField, { form }),
      h(Shares, { form }),
      h(More, { form }),
      h(Summary, { form }),
      h(Submit, { form }),
    ),
  );
}

/**
 * @param {{form: TicketForm, field: "price" | "stopPrice", name: string, label: string}} props
 */
function PriceField({ form, field, name, label }) {
  const instrument = form.session.instrument.value;
  const best = form.session.market.best.value;
  const own = form.side.value === "buy" ? best.bid : best.ask;
  const steps = /** @type {Record<string, bigint>} */ ({ ArrowUp: 1n, ArrowDown: -1n,
    PageUp: 10n, PageDown: -10n });
  return h(
    Field,
    { form, name, label, unit: instrument?.quote ?? "" },
    (/** @type {object} */ described) =>
      h("input", {
        ...described,
        type: "text",
        inputMode: "decimal",
        autoComplete: "off",
        value: form[field].value,
        placeholder: own ?? "0",
        onInput: (/** @type {any} */ event) => {
          form[field].value = event.target.value;
          form.touched(name);
        },
        onKeyDown: (/** @type {KeyboardEvent} */ event) => {
          if (steps[event.key] === undefined) return;
          event.preventDefault();
          form.step(field, steps[event.key]);
        },
      }),
    name === "price" &&
      h(
        "span",
        { class: "quick" },
        [["Bid", best.bid], ["Ask", best.ask]].map(([text, price]) =>
          h("button", { key: text, type: "button", disabled: price === null,
            title: `Use the best ${String(text).toLowerCase()}`,
            onClick: () => {
              form[field].value = price ?? "";
              form.touched(name);
            } }, text),
        ),
      ),
  );
}

/** @param {{form: TicketForm}} props */
function SizeField({ form }) {
  const instrument = form.session.instrument.value;
  const isMarket = form.type.value === "market";
  const byAmount = form.sizedByAmount.value;
  const unit = (byAmount ? instrument?.quote : instrument?.base) ?? "";
  return h(
    Field,
    { form, name: "quantity", also: "quote_quantity", label: byAmount ? "Amount" : "Size", unit },
    (/** @type {object} */ described) =>
      h("input", {
        ...described,
        type: "text",
        inputMode: "decimal",
        autoComplete: "off",
        value: form.quantity.value,
        placeholder: byAmount ? instrument?.minNotional : instrument?.minQuantity,
        onInput: (/** @type {any} */ event) => {
          form.quantity.value = event.target.value;
          form.touched("quantity");
        },
      }),
    isMarket &&
      h("span", { class: "quick" },
        h("button", { type: "button", "aria-pressed": byAmount,
          title: "Size as an amount of the quote asset",
          onClick: () => {
            form.byAmount.value = !form.byAmount.value;
            form.quantity.value = "";
          } }, `in ${byAmount ? instrument?.base : instrument?.quote}`)),
  );
}

/**
 * A labelled field with its unit, and the sentence of what is wrong with it.
 * @param {{form: TicketForm, name: string, also?: string, label: string, unit?: string,
 *          children?: any}} props `children` is a function that makes the control, then more
 */
function Field({ form, name, also, label, unit, children }) {
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
function Shares({ form }) {
  const available = form.available();
  return h(
    "div",
    { class: "shares" },
    h(
      "div",
      { class: "available" },
      h("span", null, "Available"),
      h("span", { class: "number" },
        available === null || available.amount === null
          ? "–"
          : `${grouped(trimmed(available.amount))} ${available.asset}`),
    ),
    h(
      "div",
      { class: "segments", role: "group", "aria-label": "Size as a share of what is available" },
      SHARES.map((share) =>
        h("button", { key: String(share), type: "button", onClick: () => form.useShare(share) },
          `${share} %`)),
    ),
  );
}

/** @param {{form: TicketForm}} props */
function More({ form }) {
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
        "Post-only: refuse it if it would take"),
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

/** @param {{form: TicketForm}} props */
function Summary({ form }) {
  const instrument = form.session.instrument.value;
  const estimate = form.estimate.value;
  const isExact = form.type.value === "limit" || form.type.value === "stop_limit";
  const about = isExact ? "" : "≈ ";
  return h(
    "dl",
    { class: "summary" },
    estimate?.average
      ? h("div", null, h("dt", null, "Average price"),
          h("dd", null, `≈ ${grouped(estimate.average)} ${instrument?.quote}`))
      : null,
    h("div", null, h("dt", null, "Total"),
      h("dd", null, estimate ? `${about}${grouped(trimmed(estimate.amount))} ${instrument?.quote}` : "–")),
    h("div", null,
      h("dt", null, estimate ? `Fee as ${estimate.isTaker ? "taker" : "maker"}` : "Fee"),
      h("dd", null, estimate ? `${about}${grouped(trimmed(estimate.fee))} ${estimate.feeAsset}` : "–")),
    estimate?.isShort
      ? h("p", { class: "warning" }, "⚠ More than is available.")
      : estimate?.isPartial
        ? h("p", { class: "warning" }, "⚠ The book has less; the rest will expire.")
        : null,
  );
}

/** @param {{form: TicketForm}} props */
function Submit({ form }) {
  const instrument = form.session.instrument.value;
  const side = form.side.value;
  const hasAccount = form.session.accountName.value !== "";
  const name = `${sideName(side)} ${instrument?.base ?? ""}`;
  const error = form.errors.value[""];
  return h(
    "div",
    { class: "submit" },
    error && h("p", { class: "error", role: "alert" }, error),
    h(
      "button",
      {
        type: "submit",
        class: `place ${side}`,
        disabled: !hasAccount,
        "aria-disabled": form.busy.value,
        // The second click of a double click is not another order.
        onClick: (/** @type {MouseEvent} */ event) => {
          if (event.detail > 1) event.preventDefault();
        },
      },
      hasAccount ? (form.busy.value ? "Sending …" : name) : "Choose an account first",
    ),
  );
}
