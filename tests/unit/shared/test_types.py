"""The vocabulary: immutable values whose names are what clients read."""

import dataclasses

import pytest

from tapewire.values.instruments import packaged_instruments
from tapewire.values.types import OrderStatus, OrderType, Side, Symbol, TimeInForce


def test_names_are_the_wire_names() -> None:
    """The values of the enumerations are those of the contract."""
    assert [*Side] == ["buy", "sell"]
    assert [*OrderType] == [
        "limit", "market", "ioc", "fok", "stop", "stop_limit", "take_profit", "take_profit_limit",
    ]  # fmt: skip
    assert [*TimeInForce] == ["gtc", "ioc", "fok", "gtd"]
    assert [*OrderStatus] == ["new", "partially_filled", "filled", "canceled", "expired"]


def test_an_instrument_cannot_be_changed() -> None:
    """Domain values are frozen."""
    instrument = packaged_instruments()[Symbol("BTC-USDT")]
    with pytest.raises(dataclasses.FrozenInstanceError):
        instrument.tick_units = 2  # type: ignore[misc]


def test_a_notional_is_exact_with_the_decimals_of_price_and_quantity() -> None:
    """0.01 x 0.00001 needs seven decimals."""
    assert packaged_instruments()[Symbol("BTC-USDT")].notional_decimals == 7
