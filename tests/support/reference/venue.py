"""A second venue, written for clarity and not for speed; the Lua code must equal it.

Plain objects and lists; sorting finds the first order of a queue. Prices are ticks, quantities
lots. The rules are those of docs/matching.md; `market` has the rules of
one market, `accounts` those of money, this module those of all markets together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tapewire.limits import FOK_MAKERS_MAX, STOP_ROUNDS_MAX
from tapewire.values.types import (
    Account,
    Amendment,
    Instrument,
    MarketState,
    OrderCommand,
    OrderStatus,
    ReplaceMode,
    Symbol,
    TimeInForce,
)
from tests.support.reference.accounts import Bounds, ReferenceAccounts
from tests.support.reference.admission import admit_command, check_uncross
from tests.support.reference.market import ReferenceMarket
from tests.support.reference.order import Line, ReferenceOrder, Refused

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer of a placement: the order, or the earlier one of the same client order id."""

    order: ReferenceOrder
    replayed: bool


@dataclass(frozen=True, slots=True)
class PlacedList:
    """The answer to the placement of a list."""

    first: ReferenceOrder
    second: ReferenceOrder
    replayed: bool


@dataclass(frozen=True, slots=True)
class Replaced:
    """The answer to a cancel-replace: the result or refusal of each part; None: not tried."""

    canceled: ReferenceOrder | Refused | None
    placed: Placed | Refused | None


