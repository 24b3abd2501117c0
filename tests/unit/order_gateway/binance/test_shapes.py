"""Market data and instruments in the shapes of Binance."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from order_gateway.binance.context import SymbolNames
from order_gateway.binance.errors import error_of
from order_gateway.binance.instruments import symbol_info
from order_gateway.binance.market_shapes import filled, last_filled
from order_gateway.binance.orders import product
from order_gateway.catalogue import Market
from tapewire.binance.symbols import BinanceSymbols
from tapewire.errors import Conflict
from tapewire.market.candles import BINANCE_INTERVALS, Candle
from tapewire.values.instruments import load_instruments
from tapewire.values.types import MarketState, Symbol

MINUTE = BINANCE_INTERVALS["1m"]
BTC = Symbol("BTC-USDT")


def candle(minute: int, close: int) -> Candle:
    """A candle of one trade."""
    return Candle(minute * 60, close, close, close, close, 1, close, 1, minute, minute)


def test_periods_without_a_trade_are_flat() -> None:
    """At the close before them; up to the end, and not before the first trade."""
    found = filled(
        [candle(2, 10), candle(4, 12)], MINUTE, before=None, first_s=0, end_s=361, count_max=100
    )
    assert [(item.start_s // 60, item.close, item.trades) for item in found] == [
        (2, 10, 1), (3, 10, 0), (4, 12, 1), (5, 12, 0), (6, 12, 0),
    ]  # fmt: skip


def test_a_candle_before_the_first_fills_the_beginning() -> None:
    """A long silence costs no more than the wanted candles."""
    found = filled([], MINUTE, before=candle(1, 9), first_s=120, end_s=10**12, count_max=3)
    assert [(item.start_s // 60, item.close) for item in found] == [(2, 9), (3, 9), (4, 9)]


def test_the_last_candles_reach_to_the_end() -> None:
    """After years without a trade too."""
    found = last_filled([candle(1, 7), candle(3, 8)], MINUTE, end_s=10**9, count=2)
    assert [item.close for item in found] == [8, 8]
    assert found[-1].start_s == MINUTE.start_s(10**9 - 1)
    months = BINANCE_INTERVALS["1M"]
    assert len(last_filled([candle(1, 7)], months, end_s=10**9, count=12)) == 12


@pytest.mark.parametrize("state", MarketState)
def test_every_state_of_a_market_has_a_status(state: MarketState) -> None:
    """Every market has the filters that clients need, with maxima above zero."""
    market = Market(load_instruments(None)[BTC], state)
    shown = symbol_info(market, BinanceSymbols([BTC]))
    assert shown["status"] in {"TRADING", "HALT", "CANCEL_ONLY", "AUCTION_MATCH"}
    kinds = [item["filterType"] for item in shown["filters"]]
    assert kinds[:2] == ["PRICE_FILTER", "LOT_SIZE"]
    assert "NOTIONAL" in kinds
    for item in shown["filters"]:
        for name, value in item.items():
            assert not name.startswith("max") or float(value) > 0, item


def test_a_closed_market_has_one_text() -> None:
    """A market has the same text for each reason of its closing."""
    for code in ("market_halted", "market_cancel_only", "market_post_only", "market_auction"):
        error = error_of(Conflict(code, "no"))
        assert (error.code, error.text) == (-2010, "Market is closed.")


def test_products_are_exact() -> None:
    """With the decimals of both."""
    assert product("0.01", "0.00001") == "0.0000001"
    assert product("3", "2") == "6"


def test_names_follow_the_list_of_instruments() -> None:
    """Also when one instrument takes the place of another; a delisted symbol keeps its name."""
    catalogue: Any = SimpleNamespace(known={BTC: None}, version=1)
    names = SymbolNames(cast("Any", catalogue))
    assert dict(names.names)["BTCUSDT"] == BTC
    catalogue.known, catalogue.version = {Symbol("ACME-USD"): None}, 3
    assert "BTCUSDT" not in names.names
    assert names.names["ACMEUSD"] == "ACME-USD"
    assert names.names.shown[BTC] == "BTCUSDT"
