/** The rows of the order book, painted by hand once a frame: around the spread, or as a ladder. */

import { groupOf, groupSide, groupWindow } from "../core/grouping.js";
import { grouped, toText, trimmed } from "../core/decimal.js";
import { Bar, Flag, Text, make } from "./rows.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("../core/instrument.js").Instrument} Instrument */
/** @typedef {import("../core/book.js").Book} Book */

/**
 * What a click on a row means: a price, and the quantity up to there if a quantity was clicked.
 * @typedef {{side: "buy" | "sell" | null, price: string, quantity: string | null}} Pick
 */

const PAGE_ROWS = 5;

class Row {
  /** @param {HTMLTableSectionElement} body */
  constructor(body) {
    this.element = make("tr", "", body);
    const price = make("td", "price", this.element);
    this.button = make("button", "", price);
    this.button.type = "button";
    this.button.tabIndex = -1;
    this.price = new Text(this.button);
    const size = make("td", "size", this.element);
    this.own = new Text(make("span", "own", size));
    this.size = new Text(size);
    const total = make("td", "total", this.element);
    this.bar = new Bar(total);
    this.total = new Text(total);
    this.isBid = new Flag(this.element, "bid");
    this.isAsk = new Flag(this.element, "ask");
    this.isOwn = new Flag(this.element, "mine");
    this.isBest = new Flag(this.element, "best");
    this.key = 0;
    this.lots = 0n;
    this.upTo = 0n;
  }
}

