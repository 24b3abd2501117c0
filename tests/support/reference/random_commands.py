"""Random commands of every kind through the real engine, from a seed."""

import random
from dataclasses import dataclass, field, replace

from tapewire.errors import Refusal, StaleInstrument
from tapewire.matching.engine import Engine
from tapewire.matching.kill_switch import KillSwitch
from tapewire.matching.order_lists import place_list
from tapewire.matching.queries import Queries
from tapewire.matching.replacement import Target, replace_order
from tapewire.matching.treasury import Treasury
from tapewire.values.account_types import AccountState
from tapewire.values.bounds import AS_INSTRUMENT
from tapewire.values.types import (
    Account,
    Amendment,
    Lots,
    MarketState,
    OrderCommand,
    OrderId,
    OrderType,
    ReplaceMode,
    SelfTradePrevention,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)
from tests.support.venue import BTC, INSTRUMENTS, ODD

ACCOUNTS = tuple(Account(name) for name in ("alice", "bob", "carol"))
SYMBOLS = (BTC, ODD)
START_US = 1_767_225_600_000_000
MIDDLE_TICKS = 1_000
SPREAD_TICKS = 12

_TIMES = {
    OrderType.LIMIT: (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTD),
    OrderType.MARKET: (TimeInForce.IOC,),
    OrderType.IOC: (TimeInForce.IOC,),
    OrderType.FOK: (TimeInForce.FOK,),
    OrderType.STOP: (TimeInForce.IOC,),
    OrderType.STOP_LIMIT: (TimeInForce.GTC,),
    OrderType.TAKE_PROFIT: (TimeInForce.IOC,),
    OrderType.TAKE_PROFIT_LIMIT: (TimeInForce.GTC,),
}
_STOPS = (
    OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT,
)  # fmt: skip
# Kind of command and how often it comes.
_MIX = {
    "place": 600, "place_list": 60, "replace": 60, "amend": 150, "cancel": 100, "cancel_all": 3,
    "expire": 60, "dead_man": 10, "control": 20, "clock": 50, "transfer": 20, "account": 10,
    "delist": 1, "list": 8,
}  # fmt: skip


