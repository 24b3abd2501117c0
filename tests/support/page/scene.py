"""A venue with more than an hour behind it, for pictures of the pages: the same prices every time.

Commands of the engine may bring their time, so that time passes at once. Everything that is random
comes from one seed.
"""

import time
from random import Random

from tapewire.matching.engine import Engine
from tapewire.values.instruments import load_instruments
from tapewire.values.paper_money import parse_paper_money
from tapewire.values.types import (
    Account,
    Instrument,
    Lots,
    OrderCommand,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
)
from tests.support.venue import address_of

MONEY = "USDT=100000,BTC=2,ETH=20,SOL=400"
HISTORY_S = 4_800
# The market that is shown, and the others.
TRADE_EVERY_S = {"BTC-USDT": 20, "ETH-USDT": 300, "SOL-USDT": 300}
OWN_TRADE_EVERY = 16
SEED = 12
LEVELS = 22
TRADERS = tuple(Account(name) for name in ("ada", "boris", "chen", "dilara", "emeka", "fatima"))
# Of the trader whose page is shown.
OWN = Account("alice")
MAKERS = (Account("maker-1"), Account("maker-2"))
# Prices of one unit at the start, in ticks of 0.01 USDT.
START_TICKS = {"BTC-USDT": 6_000_000, "ETH-USDT": 300_000, "SOL-USDT": 15_000}
PARTS = 100_000


class Scene:
    """Trades and quotes of all markets."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._random = Random(SEED)
        self._instruments = load_instruments(None)
        self._ticks = {item.symbol: START_TICKS[item.symbol] for item in self._instruments.values()}

    async def play(self) -> None:
        """Let the time pass, up to now, and fill the books."""
        await self._engine.publish_instruments(self._instruments)
        now_us = time.time_ns() // 1_000
        for account in (*TRADERS, OWN, *MAKERS):
            self._engine.clock_us = str(now_us - (HISTORY_S + 60) * 1_000_000)
            await self._engine.open_account(account)
        for age_s in range(HISTORY_S, 0, -min(TRADE_EVERY_S.values())):
            self._engine.clock_us = str(now_us - age_s * 1_000_000)
            for instrument in self._instruments.values():
                if age_s % TRADE_EVERY_S[instrument.symbol] == 0:
                    await self._trade(instrument)
        self._engine.clock_us = ""
        for instrument in self._instruments.values():
            await self._quote(instrument)

    async def _trade(self, instrument: Instrument) -> None:
        """One trade between two accounts, at a price that has drifted."""
        ticks = self._ticks[instrument.symbol]
        # Prices swing around where they began, a little up in the end.
        step = self._random.gauss(0.6, 16)
        ticks = max(1, ticks + int(ticks * step) // PARTS)
        self._ticks[instrument.symbol] = ticks
        maker, taker = self._random.sample(TRADERS, 2)
        if self._random.randrange(OWN_TRADE_EVERY) == 0:
            taker = OWN
        side = self._random.choice((Side.BUY, Side.SELL))
        lots = self._quantity(instrument, ticks)
        other = Side.SELL if side is Side.BUY else Side.BUY
        await self._place(instrument, maker, other, ticks, lots)
        await self._place(instrument, taker, side, ticks, lots)

    async def _quote(self, instrument: Instrument) -> None:
        ticks = self._ticks[instrument.symbol]
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            distance = max(1, ticks // 200_000)
            for level in range(LEVELS):
                lots = self._quantity(instrument, ticks) * (1 + level // 3)
                maker = MAKERS[level % len(MAKERS)]
                await self._place(instrument, maker, side, ticks + sign * distance, lots)
                distance += max(1, ticks * self._random.randrange(2, 9) // 400_000)

    def _quantity(self, instrument: Instrument, ticks: int) -> int:
        """Lots of some hundred USDT."""
        lots_of_100: int = 10_000 * 10**instrument.quantity_decimals // ticks
        return max(1, lots_of_100 * self._random.randrange(1, 13))

    async def _place(
        self, instrument: Instrument, account: Account, side: Side, ticks: int, lots: int
    ) -> None:
        command = OrderCommand(
            account=account, symbol=instrument.symbol, side=side, order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC, quantity_lots=Lots(lots), price_ticks=Ticks(ticks),
            self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        )  # fmt: skip
        await self._engine.place(command)


async def play_scene(redis_url: str) -> None:
    """Fill an empty Redis with a venue that has traded for more than an hour."""
    engine = await Engine.open(address_of(redis_url), paper_money=parse_paper_money(MONEY))
    try:
        await engine.ready()
        await Scene(engine).play()
    finally:
        await engine.close()
