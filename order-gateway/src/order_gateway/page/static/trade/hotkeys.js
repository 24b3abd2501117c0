/** Hotkeys. Trading hotkeys work only when armed; no hotkey works while text is typed. */

import { useEffect } from "preact/hooks";

import { grouped } from "../core/decimal.js";
import { notify, say } from "../ui/notices.js";
import { openPopover } from "../ui/ui.js";
import { cancelAll } from "./orders.js";
import { armed, centre, togglePaused } from "./view_commands.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./ticket_form.js").TicketForm} TicketForm */

/**
 * @typedef {{key: string, shown?: string, does: string, trades: boolean,
 *            run: (session: Session, form: TicketForm) => void}} Hotkey
 */

/** @type {Hotkey[]} */
export const HOTKEYS = [
  { key: "b", does: "Ticket: buy", trades: false, run: (_, form) => ticket(form, "buy") },
  { key: "s", does: "Ticket: sell", trades: false, run: (_, form) => ticket(form, "sell") },
  ...[25n, 50n, 75n, 100n].map((share, index) => ({
    key: String(index + 1),
    does: `Size: ${share} % of what is available`,
    trades: false,
    run: (/** @type {Session} */ _, /** @type {TicketForm} */ form) => form.useShare(share),
  })),
  { key: " ", shown: "Space", does: "Centre the ladder on the market", trades: false, run: centre },
  { key: "p", does: "Pause or resume updates", trades: false, run: togglePaused },
  { key: "r", does: "Read the best prices aloud", trades: false, run: readPrices },
  { key: "m", does: "Markets", trades: false,
    run: () => openPopover("markets") },
  { key: "?", does: "This legend", trades: false,
    run: () => openPopover("settings") },
  { key: "B", shown: "Shift B", does: "Buy the ticket's size at the best ask", trades: true,
    run: (session, form) => take(session, form, "buy") },
  { key: "S", shown: "Shift S", does: "Sell the ticket's size at the best bid", trades: true,
    run: (session, form) => take(session, form, "sell") },
  { key: "X", shown: "Shift X", does: "Cancel all orders", trades: true,
    run: (session) => void cancelAll(session, null) },
];

/** @param {{session: Session, form: TicketForm}} props */
export function Hotkeys({ session, form }) {
  useEffect(() => {
    const pressed = (/** @type {KeyboardEvent} */ event) => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      const hotkey = HOTKEYS.find((candidate) => candidate.key === event.key);
      if (hotkey === undefined || (hotkey.trades && !armed.value)) return;
      event.preventDefault();
      hotkey.run(session, form);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  return null;
}

/** @param {KeyboardEvent} event */
function isTyping(event) {
  const element = /** @type {HTMLElement} */ (event.target);
  if (event.key === " " && element.closest("button, summary, a")) return true;
  return element.closest("input, select, textarea, dialog, [popover]") !== null;
}

/**
 * @param {TicketForm} form
 * @param {"buy" | "sell"} side
 */
function ticket(form, side) {
  form.side.value = side;
  const field = form.type.value === "limit" ? "ticket-price" : "ticket-quantity";
  document.getElementById(field)?.focus();
}

/**
 * An order that takes the best price and rests nowhere.
 * @param {Session} session
 * @param {TicketForm} form
 * @param {"buy" | "sell"} side
 */
function take(session, form, side) {
  const best = session.market.best.value;
  const price = side === "buy" ? best.ask : best.bid;
  if (price === null) notify("bad", "There is no price to take.");
  else void form.placeAt(side, price, "ioc");
}

/** @param {Session} session */
function readPrices(session) {
  const { bid, ask } = session.market.best.value;
  say(`Bid ${bid === null ? "none" : grouped(bid)}, ask ${ask === null ? "none" : grouped(ask)}.`);
}
