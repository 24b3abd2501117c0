/** The rows of the tape, painted once a frame; while scrolled down, the rows stand still. */

import { grouped } from "../core/decimal.js";
import { Blank, Flag, Text, make } from "./rows.js";
import { timeOfDay } from "../ui/wording.js";

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
    this.isBlank = new Blank(this.element);
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
    this.#observer.observe(scroller);
    this.#release = session.market.use("trades", this.paint);
  }

  #scroller;
  #session;
  #onHeld;
  #rows;
  #release;
  #isHeld = false;
  /** Rows that fit, and a few more. */
  #visible = ROWS;
  #observer = new ResizeObserver(() => {
    const rowPx = this.#rows[0].element.offsetHeight || 1;
    this.#visible = Math.ceil(this.#scroller.clientHeight / rowPx) + 2;
    this.paint();
  });
  #shownSeq = 0;
  #shownSymbol = "";

  close() {
    this.#observer.disconnect();
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
    const newest = trades?.recent[0]?.seq ?? 0;
    // A smaller number is of another epoch.
    const isSame = trades?.symbol === this.#shownSymbol && newest >= this.#shownSeq;
    if (this.#isHeld && isSame) {
      this.#onHeld(newest - this.#shownSeq);
      return;
    }
    this.#shownSeq = newest;
    this.#shownSymbol = trades?.symbol ?? "";
    if (this.#isHeld) {
      this.#isHeld = false;
      this.#onHeld(0);
      this.#scroller.scrollTop = 0;
    }
    this.#write(0, isSame ? Math.min(this.#visible, ROWS) : ROWS);
  };

  /**
   * Rows below the visible ones are written only when the tape is scrolled.
   * @param {number} from
   * @param {number} to
   */
  #write(from, to) {
    const own = this.#ownTrades();
    const trades = this.#session.market.trades;
    const recent = trades?.recent ?? [];
    for (let index = from; index < to; index += 1) {
      const row = this.#rows[index];
      const trade = recent[index];
      row.isBlank.set(trade === undefined);
      row.isBuy.set(trade?.side === "buy");
      row.isSell.set(trade?.side === "sell");
      row.isOwn.set(trade !== undefined && own.has(`${trades?.symbol}-${trade.seq}`));
      row.price.set(trade ? (trade.shownPrice ??= grouped(trade.price)) : "");
      row.size.set(trade ? trade.quantity : "");
      row.time.set(trade ? (trade.shownTime ??= timeOfDay(trade.timestamp)) : "");
    }
  }

  #ownTrades() {
    return new Set(this.#session.trader.account.fills.slice(0, ROWS).map((fill) => fill.trade_id));
  }

  #scrolled = () => {
    const isHeld = this.#scroller.scrollTop > 4;
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (isHeld) this.#write(0, ROWS);
    else this.resume();
  };
}
