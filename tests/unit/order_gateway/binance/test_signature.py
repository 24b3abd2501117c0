"""Signatures and times of calls of the Binance surface."""

import pytest

from order_gateway.binance.errors import BinanceError
from order_gateway.binance.fields import Fields
from order_gateway.binance.signature import (
    check_signature,
    check_time,
    form_payload,
    json_payload,
    sign,
)
from tapewire.values.json_text import NumberText

NOW_MS = 1_700_000_000_000


def test_a_form_is_signed_as_it_was_sent() -> None:
    """The vector that clients of the interface were measured with."""
    payload = b"symbol=BTCUSDT&timestamp=1700000000000"
    assert sign("secret", payload) == (
        "6244d11c958f45ac56733152cb3cb1831d23a2b3709b3a88b8b42a072aceb410"
    )


def test_parameters_over_websocket_are_signed_sorted_with_their_literals() -> None:
    """Numbers keep their text, booleans are words, and the API key is signed with them."""
    params = {
        "timestamp": NumberText("1700000000000"), "signature": "x", "returnRateLimits": False,
        "price": NumberText("100.10"), "apiKey": "key", "nothing": None,
    }  # fmt: skip
    assert sign("secret", json_payload(params)) == (
        "21609a226d4870762ac2afe388b6b676efafe5d41c6213dae3eb64ec4202db98"
    )


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"a=1&signature=x", b""), (b"signature=x&a=1", b""), (b"", b"a=1&signature=x"),
        (b"signature=x", b"a=1"), (b"a=1", b"signature=x"),
    ],
)  # fmt: skip
def test_the_signature_itself_is_not_signed(query: bytes, body: bytes) -> None:
    """The pair is removed wherever it stands; query and body are joined with nothing between."""
    assert form_payload(query, body) == b"a=1"
    assert form_payload(b"a=%20b", b"c=2") == b"a=%20bc=2"


def test_a_signature_is_hexadecimal_in_any_case() -> None:
    """Upper case is accepted; another text, of any characters, is -1022."""
    good = sign("secret", b"a=1")
    check_signature("secret", b"a=1", good.upper())
    for bad in ("", good[:-1], "é" * 64, sign("other", b"a=1")):
        with pytest.raises(BinanceError) as refused:
            check_signature("secret", b"a=1", bad)
        assert refused.value.code == -1022


@pytest.mark.parametrize(
    "timestamp", [NOW_MS, NOW_MS - 5_000, NOW_MS + 999, NOW_MS * 1_000, NOW_MS * 1_000 - 4_000_000]
)
def test_a_call_of_this_moment_is_taken(timestamp: int) -> None:
    """In milliseconds and in microseconds."""
    check_time(Fields({"timestamp": str(timestamp)}), NOW_MS)


@pytest.mark.parametrize(
    "timestamp", [NOW_MS - 5_001, NOW_MS + 1_000, NOW_MS // 1_000, NOW_MS * 1_000 - 6_000_000, 0]
)
def test_a_call_of_another_moment_is_refused(timestamp: int) -> None:
    """Too old, ahead of the venue, in seconds."""
    with pytest.raises(BinanceError) as refused:
        check_time(Fields({"timestamp": str(timestamp)}), NOW_MS)
    assert refused.value.code == -1021
    assert refused.value.text == "Timestamp for this request is outside of the recvWindow."


def test_the_window_is_the_client_s_up_to_a_minute() -> None:
    """60,000 ms at most; a fraction has microseconds."""
    fields = {"timestamp": str(NOW_MS - 50_000)}
    check_time(Fields(fields | {"recvWindow": "60000"}), NOW_MS)
    check_time(Fields(fields | {"recvWindow": "50000.5"}), NOW_MS)
    for window, code in (("49999", -1021), ("60001", -1131), ("x", -1100), ("-1", -1100)):
        with pytest.raises(BinanceError) as refused:
            check_time(Fields(fields | {"recvWindow": window}), NOW_MS)
        assert refused.value.code == code
    with pytest.raises(BinanceError) as refused:
        check_time(Fields({}), NOW_MS)
    assert refused.value.code == -1102
