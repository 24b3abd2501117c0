"""One market of the reference venue: matching, resting, stops, self-trade prevention, amends.

Written to be read: the next maker is looked for in the whole book each time, and whether a
fill-or-kill order can fill is found out by trying it on a copy of the market.
"""

import copy
from dataclasses import dataclass, field

from tapewire.types import (
    Account,
    Amendment,
    Fill,
    Liquidity,
    Lots,
    MarketState,
    OrderCommand,
    OrderStatus,
    SelfTradePrevention,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)

BPS = 10_000


class Refused(Exception):
    """A command that is not done; `code` as clients see it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Line:
    """The one line in which all orders of the venue stand: numbers that only grow."""

    newest: int = 0

    def draw(self) -> int:
        """A place at the end of the line."""
        self.newest += 1
        return self.newest


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution, at the maker's price."""

    seq: int
    maker_id: str
    taker_id: str
    price: int
    lots: int
    aggressor_side: Side


@dataclass(slots=True, eq=False)
class ReferenceOrder:
    """An order, open or closed. `quantity` is None until a market order by amount has ended."""

    order_id: str
    command: OrderCommand
    number: int
    created_us: int
    updated_us: int
    price: int | None
    stop_price: int | None
    quantity: int | None
    status: OrderStatus = OrderStatus.NEW
    reason: str | None = None
    executed: int = 0
    notional: int = 0
    prevented: int = 0
    prevented_notional: int = 0
    shown: int = 0
    triggered_us: int | None = None
    fills: list[Fill] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """Whose it is."""
        return self.command.account

    @property
    def symbol(self) -> Symbol:
        """What it trades."""
        return self.command.symbol

    @property
    def side(self) -> Side:
        """Whether it buys or sells."""
        return self.command.side

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status in {OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED}

    @property
    def waits(self) -> bool:
        """Whether it is a stop order before its trigger."""
        return self.stop_price is not None and self.triggered_us is None

    @property
    def left(self) -> int:
        """Lots that are neither executed nor prevented."""
        assert self.quantity is not None
        return self.quantity - self.executed - self.prevented

    def is_due(self, now_us: int) -> bool:
        """Whether its time is over."""
        return self.command.expire_us is not None and self.command.expire_us <= now_us

    def wants_at(self, price: int) -> int:
        """Lots that it would take at this price: of its quantity, or what its amount buys."""
        if self.command.quote_notional is None:
            return self.left
        amount = self.command.quote_notional - self.notional - self.prevented_notional
        return amount // price

    def fires_at(self, price: int) -> bool:
        """Whether a trade at this price sets it off: a buy at or above, a sell at or below."""
        assert self.stop_price is not None
        return price >= self.stop_price if self.side is Side.BUY else price <= self.stop_price


