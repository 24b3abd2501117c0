/** The account's open orders, fills, balances and performance. */

import { h } from "preact";
import { useState } from "preact/hooks";

import { decimalsOf, grouped, toText, toUnits, trimmed } from "../core/decimal.js";
import { asProblem } from "../venue/gateway.js";
import { PerformanceTable } from "./performance_table.js";
import { cancelAll, cancelOrders } from "./orders.js";
import { Segments, Side } from "../ui/ui.js";
import { ORDER_TYPES, dateAndTime, sideName } from "../ui/wording.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("../venue/account.js").Order} Order */
/** @typedef {"orders" | "fills" | "balances" | "performance"} Tab */

const FILLS_SHOWN = 100;
const ORDERS_SHOWN = 200;

/** @param {{session: Session}} props */
export function OrdersPanel({ session }) {
  const [tab, setTab] = useState(/** @type {Tab} */ ("orders"));
  const [onlyHere, setOnlyHere] = useState(false);
  void session.trader.version.value;
  const { account } = session.trader;
  const symbol = session.symbol.value;
  const orders = [...account.orders.values()]
    .filter((order) => !onlyHere || order.symbol === symbol)
    .sort((one, other) => (one.placed_at < other.placed_at ? 1 : -1));
  const fills = account.fills.filter((fill) => !onlyHere || fill.symbol === symbol);
  const tabs = /** @type {const} */ ([
    { value: "orders", text: `Open orders (${account.orders.size})` },
    { value: "fills", text: "Fills" },
    { value: "balances", text: "Balances" },
    { value: "performance", text: "P&L" },
  ]);
  return h(
    "section",
    { class: "panel work", "aria-label": "Your orders, fills and balances" },
    h(
      "header",
      null,
      h(Segments, { label: "What to show", class: "tabs", options: tabs, value: tab,
        onChoose: setTab }),
      (tab === "orders" || tab === "fills") &&
        h("label", { class: "check" },
          h("input", { type: "checkbox", checked: onlyHere,
            onChange: (/** @type {any} */ event) => setOnlyHere(event.target.checked) }),
          `${symbol} only`),
      tab === "orders" &&
        h("button", { type: "button", class: "small danger", disabled: orders.length === 0,
          onClick: () => void cancelAll(session, onlyHere ? symbol : null) },
          onlyHere ? `Cancel all in ${symbol}` : "Cancel all"),
    ),
    h(
      "div",
      { class: "rows", tabIndex: 0, role: "region", "aria-label": "Table" },
      tab === "orders"
        ? h(Orders, { session, orders: orders.slice(0, ORDERS_SHOWN) })
        : tab === "fills"
          ? h(Fills, { session, fills: fills.slice(0, FILLS_SHOWN) })
          : tab === "balances" ? h(Balances, { session }) : h(PerformanceTable, { session }),
    ),
  );
}

/** @param {{session: Session, orders: Order[]}} props */
function Orders({ session, orders }) {
  const [edited, setEdited] = useState("");
  if (orders.length === 0) {
    return h(Empty, { session, text: "No open orders. A price in the book fills the ticket." });
  }
  return h(
    "table",
    { class: "wide" },
    h("caption", { class: "sr" }, "Open orders, newest first"),
    h(Head, { names: ["Placed", "Market", "Side", "Type", "Price", "Size", "Filled", "Actions"] }),
    h(
      "tbody",
      null,
      orders.map((order) =>
        order.order_id === edited
          ? h(EditedOrder, { key: order.order_id, session, order,
              // A late answer does not close the form of another order.
              onDone: () => setEdited((now) => (now === order.order_id ? "" : now)) })
          : h(OpenOrder, { key: order.order_id, session, order,
              onEdit: () => setEdited(order.order_id) })),
    ),
  );
}