@dataclass(slots=True)
class RandomCommands:
    """Sends commands to an engine and remembers the orders; refusals are part of it."""

    engine: Engine
    seed: int
    open_ids: list[tuple[Account, OrderId]] = field(default_factory=list)
    # The present revision of each instrument, which grows when it is listed again.
    revisions: dict[Symbol, int] = field(
        default_factory=lambda: {symbol: INSTRUMENTS[symbol].revision for symbol in SYMBOLS}
    )
    accepted: int = 0
    refused: int = 0
    # A test sets this to end a run after the present command.
    stopped: bool = False

    @property
    def treasury(self) -> Treasury:
        """Commands about accounts, through the same engine."""
        return Treasury(self.engine)

    async def run(self, count: int) -> None:
        """Send `count` commands; the venue clock moves as the seed says, sometimes back."""
        chance = random.Random(self.seed)
        now_us = START_US
        kinds, weights = list(_MIX), list(_MIX.values())
        for _ in range(count):
            if self.stopped:
                return
            now_us += chance.randint(0, 2_000_000)
            kind = chance.choices(kinds, weights)[0]
            if kind == "clock":
                now_us -= chance.randint(0, 5_000_000)
                continue
            self.engine.clock_us = str(now_us)
            try:
                await self._send(kind, chance, now_us)
                self.accepted += 1
            except (Refusal, StaleInstrument):
                self.refused += 1

    async def _send(self, kind: str, chance: random.Random, now_us: int) -> None:
        engine, account = self.engine, chance.choice(ACCOUNTS)
        if kind.startswith("place"):
            await self._place(kind, chance, account, now_us)
        elif kind == "cancel_all":
            await engine.cancel_all(account, chance.choice((None, *SYMBOLS)))
        elif kind == "expire":
            await engine.expire_due()
        elif kind == "dead_man":
            await engine.set_dead_man(account, chance.choice((0, 60_000_000, 600_000_000)))
        elif kind == "control":
            await self._control(chance)
        elif kind in {"delist", "list"}:
            await self._change_list(kind, chance.choice(SYMBOLS))
        elif kind == "transfer":
            await self._transfer(chance, account)
        elif kind == "account":
            await self._change_account(chance, account)
        elif self.open_ids:
            place = chance.randrange(len(self.open_ids))
            owner, order_id = self.open_ids[place]
            if kind == "replace":
                mode = chance.choice(list(ReplaceMode))
                order = self._order(chance, owner, now_us)
                await replace_order(engine, Target(order_id), order, mode)
            elif kind == "cancel":
                self.open_ids.pop(place)
                await engine.cancel(owner, order_id)
            else:
                found = await self._queries.order(owner, order_id)
                revision = self.revisions[found.symbol]
                await engine.amend(owner, order_id, replace(_amendment(chance), revision=revision))

    @property
    def _queries(self) -> Queries:
        return Queries(self.engine.batcher)

    async def _change_list(self, kind: str, symbol: Symbol) -> None:
        """Take an instrument off the list, or list all again: the other kind comes soon."""
        if kind == "delist":
            await KillSwitch(self.engine, self._queries).delist(symbol)
            return
        delisted = await self._queries.delisted_instruments()
        await self.engine.publish_instruments(delisted, lists_again=True)
        for listed in delisted:
            self.revisions[listed] += 2

    def _order(self, chance: random.Random, account: Account, now_us: int) -> OrderCommand:
        order = _order(chance, account, now_us)
        return replace(order, revision=self.revisions[order.symbol])

    async def _place(self, kind: str, chance: random.Random, account: Account, now_us: int) -> None:
        if kind == "place_list":
            await self._place_list(chance, account, now_us)
            return
        placement = await self.engine.place(self._order(chance, account, now_us))
        if placement.order.is_open:
            self.open_ids.append((account, placement.order.order_id))

    async def _place_list(self, chance: random.Random, account: Account, now_us: int) -> None:
        """A sell above the middle, and a stop below it."""
        one, other = (
            replace(
                self._order(chance, account, now_us), side=Side.SELL, symbol=BTC, expire_us=None,
                time_in_force=TimeInForce.GTC, quantity_lots=Lots(7), quote_notional=None,
                display_lots=None, self_trade_prevention=SelfTradePrevention.NONE,
                revision=self.revisions[BTC], client_order_id=None,
                reuses_client_order_id=True,
            )
            for _ in range(2)
        )  # fmt: skip
        first = replace(
            one, order_type=OrderType.LIMIT, price_ticks=Ticks(MIDDLE_TICKS + 5), post_only=True,
            stop_price_ticks=None,
        )  # fmt: skip
        second = replace(
            other, order_type=OrderType.STOP_LIMIT, price_ticks=Ticks(MIDDLE_TICKS - 7),
            post_only=False, stop_price_ticks=Ticks(MIDDLE_TICKS - 5),
        )  # fmt: skip
        name = chance.choice((None, f"l{chance.randint(1, 5)}"))
        placed = await place_list(self.engine, first, second, name)
        self.open_ids += [(account, placed.first.order_id), (account, placed.second.order_id)]

    async def _transfer(self, chance: random.Random, account: Account) -> None:
        units, reference = chance.randint(1, 10**12), f"r{chance.randint(1, 50)}"
        move = chance.choice((self.treasury.deposit, self.treasury.withdraw))
        await move(account, chance.choice(("BTC", "USDT")), units, reference=reference)

    async def _change_account(self, chance: random.Random, account: Account) -> None:
        """Rarely blocked, and soon active again."""
        state = AccountState.BLOCKED if chance.random() < 0.1 else AccountState.ACTIVE
        fee = chance.choice((None, AS_INSTRUMENT, 0, 1_000))
        await self.treasury.set_account(account, state=state, taker_fee_ppm=fee)
        bound = chance.choice((AS_INSTRUMENT, 30, 10_000))
        await self.treasury.set_account_limits(account, BTC, order_lots_max=bound)

    async def _control(self, chance: random.Random) -> None:
        """Mostly back to trading, so that the venue does not stand still."""
        symbol: Symbol = chance.choice(SYMBOLS)
        states = [MarketState.TRADING] * 9 + list(MarketState)
        await self.engine.control_market(
            symbol,
            state=chance.choice(states),
            band_bps=chance.choice((None, 0, 0, 90)),
            open_orders_max=chance.choice((None, 200, 200, 5)),
            maker_fee_ppm=chance.choice((None, 0, 250)),
            position_lots_max=chance.choice((None, 0, 0, 1_000)),
        )


def _order(chance: random.Random, account: Account, now_us: int) -> OrderCommand:
    kind = chance.choices(list(OrderType), (60, 8, 8, 4, 4, 4, 2, 2))[0]
    time = chance.choice(_TIMES[kind])
    symbol = chance.choice(SYMBOLS)
    priced = kind not in {OrderType.MARKET, OrderType.STOP, OrderType.TAKE_PROFIT}
    by_quote = kind is OrderType.MARKET and chance.random() < 0.5
    lots = chance.randint(1, 40)
    rests = kind is OrderType.LIMIT
    return OrderCommand(
        account=account,
        symbol=symbol,
        side=chance.choice(list(Side)),
        order_type=kind,
        time_in_force=time,
        quantity_lots=None if by_quote else Lots(lots),
        price_ticks=_ticks(chance) if priced else None,
        client_order_id=f"c{chance.randint(1, 400)}" if chance.random() < 0.3 else None,
        self_trade_prevention=chance.choice(list(SelfTradePrevention)),
        reuses_client_order_id=chance.random() < 0.3,
        post_only=rests and chance.random() < 0.15,
        display_lots=Lots(chance.randint(1, lots)) if rests and chance.random() < 0.2 else None,
        stop_price_ticks=_ticks(chance) if kind in _STOPS else None,
        quote_notional=chance.randint(1, 20_000) if by_quote else None,
        expire_us=now_us + chance.randint(1, 300_000_000) if time is TimeInForce.GTD else None,
        revision=INSTRUMENTS[symbol].revision,
    )


def _amendment(chance: random.Random) -> Amendment:
    return Amendment(
        price_ticks=_ticks(chance) if chance.random() < 0.5 else None,
        quantity_lots=Lots(chance.randint(1, 40)) if chance.random() < 0.7 else None,
    )


def _ticks(chance: random.Random) -> Ticks:
    return Ticks(MIDDLE_TICKS + chance.randint(-SPREAD_TICKS, SPREAD_TICKS))
