/** The order book: its head, and the table that `BookRows` paints. */

import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { keyOf, toText } from "../core/decimal.js";
import { stepsFor } from "../core/grouping.js";
import { BookRows } from "./book_rows.js";
import { bookView } from "./preferences.js";
import { Segments } from "./ui.js";
import { centre, centred } from "./view_commands.js";

/** @typedef {import("./session.js").Session} Session */

const VIEWS = /** @type {const} */ ([
  { value: "spread", text: "Spread", title: "Both sides around the spread" },
  { value: "ladder", text: "Ladder", title: "A fixed price axis; the wheel moves it" },
]);

/** @param {{session: Session, onPick: (pick: import("./book_rows.js").Pick) => void}} props */
export function BookPanel({ session, onPick }) {
  const table = useRef(/** @type {HTMLTableElement | null} */ (null));
  const scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  const rows = useRef(/** @type {BookRows | null} */ (null));
  const pick = useRef(onPick);
  pick.current = onPick;
  const instrument = session.instrument.value;
  const [chosen, setChosen] = useState({ symbol: "", step: 0 });
  const price = session.market.ticker.value?.last ?? session.market.best.peek().bid ?? "0";
  const steps = instrument === null ? [1] : stepsFor(Number(instrument.tick), keyOf(price));
  const step = chosen.symbol === instrument?.symbol ? chosen.step : steps[0];

  useEffect(() => {
    if (table.current === null || scroller.current === null) return;
    const painter = new BookRows(table.current, session, {
      onPick: (picked) => pick.current(picked),
    });
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

  useEffect(() => {
    if (rows.current === null) return;
    rows.current.view = bookView.value;
    rows.current.step = step;
    rows.current.recenter();
  }, [bookView.value, step, instrument?.symbol, centred.value]);

  const account = session.accountVersion.value;
  useEffect(() => rows.current?.paint(), [account]);

  const isLadder = bookView.value === "ladder";
  return h(
    "section",
    { class: "panel book", "aria-label": "Order book" },
    h(
      "header",
      null,
      h("h2", null, "Order book"),
      h(Segments, { label: "View of the book", options: VIEWS, value: bookView.value,
        onChoose: (value) => (bookView.value = value) }),
      isLadder &&
        h("button", { type: "button", class: "small", title: "Centre on the market (Space)",
          onClick: centre }, "Centre"),
      h(
        "label",
        { class: "field-inline" },
        h("span", { class: "sr" }, "Group prices by"),
        h(
          "select",
          { value: String(step), title: "Group prices by",
            onChange: (/** @type {any} */ event) =>
              setChosen({ symbol: instrument?.symbol ?? "", step: Number(event.target.value) }) },
          steps.map((each) =>
            h("option", { key: each, value: String(each) },
              toText(BigInt(each), instrument?.priceDecimals ?? 0))),
        ),
      ),
    ),
    h(
      "div",
      { class: "rows", ref: scroller },
      h(
        "table",
        { ref: table, class: isLadder ? "ladder" : "spread" },
        h("caption", { class: "sr" }, "Resting orders by price; a price fills the order ticket"),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("th", { scope: "col" }, `Price (${instrument?.quote ?? ""})`),
            h("th", { scope: "col" }, `Size (${instrument?.base ?? ""})`),
            h("th", { scope: "col" }, isLadder ? "Traded" : "Total"),
          ),
        ),
      ),
    ),
  );
}
