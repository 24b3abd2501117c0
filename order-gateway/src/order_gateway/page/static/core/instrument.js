/** An instrument: its steps and limits; exact amounts and fees in whole units. Pure. */

import { decimalsOf, parseUnits, rescale, toText, toUnits } from "./decimal.js";

const PPM = 1_000_000n;

/**
 * @typedef {"trading" | "auction" | "post_only" | "cancel_only" | "halted"} MarketState
 * @typedef {"buy" | "sell"} SideName
 */

export class Instrument {
  /** @param {Record<string, any>} reply an instrument of `GET /v1/instruments` */
  constructor(reply) {
    /** @type {string} */
    this.symbol = reply.symbol;
    /** @type {string} */
    this.base = reply.base;
    /** @type {string} */
    this.quote = reply.quote;
    /** @type {MarketState} */
    this.state = reply.state;
    /** @type {string} */
    this.tickSize = reply.tick_size;
    /** @type {string} */
    this.lotSize = reply.lot_size;
    /** @type {string} */
    this.minQuantity = reply.min_quantity;
    /** @type {string} */
    this.minNotional = reply.min_notional;
    this.priceDecimals = decimalsOf(this.tickSize);
    this.quantityDecimals = decimalsOf(this.lotSize);
    this.amountDecimals = this.priceDecimals + this.quantityDecimals;
    this.tick = toUnits(this.tickSize, this.priceDecimals);
    this.lot = toUnits(this.lotSize, this.quantityDecimals);
    /** @type {number} */
    this.baseDecimals = reply.base_decimals;
    /** @type {number} */
    this.quoteDecimals = reply.quote_decimals;
    this.makerFeePpm = BigInt(reply.maker_fee_ppm);
    this.takerFeePpm = BigInt(reply.taker_fee_ppm);
  }

  /**
   * The same instrument with another state of its market.
   * @param {MarketState} state
   */
  withState(state) {
    const copy = Object.assign(Object.create(Instrument.prototype), this);
    copy.state = state;
    return /** @type {Instrument} */ (copy);
  }

  /** @param {string} text typed by a person; null if it is no price of this market */
  price(text) {
    const units = parseUnits(text, this.priceDecimals);
    return units === null || units % this.tick !== 0n ? null : units;
  }

  /** @param {string} text typed by a person; null if it is no quantity of this market */
  quantity(text) {
    const units = parseUnits(text, this.quantityDecimals);
    return units === null || units % this.lot !== 0n ? null : units;
  }

  /** @param {bigint} units */
  priceText(units) {
    return toText(units, this.priceDecimals);
  }

  /** @param {bigint} units */
  quantityText(units) {
    return toText(units, this.quantityDecimals);
  }

  /** @param {bigint} units */
  amountText(units) {
    return toText(units, this.amountDecimals);
  }

  /**
   * The largest quantity that `amount` of the quote asset buys at `price`, all in units.
   * @param {bigint} amount with the decimals of amounts
   * @param {bigint} price
   */
  affordable(amount, price) {
    if (price <= 0n) return 0n;
    const units = amount / price;
    return units - (units % this.lot);
  }

  /**
   * The fee of a fill: a part of the received amount, rounded up.
   * @param {SideName} side
   * @param {bigint} quantity
   * @param {bigint} amount price x quantity
   * @param {bigint} ppm
   */
  feeText(side, quantity, amount, ppm) {
    const [units, decimals] = side === "buy"
      ? [rescale(quantity, this.quantityDecimals, this.baseDecimals), this.baseDecimals]
      : [rescale(amount, this.amountDecimals, this.quoteDecimals), this.quoteDecimals];
    return toText((units * ppm + PPM - 1n) / PPM, decimals);
  }
}
