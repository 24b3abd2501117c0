/** The state of the order ticket: typed texts, estimate, errors, and the order that is sent. */

import { computed, effect, signal } from "@preact/signals";

import { decimalsOf, parseUnits, rescale, toUnits, trimmed } from "../core/decimal.js";
import { asProblem } from "../venue/gateway.js";
import { notify } from "../ui/notices.js";
import { estimate } from "./ticket_estimate.js";
import { sideName } from "../ui/wording.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("../core/instrument.js").Instrument} Instrument */
/** @typedef {import("../core/instrument.js").SideName} SideName */
/**
 * @typedef {"limit" | "market" | "stop" | "stop_limit" | "take_profit" | "take_profit_limit"
 *          } OrderType
 */
/** @typedef {"gtc" | "ioc" | "fok" | "gtd"} TimeInForce */

export const TIMES_IN_FORCE = /** @type {Record<OrderType, TimeInForce[]>} */ ({
  limit: ["gtc", "ioc", "fok", "gtd"],
  market: [],
  stop: ["gtc", "gtd"],
  stop_limit: ["gtc", "ioc", "fok", "gtd"],
  take_profit: ["gtc", "gtd"],
  take_profit_limit: ["gtc", "ioc", "fok", "gtd"],
});

export class TicketForm {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.side = signal(/** @type {SideName} */ ("buy"));
    this.type = signal(/** @type {OrderType} */ ("limit"));
    this.price = signal("");
    this.quantity = signal("");
    this.stopPrice = signal("");
    /** Whether the size of a market order is an amount of the quote asset. */
    this.byAmount = signal(false);
    this.timeInForce = signal(/** @type {TimeInForce} */ ("gtc"));
    this.expireAt = signal("");
    this.postOnly = signal(false);
    this.display = signal("");
    this.selfTrade = signal("");
    /** The errors of the last order: a sentence by field; "" is for the whole order. */
    this.errors = signal(/** @type {Record<string, string>} */ ({}));
    this.busy = signal(false);

