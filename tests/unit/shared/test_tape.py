"""The tape as text: aligned lines, missed trades, nothing for the rest."""

import json
from typing import Any

import pytest

from tapewire.errors import MessageError
from tapewire.tape import HEADER, Tape

TRADE = {
    "epoch": "e1",
    "seq": 7,
    "symbol": "BTC-USDT",
    "trade_id": "BTC-USDT-7",
    "price": "60000.00",
    "quantity": "0.50000",
    "aggressor_side": "buy",
    "maker_order_id": "1",
    "taker_order_id": "2",
    "timestamp": "2026-01-31T12:00:00.000001Z",
}


def message(**changes: object) -> str:
    data: dict[str, Any] = TRADE | changes
    return json.dumps({"type": "trade", "data": data})


def test_a_trade_is_one_aligned_line() -> None:
    """Time, symbol, side, price, quantity and number stand under their titles."""
    (line,) = Tape().lines(message())
    assert line.split() == ["12:00:00.000001", "BTC-USDT", "buy", "60000.00", "0.50000", "7"]
    assert len(line) == len(HEADER)
    (small,) = Tape().lines(message(price="1.5", quantity="2", aggressor_side="sell"))
    assert len(small) == len(line)


def test_colour_only_when_asked() -> None:
    """Terminal codes are absent unless the output is a terminal."""
    (plain,) = Tape().lines(message())
    (coloured,) = Tape(colour=True).lines(message())
    assert "\x1b" not in plain
    assert "\x1b[32mbuy" in coloured


def test_only_the_wanted_symbols() -> None:
    """Trades of other symbols give no line."""
    tape = Tape(["ETH-USDT"])
    assert list(tape.lines(message())) == []
    assert len(list(tape.lines(message(symbol="ETH-USDT")))) == 1


def test_missed_trades_are_told() -> None:
    """A jump in the numbers gives a line with how many; a new epoch says that it is one."""
    tape = Tape()
    list(tape.lines(message(seq=7)))
    missed, _ = tape.lines(message(seq=10))
    assert missed == "-- 2 trades of BTC-USDT not seen"
    assert len(list(tape.lines(message(seq=11)))) == 1
    anew, _ = tape.lines(message(seq=1, epoch="e2"))
    assert anew == "-- BTC-USDT starts anew"


def test_other_messages_are_silent_and_errors_are_not() -> None:
    """Greetings and heartbeats print nothing, an error of the feed is passed on."""
    tape = Tape()
    assert list(tape.lines('{"type":"heartbeat"}')) == []
    assert list(tape.lines('{"type":"error","message":"slow"}')) == ["-- the feed says: slow"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "1", '{"type":"trade"}', '{"type":"trade","data":{"seq":0}}']
)
def test_what_is_no_message_of_the_feed_is_refused(text: str) -> None:
    """Another service's words are not printed as if they were trades."""
    with pytest.raises(MessageError):
        list(Tape().lines(text))