/** @param {{session: Session, order: Order, onEdit: () => void}} props */
function OpenOrder({ session, order, onEdit }) {
  const [busy, setBusy] = useState(false);
  const cancel = async () => {
    setBusy(true);
    await cancelOrders(session, [order.order_id]);
    setBusy(false);
  };
  const label = `${sideName(order.side)} order ${order.order_id}`;
  return h(
    "tr",
    null,
    h("td", { "data-label": "Placed" }, dateAndTime(order.placed_at)),
    h("td", { "data-label": "Market" }, order.symbol),
    h("td", { "data-label": "Side" }, h(Side, { side: order.side }, sideName(order.side))),
    h("td", { "data-label": "Type" }, typeOf(order)),
    h("td", { class: "number", "data-label": "Price" },
      order.price === null ? "Market" : grouped(order.price),
      order.stop_price && h("small", null,
        order.order_type.startsWith("stop") ? " stop " : " trigger ", grouped(order.stop_price))),
    h("td", { class: "number", "data-label": "Size" }, grouped(trimmed(order.quantity))),
    h("td", { class: "number", "data-label": "Filled" }, `${shareOf(order)} %`),
    h(
      "td",
      { class: "actions" },
      h("button", { type: "button", class: "small", "aria-label": `Change ${label}`,
        onClick: onEdit }, "Change"),
      h("button", { type: "button", class: "small danger", disabled: busy,
        "aria-label": `Cancel ${label}`, onClick: () => void cancel() }, "Cancel"),
    ),
  );
}

/** @param {{session: Session, order: Order, onDone: () => void}} props */
function EditedOrder({ session, order, onDone }) {
  const [price, setPrice] = useState(order.price ?? "");
  const [stop, setStop] = useState(order.stop_price ?? "");
  const [quantity, setQuantity] = useState(trimmed(order.quantity));
  const [error, setError] = useState("");
  const id = `edit-${order.order_id}`;
  const save = async () => {
    /** @type {Record<string, string>} */
    const body = {};
    if (order.price !== null && price !== order.price) body.price = price;
    if (order.waiting && stop !== order.stop_price) body.stop_price = stop;
    if (trimmed(order.quantity) !== quantity) body.quantity = quantity;
    if (Object.keys(body).length === 0) {
      onDone();
      return;
    }
    try {
      await session.trader.request("PATCH", `/v1/orders/${order.order_id}`, body);
      onDone();
    } catch (caught) {
      setError(asProblem(caught).message);
    }
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") void save();
    if (event.key === "Escape") onDone();
  };
  const input = (/** @type {string} */ name, /** @type {string} */ value,
    /** @type {(text: string) => void} */ onText, first = false) =>
    h("input", { type: "text", inputMode: "decimal", value, "aria-label": name, onKeyDown: keys,
      "aria-describedby": error ? id : undefined, ref: first ? focusOnce : undefined,
      onInput: (/** @type {any} */ event) => onText(event.target.value) });
  return h(
    "tr",
    { class: "edited" },
    h("td", { "data-label": "Placed" }, dateAndTime(order.placed_at)),
    h("td", { "data-label": "Market" }, order.symbol),
    h("td", { "data-label": "Side" }, h(Side, { side: order.side }, sideName(order.side))),
    h("td", { "data-label": "Type" }, typeOf(order)),
    h("td", { class: "number", "data-label": "Price" },
      order.price !== null && input("New price", price, setPrice, true),
      order.waiting && input("New stop price", stop, setStop, order.price === null)),
    h("td", { class: "number", "data-label": "Size" }, input("New size", quantity, setQuantity)),
    h("td", { class: "number", "data-label": "Filled" }, `${shareOf(order)} %`),
    h(
      "td",
      { class: "actions" },
      error && h("p", { class: "error", id, role: "alert" }, error),
      h("button", { type: "button", class: "small primary", onClick: () => void save() }, "Save"),
      h("button", { type: "button", class: "small", onClick: onDone }, "Back"),
    ),
  );
}

