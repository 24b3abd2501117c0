/** The order book: its head, and its rows around the spread or as a ladder. */

import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { keyOf, toText } from "../core/decimal.js";
import { fittingStep, stepsFor } from "../core/grouping.js";
import { BookRows } from "./book_rows.js";
import { LadderRows } from "./ladder_rows.js";
import { cancelOrders, moveOrders } from "./orders.js";
import { bookView } from "../ui/preferences.js";
import { Segments } from "../ui/ui.js";
import { armed, centre, centred } from "./view_commands.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./ticket_form.js").TicketForm} TicketForm */
/** @typedef {import("./book_rows.js").Pick} Pick */
/** @typedef {{session: Session, form: TicketForm, onPick: (pick: Pick) => void}} Props */

const VIEWS = /** @type {const} */ ([
  { value: "spread", text: "Spread", title: "Both sides around the spread" },
  { value: "ladder", text: "Ladder", title: "A fixed price axis; the wheel moves it" },
]);
const LADDER_ROWS = 25;

/** @param {Props} props */
export function BookPanel({ session, form, onPick }) {
  const instrument = session.instrument.value;
  const [chosen, setChosen] = useState({ symbol: "", view: "", step: 0 });
  const view = bookView.value;
  const price = session.market.ticker.value?.last ?? session.market.best.peek().bid ?? "0";
  const steps = instrument === null ? [1] : stepsFor(Number(instrument.tick), keyOf(price));
  const book = session.market.book?.book;
  const isChosen = chosen.symbol === instrument?.symbol && chosen.view === view;
  const fitting = view === "ladder" && book?.known ? fittingStep(book, steps,
    LADDER_ROWS) : steps[0];
  const step = isChosen ? chosen.step : fitting;
  return h(
    "section",
    { class: "panel book", "aria-label": "Order book" },
    h(
      "header",
      null,
      h("h2", null, "Book"),
      view === "ladder" &&
        h("button", { type: "button", class: "icon small", "aria-label": "Centre",
          title: "Centre on the market and follow it (Space)", onClick: centre }, h(CentreSign,
            null)),
      h(Segments, { label: "View of the book", options: VIEWS, value: view,
        onChoose: (value) => (bookView.value = value) }),
      h(
        "label",
        { class: "field-inline" },
        h("span", { class: "sr" }, "Group prices by"),
        h(
          "select",
          { value: String(step), title: "Group prices by",
            onChange: (/** @type {any} */ event) =>
              setChosen({ symbol: instrument?.symbol ?? "", view,
                step: Number(event.target.value) }) },
          steps.map((each) =>
            h("option", { key: each, value: String(each) },
              toText(BigInt(each), instrument?.priceDecimals ?? 0))),
        ),
      ),
    ),
    view === "ladder"
      ? h(Rows, { key: "ladder", session, step, className: "ladder",
          heads: ["Bids", "Price", "Asks", "Traded"], caption: LADDER_CAPTION,
          start: (table) => new LadderRows(table, session, ladderEvents(session, form, onPick)) })
      : h(Rows, { key: "spread", session, step, className: "spread",
          heads: [`Price (${instrument?.quote ?? ""})`, `Size (${instrument?.base ?? ""})`,
            "Total"],
          caption: SPREAD_CAPTION,
          start: (table) => new BookRows(table, session, onPick) }),
  );
}

const SPREAD_CAPTION = "Resting orders by price; a price fills the order ticket";
const LADDER_CAPTION =
  "Resting orders on a price axis; a click fills the ticket, or trades if armed";

/**
 * A table whose rows are painted without components.
 * @param {{session: Session, step: number, className: string, heads: string[], caption: string,
 *          start: (table: HTMLTableElement) => BookRows | LadderRows}} props
 */
function Rows({ session, step, className, heads, caption, start }) {
  const table = useRef(/** @type {HTMLTableElement | null} */ (null));
  const scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  const rows = useRef(/** @type {BookRows | LadderRows | null} */ (null));

  useEffect(() => {
    if (table.current === null || scroller.current === null) return;
    const painter = start(table.current);
    painter.step = step;
    rows.current = painter;
    const fit = () => {
      const box = scroller.current;
      if (box === null || table.current === null) return;
      const head = table.current.tHead?.offsetHeight ?? 0;
      const rowPx = Number.parseFloat(getComputedStyle(box).getPropertyValue("--row"));
      painter.setRowCount(Math.floor((box.clientHeight - head) / rowPx));
    };
    const observer = new ResizeObserver(fit);
    observer.observe(scroller.current);
    return () => {
      observer.disconnect();
      painter.close();
    };
  }, []);

  const symbol = session.symbol.value;
  useEffect(() => {
    if (rows.current === null) return;
    rows.current.step = step;
    if (rows.current instanceof LadderRows) rows.current.recenter();
    else rows.current.paint();
  }, [step, symbol, centred.value]);

  const account = session.trader.version.value;
  useEffect(() => rows.current?.paint(), [account]);

  return h(
    "div",
    { class: "rows", ref: scroller },
    h(
      "table",
      { ref: table, class: className },
      h("caption", { class: "sr" }, caption),
      h("thead", null, h("tr", null, heads.map((head) => h("th", { key: head, scope: "col" },
        head)))),
    ),
  );
}

/**
 * A click fills the ticket; with trading armed it places the ticket's size at once.
 * @param {Session} session
 * @param {TicketForm} form
 * @param {(pick: Pick) => void} onPick
 * @returns {import("./ladder_rows.js").Events}
 */
function ladderEvents(session, form, onPick) {
  return {
    onPlace: (side, price) => {
      if (armed.value) void form.placeAt(side, price);
      else {
        form.side.value = side;
        onPick({ side, price, quantity: null });
      }
    },
    onCancel: (orders) => void cancelOrders(session, orders),
    onMove: (orders, price) => void moveOrders(session, orders, price),
  };
}

function CentreSign() {
  return h("svg", { viewBox: "0 0 16 16", width: 14, height: 14, fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.5, "aria-hidden": "true" },
    h("circle", { cx: 8, cy: 8, r: 4 }), h("path", { d: "M8 1v4M8 11v4M1 8h4M11 8h4" }));
}
