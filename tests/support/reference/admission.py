"""The refusals of the reference venue for new orders and amendments, in their order."""

import copy
from typing import Protocol

from tapewire.values.types import (
    Amendment,
    Instrument,
    MarketState,
    OrderCommand,
    Side,
    Symbol,
    TimeInForce,
)
from tests.support.reference.accounts import Bounds, ReferenceAccounts
from tests.support.reference.auction import Uncross
from tests.support.reference.order import ReferenceOrder, Refused, reaches

BPS = 10_000


class Market(Protocol):
    """The members of a market that the checks read; the class is in `market`."""

    instrument: Instrument
    accounts: ReferenceAccounts
    bounds: Bounds
    state: MarketState
    band_bps: int
    revision: int
    last_price: int | None
    is_firing: bool
    uncross: Uncross | None

    @property
    def symbol(self) -> Symbol:
        """The instrument of the market."""

    def queue(self, side: Side) -> list[ReferenceOrder]:
        """Resting orders of one side, the next one to trade first."""

    def takes(self, side: Side, price: int | None) -> bool:
        """Whether an order with this price would trade at once."""


def admit(
    market: Market,
    command: OrderCommand,
    now_us: int,
    open_count: int,
    *,
    is_second: bool = False,
) -> None:
    """Check a new order against the market and its account. Raises Refused.

    The second order of a list brings nothing beyond the first.
    """
    admit_command(market, command)
    _check_state(market, post_only=command.post_only)
    _check_auction(market, command)
    if command.expire_us is not None and command.expire_us <= now_us:
        raise Refused("expire_at out_of_range")
    _check_price(market, command.price_ticks)
    stop = command.stop_price_ticks
    last = market.last_price
    if stop is not None and last is not None and reaches(command, stop, last):
        raise Refused("stop_would_trigger")
    takes = _trades_at_once(market) and market.takes(command.side, command.price_ticks)
    if command.post_only and takes:
        raise Refused("post_only_would_take")
    may_rest = command.time_in_force in {TimeInForce.GTC, TimeInForce.GTD}
    bound = _bound(market, command, "open_orders_max")
    if (may_rest or stop is not None) and bound is not None and open_count >= bound:
        raise Refused("open_orders_limit")
    _check_size(market, command, command.quantity_lots, command.price_ticks or stop)
    _check_position(market, command, 0 if is_second else _lots_at_most(market, command))
    _check_funds(market, command)


def admit_command(market: Market, command: OrderCommand) -> None:
    """Check the causes of a retry: an old revision, an uncross, stops. Raises Refused."""
    if command.revision != market.revision:
        raise Refused("stale_instrument")
    check_uncross(market)
    _check_stops(market)


def admit_amend(
    market: Market, order: ReferenceOrder, amendment: Amendment, now_us: int
) -> ReferenceOrder:
    """Check an amendment; returns the amended order. Raises Refused."""
    changed = copy.copy(order)
    if amendment.price_ticks is not None:
        changed.price = amendment.price_ticks
    if amendment.stop_price_ticks is not None:
        changed.stop_price = amendment.stop_price_ticks
    if amendment.quantity_lots is not None:
        changed.quantity = amendment.quantity_lots
    stays = keeps_place(order, changed)
    _check_amendable(order, now_us)
    if amendment.revision != market.revision:
        raise Refused("stale_instrument")
    check_uncross(market)
    if market.state is MarketState.HALTED:
        raise Refused("market_halted")
    if not stays:
        _check_stops(market)
        _check_state(market, post_only=order.command.post_only)
    if amendment.price_ticks is not None and order.price is None:
        raise Refused("price price_forbidden")
    if amendment.stop_price_ticks is not None and not order.waits:
        raise Refused("stop_price stop_price_forbidden")
    if changed.left <= 0:
        raise Refused("quantity out_of_range")
    _check_notional(market, changed)
    if not stays:
        _check_anew(market, order, changed)
    return changed


def _check_amendable(order: ReferenceOrder, now_us: int) -> None:
    if not order.is_open or order.is_due(now_us):
        raise Refused("order_closed")
    if order.in_list:
        raise Refused("order_in_list")


def keeps_place(order: ReferenceOrder, changed: ReferenceOrder) -> bool:
    """Whether only the quantity changes, to a smaller one."""
    assert order.quantity is not None
    assert changed.quantity is not None
    same = (order.price, order.stop_price) == (changed.price, changed.stop_price)
    return same and changed.quantity <= order.quantity


def _check_notional(market: Market, changed: ReferenceOrder) -> None:
    """Price x quantity of an amended order is at least the minimum of its instrument."""
    if changed.price is None or changed.quantity is None:
        return
    if changed.price * changed.quantity < market.instrument.notional_min:
        raise Refused("quantity notional_too_small")


def check_uncross(market: Market) -> None:
    """Refuse commands on the orders of a market before its uncross is over."""
    if market.uncross is not None:
        raise Refused("uncross_pending")


