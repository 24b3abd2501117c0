"""A freqtrade strategy that places, fills and ends orders all the time; freqtrade loads it."""

from datetime import datetime
from typing import Any

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy
from pandas import DataFrame

TURNED_PAIR, UNFILLED_PAIR = "BTC/USDT", "SOL/USDT"
HELD_S = 20
FAR_BELOW = 0.981
"""Of the best price: no order at such a price is filled. freqtrade allows 2 percent."""


class QuickTurns(IStrategy):
    """Buys every pair at every candle; what becomes of it depends on the pair.

    The first pair is sold after HELD_S at the market. The price of the last pair is so low that the
    order runs into its timeout. A third pair is held until its stop order at the exchange fires.
    """

    INTERFACE_VERSION = 3
    timeframe = "1m"
    startup_candle_count = 1
    minimal_roi = {"0": 10}
    stoploss = -0.02
    process_only_new_candles = False
    order_types = {
        "entry": "limit",
        "exit": "market",
        "stoploss": "limit",
        "stoploss_on_exchange": True,
        "stoploss_on_exchange_interval": 60,
    }

    def populate_indicators(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """None are needed."""
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """Buy at every candle."""
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict[str, Any]) -> DataFrame:
        """`custom_exit` sells."""
        dataframe["exit_long"] = 0
        return dataframe

    def custom_entry_price(
        self, pair: str, trade: Trade | None, current_time: datetime, proposed_rate: float,
        entry_tag: str | None, side: str, **kwargs: Any,
    ) -> float:  # fmt: skip
        """The best price, or for one pair a price that nobody meets."""
        return proposed_rate * (FAR_BELOW if pair == UNFILLED_PAIR else 1)

    def custom_exit(
        self, pair: str, trade: Trade, current_time: datetime, current_rate: float,
        current_profit: float, **kwargs: Any,
    ) -> str | None:  # fmt: skip
        """Sell the first pair after HELD_S."""
        held_s = (current_time - trade.open_date_utc).total_seconds()
        return "held" if pair == TURNED_PAIR and held_s > HELD_S else None
