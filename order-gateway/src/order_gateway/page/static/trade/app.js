/** The trader's page as a whole. */

import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";

import { Banner } from "./banner.js";
import { BookPanel } from "./book_panel.js";
import { NoticeBar } from "./contest_bar.js";
import { ChartPanel } from "./chart_panel.js";
import { Footer } from "./footer.js";
import { Header } from "./header.js";
import { Hotkeys } from "./hotkeys.js";
import { NoticeList } from "../ui/notice_list.js";
import { OrdersPanel } from "./orders_panel.js";
import { TapePanel } from "./tape_panel.js";
import { Ticket } from "./ticket.js";
import { TicketForm } from "./ticket_form.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {"book" | "chart" | "trades" | "orders"} Tab */

const PHONE = "(max-width: 719px)";
const TABS = /** @type {const} */ ([
  { value: "book", text: "Book" },
  { value: "chart", text: "Chart" },
  { value: "trades", text: "Trades" },
  { value: "orders", text: "Orders" },
]);

const phone = matchMedia(PHONE);
const isPhone = signal(phone.matches);
phone.addEventListener("change", (event) => (isPhone.value = event.matches));
const tab = signal(/** @type {Tab} */ ("book"));

/** @param {{session: Session}} props */
export function App({ session }) {
  const form = useMemo(() => new TicketForm(session), []);
  const sheet = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const small = isPhone.value;

  const pick = (/** @type {import("./book_rows.js").Pick} */ picked) => {
    form.fillFrom(picked);
    if (isPhone.value) {
      if (picked.side !== null) form.side.value = picked.side;
      sheet.current?.showModal();
    }
  };
  const open = (/** @type {"buy" | "sell"} */ side) => {
    form.side.value = side;
    sheet.current?.showModal();
  };
  useTitle(session);

  const shows = (/** @type {Tab} */ name) => !small || tab.value === name;
  // A hidden panel is not mounted, so that its subscriptions end.
  return [
    h(Header, { session }),
    h(Banner, { session }),
    h(NoticeBar, { session }),
    h(
      "main",
      { class: small ? "phone" : "desk", id: "main" },
      shows("chart") && h(ChartPanel, { session }),
      shows("book") && h(BookPanel, { session, form, onPick: pick }),
      !small && h(Ticket, { form }),
      shows("trades") && h(TapePanel, { session }),
      shows("orders") && h(OrdersPanel, { session }),
    ),
    small && h(PhoneBar, { open }),
    small &&
      h(
        "dialog",
        { ref: sheet, class: "sheet", "aria-label": "Order ticket",
          onClick: (/** @type {MouseEvent} */ event) => {
            if (event.target === sheet.current) sheet.current?.close();
          } },
        h("button", { type: "button", class: "close", "aria-label": "Close the ticket",
          onClick: () => sheet.current?.close() }, "✕"),
        h(Ticket, { form }),
      ),
    h(Footer, { session }),
    h(Hotkeys, { session, form }),
    h(NoticeList, null),
  ];
}

/** @param {{open: (side: "buy" | "sell") => void}} props */
function PhoneBar({ open }) {
  return h(
    "div",
    { class: "phone-bar" },
    h(
      "nav",
      { "aria-label": "Panels" },
      TABS.map(({ value, text }) =>
        h("button", { key: value, type: "button",
          "aria-current": tab.value === value ? "page" : undefined,
          onClick: () => (tab.value = value) }, text)),
    ),
    h("div", { class: "trade-bar" },
      h("button", { type: "button", class: "place buy", onClick: () => open("buy") }, "▲ Buy"),
      h("button", { type: "button", class: "place sell", onClick: () => open("sell") },
        "▼ Sell")),
  );
}

/** @param {Session} session */
function useTitle(session) {
  const price = session.price.value;
  const symbol = session.symbol.value;
  useEffect(() => {
    document.title = price ? `${price} ${symbol} · Tapewire` : `${symbol || "Tapewire"}`;
  }, [price, symbol]);
}