def _check_auction(market: Market, command: OrderCommand) -> None:
    """Refuse orders that cannot wait for the end of an auction."""
    waits = command.stop_price_ticks is not None or (
        command.price_ticks is not None
        and command.time_in_force in {TimeInForce.GTC, TimeInForce.GTD}
    )
    if not _trades_at_once(market) and not waits:
        raise Refused("market_auction")


def _trades_at_once(market: Market) -> bool:
    return market.state is not MarketState.AUCTION


def _check_stops(market: Market) -> None:
    """Refuse an order while fired stops wait."""
    if market.is_firing and market.state is MarketState.TRADING:
        raise Refused("stops_pending")


def _check_state(market: Market, *, post_only: bool) -> None:
    if market.state in {MarketState.HALTED, MarketState.CANCEL_ONLY}:
        raise Refused(f"market_{market.state}")
    if market.state is MarketState.POST_ONLY and not post_only:
        raise Refused("market_post_only")


def _check_price(market: Market, price: int | None) -> None:
    """Refuse a price outside the band around the last trade."""
    if price is None or market.last_price is None or market.band_bps == 0:
        return
    if abs(price - market.last_price) > market.last_price * market.band_bps // BPS:
        raise Refused("price_out_of_band")


def _check_anew(market: Market, order: ReferenceOrder, changed: ReferenceOrder) -> None:
    """Check an amendment that loses its place like a new order."""
    _check_price(market, changed.price)
    if changed.waits and market.last_price is not None and changed.fires_at(market.last_price):
        raise Refused("stop_would_trigger")
    takes = _trades_at_once(market) and market.takes(order.side, changed.price)
    if order.command.post_only and takes:
        raise Refused("post_only_would_take")
    _check_size(market, order.command, changed.quantity, changed.price or changed.stop_price)
    _check_position(market, order.command, changed.left - order.left)
    accounts = market.accounts
    asset = market.instrument.quote if order.side is Side.BUY else market.instrument.base
    more = accounts.hold(changed)[asset] - accounts.hold(order)[asset]
    if accounts.checked and more > 0 and more > accounts.available(order.account, asset):
        raise Refused("insufficient_funds")


def _bound(market: Market, command: OrderCommand, name: str) -> int | None:
    return market.accounts.bound(command.account, market.symbol, name, market.bounds)


def _check_size(market: Market, command: OrderCommand, lots: int | None, price: int | None) -> None:
    """Check that the account is active and the order within its limits."""
    if market.accounts.is_blocked(command.account):
        raise Refused("account_blocked")
    bound = _bound(market, command, "order_lots_max")
    if bound is not None and lots is not None and lots > bound:
        raise Refused("order_size_limit")
    bound = _bound(market, command, "order_notional_max")
    worth = price or market.last_price
    notional = command.quote_notional
    if lots is not None:
        notional = None if worth is None else lots * worth
    if bound is not None and notional is not None and notional > bound:
        raise Refused("order_notional_limit")


def _lots_at_most(market: Market, command: OrderCommand) -> int:
    """The lots that a new order may bring: its quantity, or its amount at the best price."""
    if command.quantity_lots is not None:
        return command.quantity_lots
    asks = market.queue(Side.SELL)
    if command.side is Side.SELL or not asks:
        return 0
    assert command.quote_notional is not None
    assert asks[0].price is not None
    return command.quote_notional // asks[0].price


def _check_position(market: Market, command: OrderCommand, lots: int) -> None:
    """Check the position limit with these lots added; fewer lots than before add nothing."""
    bound = _bound(market, command, "position_lots_max")
    if bound is None or lots <= 0:
        return
    instrument = market.instrument
    most = bound * instrument.base_units
    added = lots * instrument.base_units
    balance = market.accounts.balance(command.account, instrument.base)
    if command.side is Side.BUY:
        if balance.available + balance.held + balance.incoming + added > most:
            raise Refused("position_limit")
    elif balance.available - added < -most:
        raise Refused("position_limit")


def _check_funds(market: Market, command: OrderCommand) -> None:
    """Check the funds of an order; without a bound on its cost, of its first lot."""
    accounts, instrument = market.accounts, market.instrument
    if not accounts.checked:
        return
    lots, price = command.quantity_lots, command.price_ticks
    if command.side is Side.SELL:
        asset, needed = instrument.base, (1 if lots is None else lots) * instrument.base_units
    else:
        asks = market.queue(Side.SELL)
        if lots is None:
            assert command.quote_notional is not None
            notional = command.quote_notional
        elif price is not None:
            notional = lots * price
        elif command.stop_price_ticks is not None or not asks:
            notional = 0
        else:
            notional = asks[0].price or 0
        asset, needed = instrument.quote, notional * instrument.quote_units
    if needed > 0 and needed > accounts.available(command.account, asset):
        raise Refused("insufficient_funds")
