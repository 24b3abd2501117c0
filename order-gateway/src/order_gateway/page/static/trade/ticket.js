/** The order ticket. */

import { h } from "preact";

import { grouped, trimmed } from "../core/decimal.js";
import { Segments } from "../ui/ui.js";
import { Field, More } from "./ticket_fields.js";
import { ORDER_TYPES, sideName } from "../ui/wording.js";

/** @typedef {import("./ticket_form.js").TicketForm} TicketForm */

const SIDES = /** @type {const} */ ([
  { value: "buy", text: "▲ Buy" },
  { value: "sell", text: "▼ Sell" },
]);
const SHARES = /** @type {const} */ ([25n, 50n, 75n, 100n]);
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
        h(PriceField, { form, field: "stopPrice", name: "stop_price",
          label: form.type.value.startsWith("stop") ? "Stop price" : "Trigger" }),
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
      h("dd", null,
        estimate ? `${about}${grouped(trimmed(estimate.amount))} ${instrument?.quote}` : "–")),
    h("div", null,
      h("dt", null, estimate ? `Fee as ${estimate.isTaker ? "taker" : "maker"}` : "Fee"),
      h("dd", null,
        estimate ? `${about}${grouped(trimmed(estimate.fee))} ${estimate.feeAsset}` : "–")),
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
  const hasAccount = form.session.trader.name.value !== "";
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
