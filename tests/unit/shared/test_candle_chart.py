"""The chart of candles in a terminal."""

from decimal import Decimal

from tapewire.terminal.candle_chart import Candle, candle_chart


def test_a_market_with_one_price_has_one_label() -> None:
    """The label stands in the row of the candle."""
    price = Decimal("60000.00")
    lines = candle_chart([Candle(price, price, price, price)]).plain.splitlines()
    assert [line for line in lines if line.strip()] == ["60000.00 ▄"]
