"""Names of symbols at the Binance surface."""

from tapewire.binance.symbols import BinanceSymbols, binance_symbol
from tapewire.values.types import Symbol


def test_a_name_has_no_separators() -> None:
    """Hyphens and dots are stripped, letters are upper case."""
    assert binance_symbol("BTC-USDT") == "BTCUSDT"
    assert binance_symbol("Brk.b-usd") == "BRKBUSD"


def test_both_names_reach_a_symbol() -> None:
    """The venue's own one and Binance's, but no other."""
    symbols = BinanceSymbols([Symbol("BTC-USDT"), Symbol("ETH-USDT")])
    assert symbols["BTCUSDT"] == symbols["BTC-USDT"] == "BTC-USDT"
    assert symbols.get("BTC_USDT") is None
    assert symbols.shown["ETH-USDT"] == "ETHUSDT"


def test_an_ambiguous_name_reaches_no_symbol() -> None:
    """Two symbols with one Binance name keep their own symbols."""
    symbols = BinanceSymbols([Symbol("AB-C"), Symbol("A-BC")])
    assert "ABC" not in symbols
    assert symbols["AB-C"] == "AB-C"
    assert symbols.shown["A-BC"] == "A-BC"