    this.hasPrice = computed(() => this.type.value.endsWith("limit"));
    this.hasStop = computed(() => !["limit", "market"].includes(this.type.value));
    this.rests = computed(
      () => this.type.value !== "market" && ["gtc", "gtd"].includes(this.timeInForce.value),
    );
    this.mayPostOnly = computed(() => this.type.value === "limit" && this.rests.value);
    this.mayHide = computed(() => this.hasPrice.value && this.rests.value);
    this.sizedByAmount = computed(() => this.type.value === "market" && this.byAmount.value);
    this.estimate = computed(() => estimate(this));
    let symbol = session.symbol.peek();
    effect(() => {
      if (session.symbol.value === symbol) return;
      symbol = session.symbol.value;
      this.#clear();
    });
  }

  /** @param {OrderType} type */
  setType(type) {
    this.type.value = type;
    if (!TIMES_IN_FORCE[type].includes(this.timeInForce.value)) this.timeInForce.value = "gtc";
    this.errors.value = {};
  }

  /** Prices and sizes of one market are none of the next one. */
  #clear() {
    for (const text of [this.price, this.stopPrice, this.quantity, this.display]) text.value = "";
    this.errors.value = {};
  }

  /** Typing in a field removes its error. @param {string} field */
  touched(field) {
    if (Object.keys(this.errors.value).length === 0) return;
    const { [field]: _, "": __, ...others } = this.errors.value;
    this.errors.value = others;
  }

  /**
   * Take over the price and quantity that were clicked in the book.
   * @param {import("./book_rows.js").Pick} pick
   */
  fillFrom(pick) {
    if (pick.quantity !== null) this.quantity.value = trimmed(pick.quantity);
    if (this.type.value === "market") this.setType("limit");
    if (this.hasPrice.value) this.price.value = pick.price;
    else this.stopPrice.value = pick.price;
    this.errors.value = {};
  }

  /** The available amount of the asset that the chosen side pays. */
  available() {
    void this.session.trader.version.value;
    const instrument = this.session.instrument.value;
    if (instrument === null) return null;
    const asset = this.side.value === "buy" ? instrument.quote : instrument.base;
    const balance = this.session.trader.account.balances.get(asset);
    return { asset, amount: balance?.available ?? null };
  }

  /**
   * Set the size to a share of what is available.
   * @param {bigint} share in percent
   */
  useShare(share) {
    const instrument = this.session.instrument.value;
    const available = this.available();
    if (instrument === null || available === null || available.amount === null) return;
    const decimals = decimalsOf(available.amount);
    const units = (toUnits(available.amount, decimals) * share) / 100n;
    this.touched("quantity");
    if (this.side.value === "sell") {
      const lots = rescale(units, decimals, instrument.quantityDecimals);
      this.byAmount.value = false;
      this.quantity.value = trimmed(instrument.quantityText(lots - (lots % instrument.lot)));
      return;
    }
    const amount = rescale(units, decimals, instrument.amountDecimals);
    if (this.type.value === "market") {
      const step = instrument.tick * instrument.lot;
      this.byAmount.value = true;
      this.quantity.value = trimmed(instrument.amountText(amount - (amount % step)));
      return;
    }
    const price = this.workingPrice(instrument);
    if (price !== null) {
      this.quantity.value = trimmed(instrument.quantityText(instrument.affordable(amount, price)));
    }
  }

  /**
   * Move a price by ticks; an empty price begins with the best price of the own side.
   * @param {"price" | "stopPrice"} field
   * @param {bigint} ticks
   */
  step(field, ticks) {
    const instrument = this.session.instrument.value;
    if (instrument === null) return;
    const best = this.session.market.best.value;
    const start = this[field].value || (this.side.value === "buy" ? best.bid : best.ask);
    const price = instrument.price(start ?? "");
    if (price === null || price + ticks * instrument.tick <= 0n) return;
    this[field].value = instrument.priceText(price + ticks * instrument.tick);
    this.touched(field === "price" ? "price" : "stop_price");
  }

  /** Send the order. One press is one `client_order_id`, however often it has to be sent. */
  async submit() {
    const instrument = this.session.instrument.value;
    if (this.busy.value || instrument === null) return;
    const errors = this.#check(instrument);
    this.errors.value = errors;
    if (Object.keys(errors).length > 0) return;
    await this.send(this.#body(instrument));
  }

  /**
   * Place the ticket's size at a price, at once: for keys and the ladder, when armed.
   * @param {SideName} side
   * @param {string} price
   * @param {TimeInForce} [timeInForce]
   */
  async placeAt(side, price, timeInForce = "gtc") {
    const instrument = this.session.instrument.value;
    const quantity = instrument?.quantity(this.quantity.value) ?? null;
    if (instrument === null || quantity === null || quantity === 0n) {
      notify("bad", "The ticket has no size.");
      return;
    }
    await this.send({ symbol: instrument.symbol, side, order_type: "limit", price,
      time_in_force: timeInForce, quantity: instrument.quantityText(quantity) });
  }

  /**
   * @param {Record<string, unknown>} body an order without its `client_order_id`
   */
  async send(body) {
    if (this.busy.value) return;
    this.busy.value = true;
    const { account } = this.session.trader;
    try {
      const order = { ...body, client_order_id: newOrderId() };
      await this.session.trader.request("POST", "/v1/orders", order);
    } catch (error) {
      const problem = asProblem(error);
      const field = problem.field ?? "";
      const isHere = body.symbol === this.session.symbol.value &&
        account === this.session.trader.account;
      if (isHere) this.errors.value = { [FIELDS.has(field) ? field : ""]: problem.message };
      notify("bad", `${sideName(String(body.side))} order refused: ${problem.message}`);
    } finally {
      this.busy.value = false;
    }
  }

  /** @param {Instrument} instrument */
  #check(instrument) {
    /** @type {Record<string, string>} */
    const errors = {};
    const step = this.sizedByAmount.value
      ? instrument.amountText(instrument.tick * instrument.lot)
      : instrument.lotSize;
    if (this.size(instrument) === null) errors.quantity = `A size is a multiple of ${step}.`;
    if (this.hasPrice.value && instrument.price(this.price.value) === null) {
      errors.price = `A price is a multiple of ${instrument.tickSize}.`;
    }
    if (this.hasStop.value && instrument.price(this.stopPrice.value) === null) {
      errors.stop_price = `A price is a multiple of ${instrument.tickSize}.`;
    }
    if (this.#expires && Number.isNaN(Date.parse(this.expireAt.value))) {
      errors.expire_at = "Choose when the order ends.";
    }
    const shown = this.mayHide.value ? this.display.value : "";
    if (shown && instrument.quantity(shown) === null) {
      errors.display_quantity = `A size is a multiple of ${instrument.lotSize}.`;
    }
    return errors;
  }

  get #expires() {
    return this.type.value !== "market" && this.timeInForce.value === "gtd";
  }

  /**
   * The size in units of the base or the quote asset; null for a text that is no size.
   * @param {Instrument} instrument
   */
  size(instrument) {
    const units = this.sizedByAmount.value
      ? parseUnits(this.quantity.value, instrument.amountDecimals)
      : instrument.quantity(this.quantity.value);
    return units === null || units <= 0n ? null : units;
  }

  /** @param {Instrument} instrument */
  #body(instrument) {
    const size = /** @type {bigint} */ (this.size(instrument));
    /** @type {Record<string, unknown>} */
    const body = { symbol: instrument.symbol, side: this.side.value, order_type: this.type.value };
    if (this.sizedByAmount.value) body.quote_quantity = instrument.amountText(size);
    else body.quantity = instrument.quantityText(size);
    if (this.hasPrice.value) body.price = priceText(instrument, this.price.value);
    if (this.hasStop.value) body.stop_price = priceText(instrument, this.stopPrice.value);
    if (this.type.value !== "market") body.time_in_force = this.timeInForce.value;
    if (this.#expires) body.expire_at = new Date(this.expireAt.value).toISOString();
    if (this.mayPostOnly.value && this.postOnly.value) body.post_only = true;
    if (this.mayHide.value && this.display.value) {
      const shown = /** @type {bigint} */ (instrument.quantity(this.display.value));
      body.display_quantity = instrument.quantityText(shown);
    }
    if (this.selfTrade.value) body.self_trade_prevention = this.selfTrade.value;
    return body;
  }

  /**
   * The price for the computation of a size: the order's, else the best opposite price.
   * @param {Instrument} instrument
   */
  workingPrice(instrument) {
    if (this.hasPrice.value && this.price.value) return instrument.price(this.price.value);
    if (this.hasStop.value && this.stopPrice.value) return instrument.price(this.stopPrice.value);
    const best = this.session.market.best.value;
    const meets = this.side.value === "buy" ? best.ask : best.bid;
    return meets === null ? null : instrument.price(meets);
  }
}

/** Members of an order that have a field in the ticket. */
const FIELDS = new Set(["quantity", "quote_quantity", "price", "stop_price", "expire_at",
  "display_quantity", "time_in_force", "post_only", "self_trade_prevention"]);

/** A new id for one press of the button. */
export function newOrderId() {
  const random = crypto.getRandomValues(new Uint32Array(2));
  return `web-${Date.now().toString(36)}-${random[0].toString(36)}${random[1].toString(36)}`;
}

/**
 * @param {Instrument} instrument
 * @param {string} text that was checked
 */
function priceText(instrument, text) {
  return instrument.priceText(/** @type {bigint} */ (instrument.price(text)));
}
