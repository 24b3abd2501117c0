/** The cost of an order: exact for an order with a price, else computed from the book. */

import { decimalsOf, toText, toUnits } from "../core/decimal.js";
import { sweep, sweepAmount } from "../core/grouping.js";

/** @typedef {import("./ticket_form.js").TicketForm} TicketForm */
/** @typedef {import("../core/instrument.js").Instrument} Instrument */
/**
 * `amount` is in the quote asset. `isShort`: the order needs more than is available. `isPartial`:
 * the book has a smaller quantity.
 * @typedef {{amount: string, fee: string, feeAsset: string, isTaker: boolean,
 *            average: string | null, isShort: boolean, isPartial: boolean}} Estimate
 */

/**
 * @param {TicketForm} form
 * @returns {Estimate | null} null while there is nothing to estimate
 */
export function estimate(form) {
  const instrument = form.session.instrument.value;
  // Reading the best prices subscribes the estimate to changes of the book.
  const best = form.session.market.best.value;
  const size = instrument === null ? null : form.size(instrument);
  if (instrument === null || size === null) return null;
  if (form.type.value === "market") return estimateMarket(form, instrument, size);
  const price = form.workingPrice(instrument);
  if (price === null) return null;
  // A stop without a price becomes a market order.
  const isTaker = !form.hasPrice.value ||
    (form.type.value === "limit" && crosses(form, instrument, price, best));
  return priced(form, instrument, size, price * size, isTaker, false);
}

/**
 * @param {TicketForm} form
 * @param {Instrument} instrument
 * @param {bigint} size of the base asset, or the amount to spend
 */
function estimateMarket(form, instrument, size) {
  const book = form.session.market.book?.book;
  if (book === undefined) return null;
  const taken = form.side.value === "buy" ? book.asks : book.bids;
  const byAmount = form.sizedByAmount.value;
  const { amount, filled } = byAmount ? sweepAmount(taken, size) : sweep(taken, size);
  if (filled === 0n) return null;
  const isPartial = byAmount ? isAllOf(taken, filled) : filled < size;
  return priced(form, instrument, filled, amount, true, isPartial);
}

/**
 * @param {TicketForm} form
 * @param {Instrument} instrument
 * @param {bigint} quantity
 * @param {bigint} amount
 * @param {boolean} isTaker
 * @param {boolean} isPartial
 * @returns {Estimate}
 */
function priced(form, instrument, quantity, amount, isTaker, isPartial) {
  const side = form.side.value;
  const terms = form.session.trader.terms.value;
  const own = isTaker ? terms?.taker_fee_ppm : terms?.maker_fee_ppm;
  const market = isTaker ? instrument.takerFeePpm : instrument.makerFeePpm;
  const ppm = own === null || own === undefined ? market : BigInt(own);
  const available = form.available()?.amount ?? null;
  const isMarket = form.type.value === "market";
  const needed = side === "buy" ? instrument.amountText(amount) : instrument.quantityText(quantity);
  return {
    amount: instrument.amountText(amount),
    fee: instrument.feeText(side, quantity, amount, ppm),
    feeAsset: side === "buy" ? instrument.base : instrument.quote,
    isTaker,
    average: isMarket ? toText(amount / quantity, instrument.priceDecimals) : null,
    isShort: available !== null && isLess(available, needed),
    isPartial,
  };
}

/**
 * Whether an order would trade at once.
 * @param {TicketForm} form
 * @param {Instrument} instrument
 * @param {bigint} price
 * @param {{bid: string | null, ask: string | null}} best
 */
function crosses(form, instrument, price, best) {
  if (form.mayPostOnly.value && form.postOnly.value) return false;
  const met = instrument.price((form.side.value === "buy" ? best.ask : best.bid) ?? "");
  if (met === null) return false;
  return form.side.value === "buy" ? price >= met : price <= met;
}

/**
 * @param {string} one
 * @param {string} other
 */
function isLess(one, other) {
  const decimals = Math.max(decimalsOf(one), decimalsOf(other));
  return toUnits(one, decimals) < toUnits(other, decimals);
}

/**
 * Whether a quantity is the whole quantity of a side of the book.
 * @param {import("../core/book.js").Side} side
 * @param {bigint} filled
 */
function isAllOf(side, filled) {
  let all = 0n;
  for (const level of side.levels.values()) {
    all += level.lots;
    if (all > filled) return false;
  }
  return true;
}