export class BookRows {
  /**
   * @param {HTMLTableElement} table
   * @param {Session} session
   * @param {{onPick: (pick: Pick) => void}} events
   */
  constructor(table, session, events) {
    this.#table = table;
    this.#session = session;
    this.#events = events;
    this.#body = make("tbody", "", table);
    table.addEventListener("click", this.#clicked);
    table.addEventListener("keydown", this.#pressed);
    table.addEventListener("wheel", this.#scrolled, { passive: true });
    this.#release = session.market.use("book", this.paint);
  }

  #table;
  #session;
  #events;
  #body;
  #release;
  /** @type {Row[]} */
  #rows = [];
  /** Price at the middle of the ladder, in units; null to take that of the market. */
  #center = /** @type {number | null} */ (null);
  #focus = 0;
  /** The options of the panel. */
  view = /** @type {"spread" | "ladder"} */ ("spread");
  step = 1;

  /** Free what it holds; the table is thrown away by its owner. */
  close() {
    this.#release();
  }

  /** Have the ladder's middle follow the market again, once. */
  recenter = () => {
    this.#center = null;
    this.paint();
  };

  /** @param {number} count rows that fit */
  setRowCount(count) {
    const wanted = Math.max(3, count - ((count + 1) % 2)); // odd: one in the middle
    while (this.#rows.length < wanted) this.#rows.push(new Row(this.#body));
    for (const row of this.#rows.splice(wanted)) row.element.remove();
    this.#focus = Math.min(this.#focus, wanted - 1);
    this.#moveFocus(this.#focus, false);
    this.paint();
  }

  paint = () => {
    const instrument = this.#session.instrument.value;
    const book = this.#session.market.book?.book;
    if (instrument === null || book === undefined || this.#rows.length === 0) return;
    this.#table.classList.toggle("loading", !book.known);
    const own = this.#ownLevels(instrument);
    if (this.view === "spread") this.#paintSpread(instrument, book, own);
    else this.#paintLadder(instrument, book, own);
  };

  /**
   * @param {Instrument} instrument
   * @param {Book} book
   * @param {Map<number, bigint>} own
   */
  #paintSpread(instrument, book, own) {
    const half = (this.#rows.length - 1) / 2;
    const asks = groupSide(book.asks, this.step, half);
    const bids = groupSide(book.bids, this.step, half);
    const deepest = [asks.at(-1)?.total ?? 0n, bids.at(-1)?.total ?? 0n];
    const whole = deepest[0] > deepest[1] ? deepest[0] : deepest[1];
    for (let index = 0; index < half; index += 1) {
      const ask = asks[half - 1 - index];
      this.#write(this.#rows[index], instrument, ask, 1, whole, own, index === half - 1);
      this.#write(this.#rows[half + 1 + index], instrument, bids[index], -1, whole, own, index === 0);
    }
    this.#writeSpread(this.#rows[half], instrument, book);
  }

  /**
   * @param {Row} row
   * @param {Instrument} instrument
   * @param {import("../core/grouping.js").Row | undefined} level
   * @param {1 | -1} sign
   * @param {bigint} whole
   * @param {Map<number, bigint>} own
   * @param {boolean} best
   */
  #write(row, instrument, level, sign, whole, own, best) {
    row.key = level?.key ?? 0;
    row.lots = level?.lots ?? 0n;
    row.upTo = level?.total ?? 0n;
    row.isAsk.set(sign > 0);
    row.isBid.set(sign < 0);
    row.isBest.set(best && level !== undefined);
    row.button.disabled = level === undefined;
    if (level === undefined) {
      this.#blank(row);
      return;
    }
    const { priceDecimals, quantityDecimals } = instrument;
    row.price.set(grouped(toText(BigInt(level.key), priceDecimals)));
    row.size.set(toText(level.lots, quantityDecimals));
    row.total.set(toText(level.total, quantityDecimals));
    row.bar.set(level.total, whole);
    this.#markOwn(row, instrument, own.get(level.key * sign));
  }

  /**
   * @param {Row} row
   * @param {Instrument} instrument
   * @param {Book} book
   */
  #writeSpread(row, instrument, book) {
    this.#blank(row);
    row.isAsk.set(false);
    row.isBid.set(false);
    row.isBest.set(false);
    row.button.disabled = true;
    const ask = book.asks.keys[0];
    const bid = book.bids.keys[0];
    if (ask === undefined || bid === undefined) {
      row.price.set(book.known ? "No spread" : "");
      return;
    }
    // Bids have negated keys: the sum is the distance.
    row.price.set("Spread");
    row.size.set(toText(BigInt(ask + bid), instrument.priceDecimals));
    const parts = (BigInt(ask + bid) * 1_000_000n) / BigInt(ask);
    row.total.set(`${toText(parts, 4)} %`);
  }

  /**
   * @param {Instrument} instrument
   * @param {Book} book
   * @param {Map<number, bigint>} own
   */
  #paintLadder(instrument, book, own) {
    const half = (this.#rows.length - 1) / 2;
    this.#center ??= this.#middle(book);
    if (this.#center === null) {
      for (const row of this.#rows) this.#blank(row);
      return;
    }
    const high = this.#center + half * this.step;
    const low = this.#center - half * this.step;
    const bids = new Map();
    const asks = new Map();
    groupWindow(book.bids, this.step, low, high, bids);
    groupWindow(book.asks, this.step, low, high, asks);
    let whole = 0n;
    for (const lots of [...bids.values(), ...asks.values()]) if (lots > whole) whole = lots;
    const bestBid = book.bids.best ? groupOf(-book.bids.best.key, -1, this.step) : null;
    const bestAsk = book.asks.best ? groupOf(book.asks.best.key, 1, this.step) : null;
    const volumes = this.#groupedVolumes(low, high);
    this.#rows.forEach((row, index) => {
      const key = high - index * this.step;
      const bid = bids.get(key);
      const ask = asks.get(key);
      const lots = bid ?? ask ?? 0n;
      row.key = key;
      row.lots = row.upTo = lots;
      row.button.disabled = key <= 0;
      row.isBid.set(bid !== undefined || (ask === undefined && bestBid !== null && key < bestBid));
      row.isAsk.set(bid === undefined && (ask !== undefined || (bestAsk !== null && key > bestAsk)));
      row.isBest.set(key === bestBid || key === bestAsk);
      row.price.set(key > 0 ? grouped(toText(BigInt(key), instrument.priceDecimals)) : "");
      row.size.set(lots > 0n ? toText(lots, instrument.quantityDecimals) : "");
      const volume = volumes.get(key);
      row.total.set(volume === undefined ? "" : toText(volume, instrument.quantityDecimals));
      row.bar.set(lots, whole);
      this.#markOwn(row, instrument, own.get(key) ?? own.get(-key));
    });
  }

  /** @param {Book} book */
  #middle(book) {
    const bid = book.bids.best?.key;
    const ask = book.asks.best?.key;
    const price = bid !== undefined && ask !== undefined ? (ask - bid) / 2 : (ask ?? -(bid ?? 0));
    return price === 0 ? null : Math.round(price / this.step) * this.step;
  }

  /**
   * @param {number} low
   * @param {number} high
   */
  #groupedVolumes(low, high) {
    const sums = new Map(/** @type {[number, bigint][]} */ ([]));
    for (const [key, lots] of this.#session.market.volumes) {
      const group = Math.round(key / this.step) * this.step;
      if (group >= low && group <= high) sums.set(group, (sums.get(group) ?? 0n) + lots);
    }
    return sums;
  }

  /**
   * What the account has at each level: sells by their price, buys by the negated one.
   * @param {Instrument} instrument
   */
  #ownLevels(instrument) {
    const levels = new Map(/** @type {[number, bigint][]} */ ([]));
    for (const order of this.#session.account.orders.values()) {
      if (order.symbol !== instrument.symbol || order.price === null || order.waiting) continue;
      const sign = order.side === "sell" ? 1 : -1;
      const key = Number(order.price.replace(".", ""));
      const group = groupOf(key, sign, this.step) * sign;
      const lots = BigInt(order.remaining_quantity.replace(".", ""));
      levels.set(group, (levels.get(group) ?? 0n) + lots);
    }
    return levels;
  }

