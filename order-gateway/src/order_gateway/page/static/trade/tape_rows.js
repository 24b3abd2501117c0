/** The rows of the tape, painted by hand once a frame; scrolled down, they stand still. */

import { grouped } from "../core/decimal.js";
import { Flag, Text, make } from "./rows.js";
import { timeOfDay } from "./wording.js";

/** @typedef {import("./session.js").Session} Session */

const ROWS = 80;

class Row {
  /** @param {HTMLTableSectionElement} body */
  constructor(body) {
    this.element = make("tr", "", body);
    this.price = new Text(make("td", "price", this.element));
    this.size = new Text(make("td", "size", this.element));
    this.time = new Text(make("td", "time", this.element));
    this.isBuy = new Flag(this.element, "bid");
    this.isSell = new Flag(this.element, "ask");
    this.isOwn = new Flag(this.element, "mine");
  }
}

export class TapeRows {
  /**
   * @param {HTMLElement} scroller
   * @param {HTMLTableElement} table
   * @param {Session} session
   * @param {(waiting: number) => void} onHeld told how many trades wait while the tape stands still
   */
  constructor(scroller, table, session, onHeld) {
    this.#scroller = scroller;
    this.#session = session;
    this.#onHeld = onHeld;
    const body = make("tbody", "", table);
    this.#rows = Array.from({ length: ROWS }, () => new Row(body));
    scroller.addEventListener("scroll", this.#scrolled, { passive: true });
    this.#release = session.market.use("trades", this.paint);
  }

  #scroller;
  #session;
  #onHeld;
  #rows;
  #release;
  #isHeld = false;
  #shownSeq = 0;
  #shownSymbol = "";

  close() {
    this.#release();
  }

  /** Go back to the newest trade. */
  resume = () => {
    this.#scroller.scrollTop = 0;
    this.#isHeld = false;
    this.#onHeld(0);
    this.paint();
  };

  paint = () => {
    const trades = this.#session.market.trades;
    const recent = trades?.recent ?? [];
    if (this.#isHeld && trades?.symbol === this.#shownSymbol) {
      this.#onHeld((recent[0]?.seq ?? 0) - this.#shownSeq);
      return;
    }
    const own = this.#ownTrades();
    this.#rows.forEach((row, index) => {
      const trade = recent[index];
      row.isBuy.set(trade?.side === "buy");
      row.isSell.set(trade?.side === "sell");
      row.isOwn.set(trade !== undefined && own.has(`${trades?.symbol}-${trade.seq}`));
      row.price.set(trade ? (trade.shownPrice ??= grouped(trade.price)) : "");
      row.size.set(trade ? trade.quantity : "");
      row.time.set(trade ? (trade.shownTime ??= timeOfDay(trade.timestamp)) : "");
    });
    this.#shownSeq = recent[0]?.seq ?? 0;
    this.#shownSymbol = trades?.symbol ?? "";
  };

  #ownTrades() {
    return new Set(this.#session.account.fills.slice(0, ROWS).map((fill) => fill.trade_id));
  }

  #scrolled = () => {
    const isHeld = this.#scroller.scrollTop > 4;
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (!isHeld) this.resume();
  };
}