@dataclass(slots=True)
class ReferenceMarket:
    """The state of one market. `book` and `stops` are in no order: `line` numbers give it."""

    symbol: Symbol
    line: Line
    fills_max: int
    stops_max: int
    open_orders_max: int
    state: MarketState = MarketState.TRADING
    band_bps: int = 0
    revision: int = 1
    now_us: int = 0
    last_price: int | None = None
    trades: list[Trade] = field(default_factory=list)
    book: list[ReferenceOrder] = field(default_factory=list)
    stops: list[ReferenceOrder] = field(default_factory=list)
    phase: list[int] = field(default_factory=list)

    def begin(self, clock_us: int) -> None:
        """An accepted command happens now; the venue clock never runs backwards."""
        self.now_us = max(self.now_us, clock_us)

    def place(self, command: OrderCommand, clock_us: int, open_count: int) -> ReferenceOrder:
        """Take in an order. Raises Refused."""
        now_us = max(self.now_us, clock_us)
        self._admit(command, now_us, open_count)
        self.begin(clock_us)
        number = self.line.draw()
        order = ReferenceOrder(
            str(number), command, number, now_us, now_us,
            command.price_ticks, command.stop_price_ticks, command.quantity_lots,
        )  # fmt: skip
        if order.waits:
            self.stops.append(order)
        else:
            self._enter(order)
        self._run_stops()
        return order

    def amend(self, order: ReferenceOrder, amendment: Amendment, clock_us: int) -> None:
        """Change an open order. Raises Refused."""
        price = order.price if amendment.price_ticks is None else amendment.price_ticks
        stop = order.stop_price
        stop = stop if amendment.stop_price_ticks is None else amendment.stop_price_ticks
        quantity = order.quantity
        quantity = quantity if amendment.quantity_lots is None else amendment.quantity_lots
        assert quantity is not None
        assert order.quantity is not None
        stays = price == order.price and stop == order.stop_price and quantity <= order.quantity
        now_us = max(self.now_us, clock_us)
        self._admit_amend(order, amendment, stays=stays, now_us=now_us)
        if quantity <= order.executed + order.prevented:
            raise Refused("quantity out_of_range")
        if not stays:
            self._admit_anew(order, price, stop)
        self.begin(clock_us)
        order.price, order.stop_price, order.quantity = price, stop, quantity
        order.updated_us = self.now_us
        if stays:
            order.shown = min(order.shown, order.left)
            return
        order.number = self.line.draw()
        if not order.waits:
            self.book.remove(order)
            self._enter(order)
        self._run_stops()

    def end(self, order: ReferenceOrder, status: OrderStatus, reason: str | None) -> None:
        """Take an open order out of where it stands; it is over."""
        place = self.stops if order.waits else self.book
        if order in place:
            place.remove(order)
        order.status, order.reason, order.updated_us = status, reason, self.now_us
        order.shown = 0

    def queue(self, side: Side) -> list[ReferenceOrder]:
        """Resting orders of one side: the best price first, then as they stand in line."""
        sign = -1 if side is Side.BUY else 1
        orders = [order for order in self.book if order.side is side]
        return sorted(orders, key=lambda order: (sign * (order.price or 0), order.number))

    def depth(self, side: Side) -> dict[int, int]:
        """Displayed lots of each price."""
        levels: dict[int, int] = {}
        for order in self.queue(side):
            assert order.price is not None
            levels[order.price] = levels.get(order.price, 0) + order.shown
        return levels

    def _admit(self, command: OrderCommand, now_us: int, open_count: int) -> None:
        if command.revision != self.revision:
            raise Refused("stale_instrument")
        self._admit_state(post_only=command.post_only)
        if command.expire_us is not None and command.expire_us <= now_us:
            raise Refused("expire_at out_of_range")
        self._admit_price(command.price_ticks)
        stop = command.stop_price_ticks
        if stop is not None and self.last_price is not None:
            reached = self.last_price >= stop
            if reached if command.side is Side.BUY else self.last_price <= stop:
                raise Refused("stop_would_trigger")
        if command.post_only and self._takes(command.side, command.price_ticks):
            raise Refused("post_only_would_take")
        may_rest = command.time_in_force in {TimeInForce.GTC, TimeInForce.GTD}
        if (may_rest or stop is not None) and open_count >= self.open_orders_max:
            raise Refused("open_orders_limit")

    def _admit_state(self, *, post_only: bool) -> None:
        if self.state in {MarketState.HALTED, MarketState.CANCEL_ONLY}:
            raise Refused(f"market_{self.state}")
        if self.state is MarketState.POST_ONLY and not post_only:
            raise Refused("market_post_only")

    def _admit_price(self, price: int | None) -> None:
        """A price may be no farther from the last trade than the band."""
        if price is None or self.last_price is None or self.band_bps == 0:
            return
        if abs(price - self.last_price) > self.last_price * self.band_bps // BPS:
            raise Refused("price_out_of_band")

    def _admit_amend(
        self, order: ReferenceOrder, amendment: Amendment, *, stays: bool, now_us: int
    ) -> None:
        if not order.is_open or order.is_due(now_us):
            raise Refused("order_closed")
        if amendment.revision != self.revision:
            raise Refused("stale_instrument")
        if self.state is MarketState.HALTED:
            raise Refused("market_halted")
        if not stays:
            self._admit_state(post_only=order.command.post_only)
        if amendment.price_ticks is not None and order.price is None:
            raise Refused("price price_forbidden")
        if amendment.stop_price_ticks is not None and not order.waits:
            raise Refused("stop_price stop_price_forbidden")

    def _admit_anew(self, order: ReferenceOrder, price: int | None, stop: int | None) -> None:
        """What loses its place is checked like a new order."""
        self._admit_price(price)
        if order.waits and self.last_price is not None:
            moved = copy.copy(order)
            moved.stop_price = stop
            if moved.fires_at(self.last_price):
                raise Refused("stop_would_trigger")
        if order.command.post_only and self._takes(order.side, price):
            raise Refused("post_only_would_take")

    def _takes(self, side: Side, price: int | None) -> bool:
        """Whether an order at this price would meet a resting one now."""
        opposite = self.queue(_opposite(side))
        return bool(opposite) and _within(side, opposite[0].price, price)

    def _enter(self, order: ReferenceOrder) -> None:
        """An order takes what it may; what is left rests or is over."""
        kill = order.command.time_in_force is TimeInForce.FOK and not self._would_fill(order)
        stopped_by = None if kill else self._match(order)
        order.updated_us = self.now_us
        if order.quantity is None:
            order.reason = _amount_reason(order, stopped_by)
            order.quantity = order.executed + order.prevented
        elif order.left > 0:
            rests = order.command.time_in_force in {TimeInForce.GTC, TimeInForce.GTD}
            if rests and order.price is not None and stopped_by is None:
                self._rest(order)
                return
            order.reason = stopped_by or _expiry_reason(order, kill=kill)
        elif order.executed < order.quantity:
            order.reason = "self_trade"
        order.status = OrderStatus.FILLED if order.reason is None else OrderStatus.EXPIRED

    def _rest(self, order: ReferenceOrder) -> None:
        order.status = OrderStatus.PARTIALLY_FILLED if order.executed else OrderStatus.NEW
        order.shown = min(order.command.display_lots or order.left, order.left)
        self.book.append(order)

    def _would_fill(self, taker: ReferenceOrder) -> bool:
        """Try it on a copy of the market."""
        trial, market = copy.deepcopy((taker, self))
        market._match(trial)
        return trial.executed == trial.quantity

    def _match(self, taker: ReferenceOrder) -> str | None:
        """Trade with one maker after the other; says what ended it before it was done, if any."""
        limit = self._limit(taker)
        for met in range(self.fills_max + 1):
            queue = self.queue(_opposite(taker.side))
            if not queue or not _within(taker.side, queue[0].price, limit):
                return None
            maker = queue[0]
            assert maker.price is not None
            wanted = taker.wants_at(maker.price)
            if wanted == 0:
                return None if taker.quantity is not None else "spent"
            if met == self.fills_max:
                return "fills_limit"
            mode = taker.command.self_trade_prevention
            if maker.is_due(self.now_us):
                self.end(maker, OrderStatus.EXPIRED, "expired")
            elif maker.account == taker.account and mode is not SelfTradePrevention.NONE:
                if self._prevent(taker, maker, min(wanted, maker.shown)):
                    return "self_trade"
            else:
                self._trade(taker, maker, min(wanted, maker.shown))
        raise AssertionError("the loop returns")

    def _limit(self, order: ReferenceOrder) -> int | None:
        """The worst price at which it may trade: its own, or the end of the band."""
        if order.price is not None:
            return order.price
        if self.last_price is None or self.band_bps == 0:
            return None
        width = self.last_price * self.band_bps // BPS
        return self.last_price + width if order.side is Side.BUY else self.last_price - width

    def _trade(self, taker: ReferenceOrder, maker: ReferenceOrder, lots: int) -> None:
        assert maker.price is not None
        price = maker.price
        seq = len(self.trades) + 1
        self.trades.append(Trade(seq, maker.order_id, taker.order_id, price, lots, taker.side))
        self.phase.append(price)
        self.last_price = price
        for order, liquidity in ((taker, Liquidity.TAKER), (maker, Liquidity.MAKER)):
            order.executed += lots
            order.notional += lots * price
            order.updated_us = self.now_us
            order.fills.append(Fill(seq, Ticks(price), Lots(lots), liquidity, self.now_us))
        maker.status = OrderStatus.PARTIALLY_FILLED
        self._shorten(maker, lots)

    def _shorten(self, maker: ReferenceOrder, lots: int) -> None:
        """Lots have left a resting order: it is over, shows its next slice, or stays."""
        maker.shown -= lots
        maker.updated_us = self.now_us
        if maker.left == 0:
            filled = maker.executed == maker.quantity
            status = OrderStatus.FILLED if filled else OrderStatus.EXPIRED
            self.end(maker, status, None if filled else "self_trade")
        elif maker.shown == 0:
            assert maker.command.display_lots is not None
            maker.shown = min(maker.command.display_lots, maker.left)
            maker.number = self.line.draw()

    def _prevent(self, taker: ReferenceOrder, maker: ReferenceOrder, lots: int) -> bool:
        """Two orders of one account meet; the taker's mode decides. True if the taker is over."""
        assert maker.price is not None
        mode = taker.command.self_trade_prevention
        if mode is SelfTradePrevention.DECREMENT:
            taker.prevented += lots
            taker.prevented_notional += lots * maker.price
            maker.prevented += lots
            self._shorten(maker, lots)
            return False
        if mode is not SelfTradePrevention.EXPIRE_TAKER:
            self.end(maker, OrderStatus.EXPIRED, "self_trade")
        return mode is not SelfTradePrevention.EXPIRE_MAKER

    def _run_stops(self) -> None:
        """Stops fire at any price of a phase, in line; what they trade is the next phase."""
        budget = self.stops_max
        while self.phase and budget > 0:
            reached = [order for order in self.stops if any(order.fires_at(p) for p in self.phase)]
            self.phase.clear()
            for order in _first_to_fire(reached, budget):
                budget -= 1
                if order.is_due(self.now_us):
                    self.end(order, OrderStatus.EXPIRED, "expired")
                    continue
                self.stops.remove(order)
                order.triggered_us = self.now_us
                order.number = self.line.draw()
                self._enter(order)
        self.phase.clear()