  /**
   * @param {Row} row
   * @param {Instrument} instrument
   * @param {bigint | undefined} lots
   */
  #markOwn(row, instrument, lots) {
    row.isOwn.set(lots !== undefined);
    row.own.set(lots === undefined ? "" : `◆ ${trimmed(toText(lots, instrument.quantityDecimals))}`);
  }

  /** @param {Row} row */
  #blank(row) {
    row.key = 0;
    row.lots = row.upTo = 0n;
    row.price.set("");
    row.size.set("");
    row.total.set("");
    row.own.set("");
    row.bar.set(0n, 0n);
    row.isOwn.set(false);
  }

  #clicked = (/** @type {MouseEvent} */ event) => {
    const cell = /** @type {Element} */ (event.target).closest("td");
    const row = this.#rows.find((candidate) => candidate.element === cell?.parentElement);
    if (cell === null || row === undefined || row.key <= 0) return;
    const instrument = this.#session.instrument.value;
    if (instrument === null) return;
    this.#moveFocus(this.#rows.indexOf(row), false);
    const withQuantity = !cell.classList.contains("price") && row.upTo > 0n;
    const isAsk = row.element.classList.contains("ask");
    const isBid = row.element.classList.contains("bid");
    this.#events.onPick({
      side: isAsk ? "buy" : isBid ? "sell" : null,
      price: toText(BigInt(row.key), instrument.priceDecimals),
      quantity: withQuantity ? toText(row.upTo, instrument.quantityDecimals) : null,
    });
  };

  #pressed = (/** @type {KeyboardEvent} */ event) => {
    const moves = /** @type {Record<string, number>} */ (
      { ArrowUp: -1, ArrowDown: 1, PageUp: -PAGE_ROWS, PageDown: PAGE_ROWS,
        Home: -this.#rows.length, End: this.#rows.length }
    );
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    this.#moveFocus(this.#focus + move, true);
  };

  #scrolled = (/** @type {WheelEvent} */ event) => {
    if (this.view !== "ladder" || this.#center === null) return;
    this.#center -= Math.sign(event.deltaY) * this.step;
    this.paint();
  };

  /**
   * One row can be reached with Tab; arrows move which one. Rows keep their place, prices move.
   * @param {number} index
   * @param {boolean} andFocus
   */
  #moveFocus(index, andFocus) {
    const last = this.#rows.length - 1;
    this.#rows[this.#focus]?.button.setAttribute("tabindex", "-1");
    this.#focus = Math.min(Math.max(index, 0), last);
    const row = this.#rows[this.#focus];
    row?.button.setAttribute("tabindex", "0");
    if (andFocus) row?.button.focus();
  }
}
