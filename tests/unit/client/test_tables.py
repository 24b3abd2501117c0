"""Answers and events as tables of pandas."""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tapewire.client import AccountBalance, ConfigurationError, PlacedOrder, PriceLevel, to_pandas
from tapewire.wire.trade_event import TradeEvent
from tests.support.feeds.samples import trade_data
from tests.support.transport.order_replies import ORDER


def placed(**changes: Any) -> PlacedOrder:
    """An order as the client hands it out."""
    return msgspec.json.decode(msgspec.json.encode(ORDER | changes), type=PlacedOrder)


def test_orders_have_numbers_and_times() -> None:
    """Decimals are floats, also where one is missing; times are in UTC; the rest stays."""
    frame = to_pandas([placed(), placed(price=None)])
    assert list(frame.price.fillna(0)) == [60_000.0, 0.0]
    assert frame.quantity.dtype == float
    assert frame.timestamp[0] == datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)
    assert frame.triggered_timestamp.isna().all()
    assert list(frame.order_id) == ["42", "42"]


def test_events_whose_numbers_are_text_are_numbers_too() -> None:
    """A trade of the feed has decimal text; in a table it counts like any other number."""
    trade = msgspec.convert(trade_data(7), TradeEvent)
    frame = to_pandas(iter([trade]))
    assert list(frame.price) == [float(trade.price)]
    assert list(frame.seq) == [7]
    assert frame.timestamp.dt.tz is not None


def test_balances_and_levels_are_rows() -> None:
    """Parts of answers are tables as well; nothing is an empty table."""
    one = Decimal(1)
    assert list(to_pandas([AccountBalance("BTC", one, one, one)]).total) == [1.0]
    assert list(to_pandas([PriceLevel(one, Decimal("0.5"))]).quantity) == [0.5]
    assert len(to_pandas([])) == 0
    with pytest.raises(TypeError, match="int is nothing"):
        to_pandas([1])


def test_without_pandas_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the command."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'tapewire\[pandas\]'"):
        to_pandas([])