def _first_to_fire(reached: list[ReferenceOrder], budget: int) -> list[ReferenceOrder]:
    """If more are reached than may run: of each side the nearest, then the longest in line."""
    chosen: list[ReferenceOrder] = []
    for side in Side:
        sign = 1 if side is Side.BUY else -1
        orders = [order for order in reached if order.side is side]
        orders.sort(key=lambda order: (sign * (order.stop_price or 0), order.number))
        chosen += orders[:budget]
    return sorted(chosen, key=lambda order: order.number)[:budget]


def _expiry_reason(order: ReferenceOrder, *, kill: bool) -> str:
    """Why what was left could not rest."""
    if kill:
        return "fill_or_kill"
    return "insufficient_liquidity" if order.price is None else "immediate_or_cancel"


def _amount_reason(order: ReferenceOrder, stopped_by: str | None) -> str | None:
    """Why a market order by amount is not filled; None if it is."""
    used = order.notional + order.prevented_notional
    if stopped_by != "spent" and used != order.command.quote_notional:
        return stopped_by or "insufficient_liquidity"
    if order.prevented:
        return "self_trade"
    return None if order.executed else "insufficient_liquidity"


def _opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def _within(side: Side, price: int | None, limit: int | None) -> bool:
    """Whether a maker's price is as good as the limit, or better."""
    assert price is not None
    if limit is None:
        return True
    return price <= limit if side is Side.BUY else price >= limit
