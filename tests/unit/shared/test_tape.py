"""The tape as text: aligned lines, and notes between them."""

from dataclasses import replace

from tapewire.terminal.tape import HEADER, Tape
from tapewire.values.types import Side
from tapewire.wire.trade_event import TradeEvent

TRADE = TradeEvent(
    epoch="e1",
    seq=7,
    symbol="BTC-USDT",
    trade_id="BTC-USDT-7",
    price="60000.00",
    quantity="0.50000",
    aggressor_side=Side.BUY,
    maker_order_id="1",
    taker_order_id="2",
    timestamp="2026-01-31T12:00:00.000001Z",
)


def test_a_trade_is_one_aligned_line() -> None:
    """Time, symbol, side, price, quantity and number stand under their titles."""
    line = Tape().line(TRADE)
    assert line.split() == ["12:00:00.000001", "BTC-USDT", "buy", "60000.00", "0.50000", "7"]
    assert len(line) == len(HEADER)
    small = Tape().line(replace(TRADE, price="1.5", quantity="2", aggressor_side=Side.SELL))
    assert len(small) == len(line)


def test_colour_only_when_asked() -> None:
    """Terminal codes are absent unless the output is a terminal."""
    assert "\x1b" not in Tape().line(TRADE) + Tape().note("x")
    assert "\x1b[32mbuy" in Tape(colour=True).line(TRADE)


def test_a_note_is_told_from_trades() -> None:
    """What is missing stands in a line of its own."""
    assert Tape().note("trades 8 to 9 are missing") == "-- trades 8 to 9 are missing"
