/** The rows of the book around its spread, painted once a frame without components. */

import { indicative } from "../core/auction.js";
import { grouped, keyOf, toText, trimmed } from "../core/decimal.js";
import { groupSide } from "../core/grouping.js";
import { ownLevels } from "./own_levels.js";
import { Bar, Blank, Flag, Roving, Text, make } from "./rows.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("../core/instrument.js").Instrument} Instrument */
/** @typedef {import("../core/book.js").Book} Book */

/**
 * A click on a row: its price, and the quantity up to the row if a quantity was clicked.
 * `side` is the side of an order that would take, or the clicked side of a ladder.
 * @typedef {{side: "buy" | "sell" | null, price: string, quantity: string | null}} Pick
 */

class Row {
  /** @param {HTMLTableSectionElement} body */
  constructor(body) {
    this.element = make("tr", "", body);
    this.button = make("button", "", make("td", "price", this.element));
    this.button.type = "button";
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
    this.isBlank = new Blank(this.element);
    this.key = 0;
    this.upTo = 0n;
  }
}

export class BookRows {
  /**
   * @param {HTMLTableElement} table
   * @param {Session} session
   * @param {(pick: Pick) => void} onPick
   */
  constructor(table, session, onPick) {
    this.#table = table;
    this.#session = session;
    this.#onPick = onPick;
    this.#body = make("tbody", "", table);
    this.#focus = new Roving(table);
    table.addEventListener("click", this.#clicked);
    this.#release = session.market.use("book", this.paint);
  }

  #table;
  #session;
  #onPick;
  #body;
  #focus;
  #release;
  /** @type {Row[]} */
  #rows = [];
  step = 1;

  /** Remove listeners and painters; the owner removes the table. */
  close() {
    this.#release();
  }

  /** @param {number} count rows that fit */
  setRowCount(count) {
    const wanted = Math.max(3, count - ((count + 1) % 2)); // odd: one in the middle
    while (this.#rows.length < wanted) this.#rows.push(new Row(this.#body));
    for (const row of this.#rows.splice(wanted)) row.element.remove();
    this.#focus.setButtons(this.#rows.map((row) => row.button));
    this.paint();
  }

  paint = () => {
    const instrument = this.#session.instrument.value;
    const book = this.#session.market.book?.book;
    if (this.#rows.length === 0) return;
    if (instrument === null || book === undefined) {
      for (const row of this.#rows) empty(row);
      return;
    }
    this.#table.classList.toggle("loading", !book.known);
    const half = (this.#rows.length - 1) / 2;
    const asks = groupSide(book.asks, this.step, half);
    const bids = groupSide(book.bids, this.step, half);
    const deepest = [asks.at(-1)?.total ?? 0n, bids.at(-1)?.total ?? 0n];
    const whole = deepest[0] > deepest[1] ? deepest[0] : deepest[1];
    const sells = ownLevels(this.#session, "sell", this.step);
    const buys = ownLevels(this.#session, "buy", this.step);
    for (let index = 0; index < half; index += 1) {
      const [above, below] = [this.#rows[half - 1 - index], this.#rows[half + 1 + index]];
      above.isAsk.set(true);
      below.isBid.set(true);
      above.isBid.set(false);
      below.isAsk.set(false);
      this.#write(above, instrument, asks[index], whole, sells);
      this.#write(below, instrument, bids[index], whole, buys);
      above.isBest.set(index === 0 && asks.length > 0);
      below.isBest.set(index === 0 && bids.length > 0);
    }
    this.#writeSpread(this.#rows[half], instrument, book);
    this.#focus.settle();
  };

  /**
   * @param {Row} row
   * @param {Instrument} instrument
   * @param {import("../core/grouping.js").Row | undefined} level
   * @param {bigint} whole
   * @param {Map<number, import("./own_levels.js").OwnLevel>} own
   */
  #write(row, instrument, level, whole, own) {
    row.key = level?.key ?? 0;
    row.upTo = level?.total ?? 0n;
    row.button.disabled = level === undefined;
    row.isBlank.set(level === undefined);
    if (level === undefined) {
      blank(row);
      return;
    }
    const { priceDecimals, quantityDecimals } = instrument;
    row.price.set(grouped(toText(BigInt(level.key), priceDecimals)));
    row.size.set(toText(level.lots, quantityDecimals));
    row.total.set(toText(level.total, quantityDecimals));
    row.bar.set(level.total, whole);
    const mine = own.get(level.key);
    row.isOwn.set(mine !== undefined);
    row.own.set(mine === undefined ? "" : `◆ ${trimmed(toText(mine.lots, quantityDecimals))}`);
  }

  /**
   * @param {Row} row
   * @param {Instrument} instrument
   * @param {Book} book
   */
  #writeSpread(row, instrument, book) {
    blank(row);
    row.key = 0;
    for (const flag of [row.isAsk, row.isBid, row.isBest]) flag.set(false);
    row.button.disabled = true;
    row.isBlank.set(false);
    const ask = book.asks.keys[0];
    const bid = book.bids.keys[0];
    if (ask === undefined || bid === undefined) {
      row.price.set(book.known ? "No spread" : "");
      return;
    }
    if (ask + bid <= 0) {
      this.#writeAuction(row, instrument, book);
      return;
    }
    // Keys of bids are negated, so the sum is the distance.
    row.price.set("Spread");
    row.size.set(toText(BigInt(ask + bid), instrument.priceDecimals));
    const parts = (BigInt(ask + bid) * 1_000_000n) / BigInt(ask);
    row.total.set(`${toText(parts, 4)} %`);
  }

  /**
   * The price at which the orders of an auction would trade now. The venue publishes the price;
   * for a book that changed since, the price is computed from the levels.
   * @param {Row} row
   * @param {Instrument} instrument
   * @param {Book} book
   */
  #writeAuction(row, instrument, book) {
    const told = this.#session.market.indicative;
    if (told?.seq === book.seq) {
      row.price.set("Opens at");
      row.size.set(grouped(told.price));
      row.total.set(told.quantity);
      return;
    }
    const last = this.#session.market.last.peek()?.price;
    const found = indicative(book.bids, book.asks, Number(instrument.tick),
      last === undefined ? null : keyOf(last));
    if (found === null) return;
    row.price.set("Opens at");
    row.size.set(grouped(toText(BigInt(found.key), instrument.priceDecimals)));
    row.total.set(toText(found.lots, instrument.quantityDecimals));
  }

  #clicked = (/** @type {MouseEvent} */ event) => {
    const cell = /** @type {Element} */ (event.target).closest("td");
    const row = this.#rows.find((candidate) => candidate.element === cell?.parentElement);
    const instrument = this.#session.instrument.value;
    if (cell === null || row === undefined || row.key <= 0 || instrument === null) return;
    this.#focus.moveTo(this.#rows.indexOf(row), false);
    const withQuantity = !cell.classList.contains("price");
    this.#onPick({
      side: row.element.classList.contains("ask") ? "buy" : "sell",
      price: toText(BigInt(row.key), instrument.priceDecimals),
      quantity: withQuantity ? toText(row.upTo, instrument.quantityDecimals) : null,
    });
  };
}

/** @param {Row} row of which a click does nothing */
function empty(row) {
  blank(row);
  row.key = 0;
  row.button.disabled = true;
  row.isBlank.set(true);
  for (const flag of [row.isAsk, row.isBid, row.isBest]) flag.set(false);
}

/** @param {Row} row */
function blank(row) {
  for (const text of [row.price, row.size, row.total, row.own]) text.set("");
  row.bar.set(0n, 0n);
  row.isOwn.set(false);
}
