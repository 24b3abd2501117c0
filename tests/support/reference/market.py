"""One market of the reference venue: matching, resting, stops, self-trade prevention, amends.

Written for clarity: each search for the next maker sorts the whole book, and a
fill-or-kill order is first tried on a copy of the market. `admission` has the refusals,
`accounts` the money.
"""

import copy
from dataclasses import dataclass, field, replace

from tapewire.values.types import (
    Amendment,
    Fill,
    Instrument,
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
from tests.support.reference.accounts import Bounds, ReferenceAccounts
from tests.support.reference.admission import BPS, admit, admit_amend, keeps_place
from tests.support.reference.auction import Uncross, begin_uncross, go_on
from tests.support.reference.order import (
    Line,
    ReferenceOrder,
    Trade,
    amount_reason,
    expiry_reason,
    first_to_fire,
    opposite,
    within,
)

KILLING = {SelfTradePrevention.EXPIRE_BOTH, SelfTradePrevention.DECREMENT}


@dataclass(slots=True)
class ReferenceMarket:
    """The state of one market. `book` and `stops` are unsorted; the numbers of `line` sort them."""

    instrument: Instrument
    accounts: ReferenceAccounts
    line: Line
    fills_max: int
    stops_max: int
    fok_makers_max: int
    bounds: Bounds
    maker_fee_ppm: int
    taker_fee_ppm: int
    state: MarketState = MarketState.TRADING
    band_bps: int = 0
    revision: int = 1
    now_us: int = 0
    last_price: int | None = None
    trades: list[Trade] = field(default_factory=list)
    book: list[ReferenceOrder] = field(default_factory=list)
    stops: list[ReferenceOrder] = field(default_factory=list)
    # Prices traded since all fired stops had run, and makers met by the command.
    phase: list[int] = field(default_factory=list)
    met: int = 0
    # Makers that the fill-or-kill orders of the command have counted.
    counted: int = 0
    is_firing: bool = False
    is_listed: bool = True
    uncross: Uncross | None = None

    def __post_init__(self) -> None:
        """Add the orders of this market to the orders that hold money."""
        self.accounts.standing += [self.book, self.stops]

    @property
    def symbol(self) -> Symbol:
        """The symbol of the instrument."""
        return self.instrument.symbol

    def begin(self, clock_us: int, met: int = 0) -> None:
        """Begin an accepted command at a time; the venue clock never runs backwards.

        `met` is the number of makers that the first part of the same command has met.
        """
        self.now_us = max(self.now_us, clock_us)
        self.met, self.counted = met, 0

    def place(
        self, command: OrderCommand, clock_us: int, open_count: int, met: int = 0
    ) -> ReferenceOrder:
        """Place an order, behind `met` makers of the same command. Raises Refused."""
        admit(self, command, max(self.now_us, clock_us), open_count)
        self.begin(clock_us, met)
        order = self._create(command)
        self._come_in(order)
        self.run_stops()
        return order

    def place_list(
        self, first: OrderCommand, second: OrderCommand, clock_us: int, open_count: int
    ) -> tuple[ReferenceOrder, ReferenceOrder]:
        """Place both orders of a list, or neither. Raises Refused."""
        now_us = max(self.now_us, clock_us)
        admit(self, first, now_us, open_count)
        admit(self, second, now_us, open_count + 1, is_second=True)
        self.begin(clock_us)
        one = self._create(first)
        self._come_in(one)
        other = self._create(second)
        one.partner, other.partner = other, one
        one.list_id = other.list_id = one.order_id
        (other.covered_units,) = self.accounts.hold(one).values()
        self._come_in(other)
        return one, other

    def _create(self, command: OrderCommand) -> ReferenceOrder:
        """A new order at the end of the line."""
        number = self.line.draw()
        return ReferenceOrder(
            str(number), command, number, self.now_us, self.now_us,
            command.price_ticks, command.stop_price_ticks, command.quantity_lots,
            *self.accounts.fee_rates(command, self.maker_fee_ppm, self.taker_fee_ppm),
        )  # fmt: skip

    def _come_in(self, order: ReferenceOrder) -> None:
        self.accounts.reports[order.account] += 1
        if order.waits:
            self.stops.append(order)
        else:
            self._enter(order, self.fills_max)

    def amend(self, order: ReferenceOrder, amendment: Amendment, clock_us: int) -> None:
        """Change an open order. Raises Refused."""
        changed = admit_amend(self, order, amendment, max(self.now_us, clock_us))
        stays = keeps_place(order, changed)
        self.begin(clock_us)
        order.price, order.stop_price = changed.price, changed.stop_price
        order.quantity = changed.quantity
        self.accounts.reports[order.account] += 1
        order.updated_us = self.now_us
        if stays:
            order.shown = min(order.shown, order.left)
            return
        order.number = self.line.draw()
        if not order.waits:
            self.book.remove(order)
            self._enter(order, self.fills_max)
        self.run_stops()

    def end(self, order: ReferenceOrder, status: OrderStatus, reason: str | None) -> None:
        """End an open order and the other order of its list."""
        self._finish(order, status, reason)
        self.end_partner(order)

    def end_partner(self, order: ReferenceOrder) -> None:
        """End the other order of a list, which counts as a maker met."""
        partner = order.partner
        if partner is None or not partner.is_open:
            return
        self.met += 1
        if order.status is OrderStatus.CANCELED:
            partner.cancel_id = order.cancel_id
            self._finish(partner, OrderStatus.CANCELED, order.reason)
        else:
            self._finish(partner, OrderStatus.EXPIRED, "order_list")

    def _finish(self, order: ReferenceOrder, status: OrderStatus, reason: str | None) -> None:
        place = self.stops if order.waits else self.book
        if order in place:
            place.remove(order)
        order.status, order.reason, order.updated_us = status, reason, self.now_us
        order.shown = 0
        self._report_end(order)

    def _report_end(self, order: ReferenceOrder) -> None:
        """Count the report of an end; the report of the last trade ends a filled order."""
        if order.status is not OrderStatus.FILLED:
            self.accounts.reports[order.account] += 1

    def queue(self, side: Side) -> list[ReferenceOrder]:
        """Resting orders of one side: the best price first, then the lowest number."""
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

    def takes(self, side: Side, price: int | None) -> bool:
        """Whether an order at this price would trade with a resting order now."""
        makers = self.queue(opposite(side))
        return bool(makers) and within(side, makers[0].price, price)

    def _enter(self, order: ReferenceOrder, makers_max: int) -> None:
        """Match an order; its remainder rests or ends."""
        is_fok = order.command.time_in_force is TimeInForce.FOK
        kill = is_fok and not self._would_fill(order, makers_max)
        waits = self.state is MarketState.AUCTION
        stopped_by = None if kill or waits else self._match(order, makers_max)
        order.updated_us = self.now_us
        if order.quantity is None:
            order.reason = amount_reason(order, stopped_by)
            order.quantity = order.executed + order.prevented
        elif order.left > 0:
            if order.may_rest and order.price is not None and stopped_by is None:
                self._rest(order)
                return
            order.reason = stopped_by or expiry_reason(order, kill=kill)
        elif order.executed < order.quantity:
            order.reason = "self_trade"
        order.status = OrderStatus.FILLED if order.reason is None else OrderStatus.EXPIRED
        self._report_end(order)

    def _rest(self, order: ReferenceOrder) -> None:
        order.status = OrderStatus.PARTIALLY_FILLED if order.executed else OrderStatus.NEW
        order.shown = min(order.command.display_lots or order.left, order.left)
        self.book.append(order)

    def _would_fill(self, taker: ReferenceOrder, makers_max: int) -> bool:
        """Try the order on a copy of the market, up to the first order that forbids the trade."""
        trial, market = copy.deepcopy((taker, self))
        if trial.command.self_trade_prevention in KILLING:
            mode = SelfTradePrevention.EXPIRE_TAKER
            trial.command = replace(trial.command, self_trade_prevention=mode)
        market._match(trial, min(makers_max, self.fok_makers_max))
        self.counted += market.met - self.met
        return trial.executed == trial.quantity

    def _match(self, taker: ReferenceOrder, makers_max: int) -> str | None:
        """Match with one maker after the other; returns why matching stopped early, or None."""
        limit, money = self._limit(taker), self._money(taker)
        before = self.met
        while True:
            queue = self.queue(opposite(taker.side))
            if not queue or not within(taker.side, queue[0].price, limit):
                return None
            maker = queue[0]
            assert maker.price is not None
            wanted = taker.wants_at(maker.price)
            if wanted == 0:
                return None if taker.quantity is not None else "spent"
            payable = self._payable(taker, maker.price, money)
            if payable == 0:
                return "insufficient_funds"
            if self.met - before >= makers_max:
                return "fills_limit"
            self.met += 1
            mode = taker.command.self_trade_prevention
            if maker.is_due(self.now_us):
                self.end(maker, OrderStatus.EXPIRED, "expired")
            elif maker.account == taker.account and mode is not SelfTradePrevention.NONE:
                if self._prevent(taker, maker, min(wanted, maker.shown)):
                    return "self_trade"
            else:
                self._trade(taker, maker, min(wanted, payable, maker.shown))

    def _limit(self, order: ReferenceOrder) -> int | None:
        """The worst price at which an order may trade: its own, or the end of the band."""
        if order.price is not None:
            return order.price
        if self.last_price is None or self.band_bps == 0:
            return None
        width = self.last_price * self.band_bps // BPS
        return self.last_price + width if order.side is Side.BUY else self.last_price - width

    def _money(self, order: ReferenceOrder) -> int | None:
        """Available units of an order without a price; None if funds are not checked."""
        if not self.accounts.checked or order.price is not None:
            return None
        buys = order.side is Side.BUY
        asset = self.instrument.quote if buys else self.instrument.base
        return self.accounts.available(order.account, asset)

    def _payable(self, order: ReferenceOrder, price: int, money: int | None) -> int:
        """Lots that the rest of the money pays at this price; prevented lots cost nothing."""
        if money is None:
            return self.instrument.quantity_lots_max
        if order.side is Side.SELL:
            return max(0, money // self.instrument.base_units - order.executed)
        units = self.instrument.quote_units
        return max(0, (money - order.notional * units) // (price * units))

    def _trade(self, taker: ReferenceOrder, maker: ReferenceOrder, lots: int) -> None:
        assert maker.price is not None
        price = maker.price
        seq = len(self.trades) + 1
        buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
        fees = self.accounts.settle(buyer, seller, price, lots, taker.side)
        self.trades.append(
            Trade(
                seq, maker.order_id, taker.order_id, price, lots, taker.side,
                fees[maker.side], fees[taker.side],
            )
        )  # fmt: skip
        self.phase.append(price)
        self.last_price = price
        for order, liquidity in ((taker, Liquidity.TAKER), (maker, Liquidity.MAKER)):
            self.accounts.reports[order.account] += 1
            order.executed += lots
            order.notional += lots * price
            order.updated_us = self.now_us
            order.fills.append(
                Fill(seq, Ticks(price), Lots(lots), liquidity, self.now_us, fees[order.side])
            )
        maker.status = OrderStatus.PARTIALLY_FILLED
        self._shorten(maker, lots)

    def _shorten(self, maker: ReferenceOrder, lots: int) -> None:
        """Take lots off a resting order: the order ends, shows its next slice, or stays."""
        maker.shown -= lots
        maker.updated_us = self.now_us
        if maker.left == 0:
            filled = maker.executed == maker.quantity
            status = OrderStatus.FILLED if filled else OrderStatus.EXPIRED
            self.end(maker, status, None if filled else "self_trade")
            return
        if maker.shown == 0:
            assert maker.command.display_lots is not None
            maker.shown = min(maker.command.display_lots, maker.left)
            maker.number = self.line.draw()
        self.end_partner(maker)

    def _prevent(self, taker: ReferenceOrder, maker: ReferenceOrder, lots: int) -> bool:
        """Prevent a self-trade by the taker's mode; returns True if the taker ends."""
        assert maker.price is not None
        mode = taker.command.self_trade_prevention
        if mode is SelfTradePrevention.DECREMENT:
            taker.prevented += lots
            taker.prevented_notional += lots * maker.price
            maker.prevented += lots
            self._shorten(maker, lots)
            # An open maker that lost lots without a trade is reported as amended.
            self.accounts.reports[maker.account] += maker.is_open
            return False
        if mode is not SelfTradePrevention.EXPIRE_TAKER:
            self.end(maker, OrderStatus.EXPIRED, "self_trade")
        return mode is not SelfTradePrevention.EXPIRE_MAKER

    def is_crossed(self) -> bool:
        """Whether orders of the book would trade with each other, as after an auction."""
        bids, asks = self.queue(Side.BUY), self.queue(Side.SELL)
        return bool(bids and asks) and within(Side.BUY, asks[0].price, bids[0].price)

    def switch(self, state: MarketState) -> None:
        """Change the state; a market that trades again uncrosses first."""
        self.state = state
        if state in {MarketState.TRADING, MarketState.POST_ONLY} and self.is_crossed():
            self.uncross = begin_uncross(self)
            self.go_on()

    def go_on(self) -> None:
        """Continue an uncross; then run the stops that its price has reached."""
        assert self.uncross is not None
        if not go_on(self, self.uncross):
            return
        self.uncross = None
        self.run_stops()
        if self.state is not MarketState.TRADING:
            self.is_firing = bool(self.phase)

    def run_stops(self) -> None:
        """Run fired stops in order of arrival, within the budget of the command; the others wait.

        A stop starts only while half of the makers of a command is left for it.
        """
        if self.state is not MarketState.TRADING:
            return
        share, count = max(1, self.fills_max // 2), 0
        while True:
            reached = [order for order in self.stops if any(order.fires_at(p) for p in self.phase)]
            if not reached:
                break
            for order in first_to_fire(reached, max(1, self.stops_max - count)):
                if count == self.stops_max or not self._has_share(share):
                    self.is_firing = True
                    return
                # A stop that ran before may have been the other order of its list.
                if not order.is_open:
                    continue
                count += 1
                self._fire(order, share)
        self.phase.clear()
        self.is_firing = False

    def _has_share(self, share: int) -> bool:
        """Whether a stop may still meet its share of makers, and count it if it is a `fok`."""
        counts = min(share, self.fok_makers_max)
        return self.met + share <= self.fills_max and self.counted + counts <= self.fills_max

    def _fire(self, order: ReferenceOrder, makers_max: int) -> None:
        self.end_partner(order)
        if order.is_due(self.now_us):
            self.end(order, OrderStatus.EXPIRED, "expired")
            return
        order.covered_units = 0
        self.stops.remove(order)
        order.triggered_us = self.now_us
        self.accounts.reports[order.account] += 1
        order.number = self.line.draw()
        self._enter(order, makers_max)