/** @param {HTMLInputElement | null} element */
function focusOnce(element) {
  if (element === null || element.dataset.focused) return;
  element.dataset.focused = "true";
  element.focus();
  element.select();
}

/** @param {{session: Session, fills: Order[]}} props */
function Fills({ session, fills }) {
  if (fills.length === 0) return h(Empty, { session, text: "No fills yet." });
  return h(
    "table",
    { class: "wide" },
    h("caption", { class: "sr" }, "Fills, newest first"),
    h(Head, { names: ["Time", "Market", "Side", "Price", "Size", "Fee", "Role"] }),
    h(
      "tbody",
      null,
      fills.map((fill) =>
        h(
          "tr",
          { key: `${fill.trade_id} ${fill.order_id}` },
          h("td", { "data-label": "Time" }, dateAndTime(fill.timestamp)),
          h("td", { "data-label": "Market" }, fill.symbol),
          h("td", { "data-label": "Side" },
            h(Side, { side: fill.side }, fill.side === "buy" ? "Bought" : "Sold")),
          h("td", { class: "number", "data-label": "Price" }, grouped(fill.price)),
          h("td", { class: "number", "data-label": "Size" }, grouped(trimmed(fill.quantity))),
          h("td", { class: "number", "data-label": "Fee" },
            `${grouped(trimmed(fill.fee))} ${fill.fee_asset}`),
          h("td", { "data-label": "Role" }, fill.liquidity === "maker" ? "Maker" : "Taker"),
        )),
    ),
  );
}

/** @param {{session: Session}} props */
function Balances({ session }) {
  void session.trader.version.value;
  const balances = [...session.trader.account.balances.values()].sort((one, other) =>
    one.asset < other.asset ? -1 : 1);
  if (balances.length === 0) return h(Empty, { session, text: "The account has no money yet." });
  return h(
    "table",
    { class: "wide" },
    h("caption", { class: "sr" }, "Balances"),
    h(Head, { names: ["Asset", "Available", "Held by orders", "Total"] }),
    h(
      "tbody",
      null,
      balances.map((balance) =>
        h(
          "tr",
          { key: balance.asset },
          h("td", { "data-label": "Asset" }, balance.asset),
          h("td", { class: "number", "data-label": "Available" }, grouped(balance.available)),
          h("td", { class: "number", "data-label": "Held" }, grouped(balance.held)),
          h("td", { class: "number", "data-label": "Total" }, grouped(balance.total)),
        )),
    ),
  );
}

const LEFT = new Set(["Placed", "Time", "Market", "Side", "Type", "Asset", "Role", "Actions"]);

/** @param {{names: string[]}} props */
function Head({ names }) {
  return h("thead", null, h("tr", null, names.map((name) =>
    h("th", { key: name, scope: "col", class: LEFT.has(name) ? "" : "number" }, name))));
}

/** @param {{session: Session, text: string}} props */
function Empty({ session, text }) {
  void session.trader.version.value;
  const { account } = session.trader;
  const told = session.trader.name.value === ""
    ? "Choose an account to trade."
    : account.known || account.balances.size > 0 ? text : "Loading …";
  return h("p", { class: "empty" }, told);
}

/** @param {Order} order */
function typeOf(order) {
  const name = ORDER_TYPES[order.order_type] ?? order.order_type;
  const extras = [order.post_only && "post-only", order.display_quantity && "iceberg",
    order.time_in_force === "gtd" && "gtd", order.waiting && "waits"].filter(Boolean);
  return extras.length > 0 ? `${name}, ${extras.join(", ")}` : name;
}

/** @param {Order} order how much of it is executed, in percent */
function shareOf(order) {
  const decimals = decimalsOf(order.quantity);
  const whole = toUnits(order.quantity, decimals);
  if (whole === 0n) return "0";
  return toText((toUnits(order.executed_quantity, decimals) * 1000n) / whole, 1);
}