@dataclass(slots=True)
class ReferenceVenue:
    """Every market and every order; each method is one command at one reading of the clock."""

    instruments: Mapping[Symbol, Instrument]
    fills_max: int
    stops_max: int
    funds_checked: bool = False
    fok_makers_max: int = FOK_MAKERS_MAX
    accounts: ReferenceAccounts = field(init=False)
    line: Line = field(default_factory=Line)
    orders: dict[str, ReferenceOrder] = field(default_factory=dict)
    client_orders: dict[tuple[Account, str], ReferenceOrder] = field(default_factory=dict)
    # The first order of the newest list of each name.
    client_lists: dict[tuple[Account, str], ReferenceOrder] = field(default_factory=dict)
    markets: dict[Symbol, ReferenceMarket] = field(default_factory=dict)
    dead_man: dict[Account, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open a market for every instrument."""
        self.accounts = ReferenceAccounts(self.instruments, self.funds_checked)
        for symbol, instrument in self.instruments.items():
            self.markets[symbol] = ReferenceMarket(
                instrument, self.accounts, self.line, self.fills_max, self.stops_max,
                self.fok_makers_max, bounds_of(instrument),
                instrument.maker_fee_ppm, instrument.taker_fee_ppm, band_bps=instrument.band_bps,
            )  # fmt: skip

    def place(self, command: OrderCommand, clock_us: int) -> Placed:
        """Place an order, behind fired stops. Raises Refused."""
        return self._behind_stops(command.symbol, clock_us, lambda: self._place(command, clock_us))

    def fire_stops(self, symbol: Symbol, clock_us: int) -> bool:
        """Continue an uncross, or run fired stops; whether some still wait. Raises Refused."""
        market = self._market(symbol)
        if market.uncross is not None:
            market.begin(clock_us)
            market.go_on()
            fires = market.is_firing and market.state is MarketState.TRADING
            return market.uncross is not None or fires
        if market.is_firing and market.state is MarketState.TRADING:
            market.begin(clock_us)
            market.run_stops()
            return market.is_firing
        return False

    def set_clock(self, symbol: Symbol, clock_us: int) -> list[Symbol]:
        """Set a market whose time is ahead of the clock back; returns the market if it was ahead.

        The instrument may be delisted.
        """
        market = self.markets[symbol]
        if market.now_us <= clock_us:
            return []
        market.now_us = clock_us
        return [symbol]

    def _behind_stops(self, symbol: Symbol, clock_us: int, attempt: Callable[[], Answer]) -> Answer:
        for _ in range(STOP_ROUNDS_MAX):
            try:
                return attempt()
            except Refused as refused:
                if str(refused) != "stops_pending":
                    raise
                self.fire_stops(symbol, clock_us)
        return attempt()

    def _place(self, command: OrderCommand, clock_us: int, met: int = 0) -> Placed:
        market = self._market(command.symbol)
        earlier = self._earlier(command)
        if earlier is not None:
            if earlier.list_body is not None or _body(earlier.command) != _body(command):
                raise Refused("duplicate_client_order_id")
            return Placed(earlier, replayed=True)
        if command.account not in self.accounts.profiles:
            raise Refused("unknown_account")
        open_count = len(self.open_orders(command.account, command.symbol))
        order = market.place(command, clock_us, open_count, met)
        self.orders[order.order_id] = order
        if command.client_order_id:
            self.client_orders[command.account, command.client_order_id] = order
        return Placed(order, replayed=False)

    def place_list(
        self,
        first: OrderCommand,
        second: OrderCommand,
        clock_us: int,
        client_list_id: str | None = None,
    ) -> PlacedList:
        """Place a list of two orders, behind fired stops. Raises Refused."""
        return self._behind_stops(
            first.symbol,
            clock_us,
            lambda: self._place_list(first, second, clock_us, client_list_id),
        )

    def _place_list(
        self, first: OrderCommand, second: OrderCommand, clock_us: int, name: str | None
    ) -> PlacedList:
        market = self._market(first.symbol)
        body = (_body(first), first.client_order_id, _body(second), second.client_order_id, name)
        known = [order for order in map(self._earlier, (first, second)) if order is not None]
        listed = self.client_lists.get((first.account, name or ""))
        if listed is not None and not (first.reuses_client_order_id and not listed.is_open):
            known.append(listed)
        if known:
            if len({order.list_id for order in known}) > 1 or any(
                order.list_body != body for order in known
            ):
                raise Refused("duplicate_client_order_id")
            one = self.orders[known[0].list_id or ""]
            assert one.partner is not None
            return PlacedList(one, one.partner, replayed=True)
        if first.account not in self.accounts.profiles:
            raise Refused("unknown_account")
        open_count = len(self.open_orders(first.account, first.symbol))
        pair = market.place_list(first, second, clock_us, open_count)
        if name is not None:
            self.client_lists[first.account, name] = pair[0]
        for order in pair:
            order.list_body, order.client_list_id = body, name
            self.orders[order.order_id] = order
            if order.command.client_order_id:
                self.client_orders[order.account, order.command.client_order_id] = order
        return PlacedList(*pair, replayed=False)

    def replace(
        self, command: OrderCommand, order_id: str, mode: ReplaceMode, clock_us: int
    ) -> Replaced:
        """Cancel an order, then place another in its market, behind fired stops. Raises Refused."""
        return self._behind_stops(
            command.symbol, clock_us, lambda: self._replace(command, order_id, mode, clock_us)
        )

    def _replace(
        self, command: OrderCommand, order_id: str, mode: ReplaceMode, clock_us: int
    ) -> Replaced:
        market = self._market(command.symbol)
        target = self.orders.get(order_id)
        if target is not None and target.account != command.account:
            target = None
        earlier = self._earlier(command)
        repeated = (
            earlier is not None
            and earlier.list_body is None
            and _body(earlier.command) == _body(command)
        )
        if earlier is not None and repeated and earlier is not target:
            return Replaced(_told_again(target), Placed(earlier, replayed=True))
        admit_command(market, command)
        if command.account not in self.accounts.profiles:
            raise Refused("unknown_account")
        canceled: ReferenceOrder | Refused
        met = 0
        try:
            if target is None or target.symbol != command.symbol:
                raise Refused("order_not_found")
            canceled = self.cancel(command.account, order_id, clock_us)
            # One budget for both parts: the cancel of a list meets the other order of the list.
            met = market.met
        except Refused as refused:
            canceled = refused
            if mode is ReplaceMode.STOP_ON_FAILURE:
                return Replaced(refused, None)
        try:
            if self._earlier(command) is not None:
                raise Refused("duplicate_client_order_id")
            return Replaced(canceled, self._place(command, clock_us, met))
        except Refused as refused:
            return Replaced(canceled, refused)

    def amend(
        self, account: Account, order_id: str, amendment: Amendment, clock_us: int
    ) -> ReferenceOrder:
        """Change an open order, behind fired stops. Raises Refused."""
        order = self._own(account, order_id)
        market = self.markets[order.symbol]
        self._behind_stops(order.symbol, clock_us, lambda: market.amend(order, amendment, clock_us))
        return order

    def cancel(
        self, account: Account, order_id: str, clock_us: int, cancel_id: str | None = None
    ) -> ReferenceOrder:
        """Cancel an open order. Raises Refused."""
        order = self._own(account, order_id)
        if not order.is_open:
            raise Refused("order_closed")
        market = self._market(order.symbol)
        check_uncross(market)
        if market.state is MarketState.HALTED:
            raise Refused("market_halted")
        market.begin(clock_us)
        order.cancel_id = cancel_id
        market.end(order, OrderStatus.CANCELED, "user")
        return order

    def cancel_client_order(
        self, account: Account, client_order_id: str, clock_us: int
    ) -> ReferenceOrder:
        """Cancel an open order by its client order id. Raises Refused."""
        order = self.client_orders.get((account, client_order_id))
        if order is None:
            raise Refused("order_not_found")
        return self.cancel(account, order.order_id, clock_us)

    def cancel_all(self, account: Account, symbol: Symbol | None, clock_us: int) -> list[str]:
        """Cancel every open order of an account, symbol by symbol, the oldest first.

        Halted markets are passed over, unless one is named. Raises Refused.
        """
        if symbol is not None and self._market(symbol).state is MarketState.HALTED:
            raise Refused("market_halted")
        for market in self._sorted_markets(symbol):
            if symbol is not None or self.open_orders(account, market.symbol):
                check_uncross(market)
        canceled = []
        for market in self._sorted_markets(symbol):
            orders = self.open_orders(account, market.symbol)
            if market.state is MarketState.HALTED or not orders:
                continue
            market.begin(clock_us)
            for order in orders:
                # The second order of a list has ended with the first one.
                if order.is_open:
                    market.end(order, OrderStatus.CANCELED, "user")
                canceled.append(order.order_id)
        return canceled

    def expire_due(self, clock_us: int) -> int:
        """End due gtd orders, then cancel for dead-man timers that fire, in every market state.

        Orders of a market stay until its uncross is over.
        Says how many orders ended and timers fired.
        """
        ended = 0
        due = [order for order in self.orders.values() if order.is_open and order.is_due(clock_us)]
        # As in the sorted set of Redis: by time, at the same time by the text of the id.
        due.sort(key=lambda order: (order.command.expire_us or 0, order.order_id))
        dead = sorted(
            (account for account, at_us in self.dead_man.items() if at_us <= clock_us),
            key=lambda account: (self.dead_man[account], account),
        )
        for order in due:
            market = self.markets[order.symbol]
            if market.uncross is not None:
                continue
            market.begin(clock_us)
            if order.is_open:
                market.end(order, OrderStatus.EXPIRED, "expired")
            ended += 1
        for account in dead:
            is_done = True
            for market in self._sorted_markets(None):
                for order in self.open_orders(account, market.symbol):
                    if market.uncross is not None:
                        is_done = False
                        break
                    market.begin(clock_us)
                    if order.is_open:
                        market.end(order, OrderStatus.CANCELED, "dead_man")
                    ended += 1
            if is_done:
                del self.dead_man[account]
                ended += 1
        return ended

    def set_dead_man(self, account: Account, timeout_us: int, clock_us: int) -> int | None:
        """Arm, renew or (0) disarm the timer of an account."""
        if timeout_us == 0:
            self.dead_man.pop(account, None)
            return None
        self.dead_man[account] = clock_us + timeout_us
        return self.dead_man[account]

    def control(
        self,
        symbol: Symbol,
        state: MarketState | None,
        changes: Mapping[str, int | None],
        clock_us: int,
    ) -> None:
        """Switch a market's state, bounds or fees; None changes nothing. Raises Refused."""
        market = self._market(symbol)
        check_uncross(market)
        market.begin(clock_us)
        for name, value in changes.items():
            if value is not None:
                owner = market.bounds if hasattr(market.bounds, name) else market
                setattr(owner, name, value)
        market.switch(state or market.state)

    def delist(self, symbol: Symbol, clock_us: int) -> int:
        """Cancel every order of a market, take its instrument off the list. Raises Refused.

        Says how many orders were canceled.
        """
        market = self._market(symbol)
        check_uncross(market)
        market.begin(clock_us)
        market.switch(MarketState.HALTED)
        count = 0
        for order in [*market.book, *market.stops]:
            count += order.is_open
            # The second order of a list ends with the first one.
            if order.is_open:
                count += order.partner is not None and order.partner.is_open
                market.end(order, OrderStatus.CANCELED, "delisted")
        market.is_firing, market.phase, market.is_listed = False, [], False
        market.revision += 1
        return count

    def list_again(self, instrument: Instrument) -> None:
        """Give an instrument other limits; list it again if it was delisted."""
        market = self.markets[instrument.symbol]
        market.revision += 1
        if not market.is_listed:
            market.is_listed, market.state = True, MarketState.TRADING
            market.band_bps = instrument.band_bps
            market.maker_fee_ppm = instrument.maker_fee_ppm
            market.taker_fee_ppm = instrument.taker_fee_ppm
            market.bounds = bounds_of(instrument)

    def open_orders(self, account: Account, symbol: Symbol) -> list[ReferenceOrder]:
        """The open orders of an account in one symbol, oldest first."""
        return [
            order
            for order in self.orders.values()
            if order.is_open and order.account == account and order.symbol == symbol
        ]

    def expiring(self) -> list[tuple[str, int]]:
        """Open gtd orders with the time at which each of them ends."""
        return sorted(
            (order.order_id, order.command.expire_us)
            for order in self.orders.values()
            if order.is_open
            and order.command.time_in_force is TimeInForce.GTD
            and order.command.expire_us is not None
        )

    def _earlier(self, command: OrderCommand) -> ReferenceOrder | None:
        """The order that has the client order id of a new one."""
        found = self.client_orders.get((command.account, command.client_order_id or ""))
        if found is not None and command.reuses_client_order_id and not found.is_open:
            return None
        return found

    def _market(self, symbol: Symbol) -> ReferenceMarket:
        if symbol not in self.markets or not self.markets[symbol].is_listed:
            raise Refused("unknown_symbol")
        return self.markets[symbol]

    def _sorted_markets(self, symbol: Symbol | None) -> list[ReferenceMarket]:
        names = sorted(self.markets) if symbol is None else [symbol]
        return [self.markets[name] for name in names if self.markets[name].is_listed]

    def _own(self, account: Account, order_id: str) -> ReferenceOrder:
        order = self.orders.get(order_id)
        if order is None or order.account != account:
            raise Refused("order_not_found")
        return order


def bounds_of(instrument: Instrument) -> Bounds:
    """The bounds that an instrument has for each account."""
    return Bounds(
        instrument.open_orders_max, instrument.order_lots_max,
        instrument.order_notional_max, instrument.position_lots_max,
    )  # fmt: skip


def _told_again(target: ReferenceOrder | None) -> ReferenceOrder | Refused | None:
    """The cancel of a cancel-replace whose order was placed before: how its order stands now."""
    if target is None:
        return Refused("order_not_found")
    if target.status is OrderStatus.CANCELED:
        return target
    return None if target.is_open else Refused("order_closed")


def _body(command: OrderCommand) -> tuple[object, ...]:
    """The values that are equal in two requests for one order."""
    return (
        command.symbol, command.side, command.order_type, command.time_in_force,
        command.price_ticks, command.quantity_lots, command.self_trade_prevention,
        command.post_only, command.display_lots, command.stop_price_ticks,
        command.quote_notional, command.expire_us,
    )  # fmt: skip
