"""The instrument file: read exactly, or refused with source, line and reason."""

from pathlib import Path

import pytest

from tapewire.errors import ConfigurationError
from tapewire.limits import EXACT_INTEGER_MAX, OPEN_ORDERS_MAX
from tapewire.values.instrument_entry import InstrumentEntry
from tapewire.values.instruments import load_instruments, packaged_instruments, parse_instruments
from tapewire.values.types import Symbol

GOOD = {
    "symbol": '"ACME"',
    "base": '"ACME"',
    "quote": '"USD"',
    "tick_size": '"0.25"',
    "lot_size": '"1"',
    "min_quantity": '"1"',
    "max_quantity": '"1000"',
}


def write(**changes: str | None) -> str:
    """One table, with fields replaced, added, or left out (None)."""
    fields = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return "[[instrument]]\n" + "\n".join(f"{name} = {value}" for name, value in fields.items())


def test_the_packaged_three_pairs_are_good() -> None:
    """What comes with Tapewire passes its own checks."""
    instruments = packaged_instruments()
    assert list(instruments) == ["BTC-USDT", "ETH-USDT", "SOL-USDT"]
    for instrument in instruments.values():
        assert instrument.price_ticks_max * instrument.quantity_lots_max <= EXACT_INTEGER_MAX


def test_sizes_become_integers() -> None:
    """A step of 0.25 is 25 hundredths; bounds are counted in steps."""
    acme = parse_instruments(write(min_notional='"10"', max_price='"500"'), "x")[Symbol("ACME")]
    assert (acme.tick_units, acme.price_decimals) == (25, 2)
    assert (acme.lot_units, acme.quantity_decimals) == (1, 0)
    assert (acme.quantity_lots_min, acme.quantity_lots_max) == (1, 1_000)
    assert acme.price_ticks_max == 2_000
    assert acme.notional_min == 40


def test_a_market_may_start_with_bounds() -> None:
    """Percent becomes hundredths of a percent; without them there is no band and a wide bound."""
    text = write(price_band='"7.25"', open_orders_max="500")
    acme = parse_instruments(text, "x")[Symbol("ACME")]
    assert (acme.band_bps, acme.open_orders_max) == (725, 500)
    plain = parse_instruments(write(), "x")[Symbol("ACME")]
    assert (plain.band_bps, plain.open_orders_max) == (0, OPEN_ORDERS_MAX)


def test_an_instrument_may_accept_fees_below_a_unit() -> None:
    """The instrument accepts such fees, or its amounts are large enough for the rate."""
    coarse = write(base_decimals="0", maker_fee_ppm="5", allow_coarse_fees="true")
    assert parse_instruments(coarse, "x")[Symbol("ACME")].maker_fee_ppm == 5
    large = write(quote_decimals="2", min_notional='"100"', taker_fee_ppm="100")
    assert parse_instruments(large, "x")[Symbol("ACME")].taker_fee_ppm == 100


def test_what_may_be_left_out_may_be_null() -> None:
    """In the body of an admin call, null is the same as nothing."""
    fields = {name: text.strip('"') for name, text in GOOD.items()}
    names = [name for name, field in InstrumentEntry.model_fields.items() if field.default is None]
    entry = InstrumentEntry.model_validate(fields | dict.fromkeys(names))
    assert names
    assert entry == InstrumentEntry.model_validate(fields)


def test_a_minimum_notional_between_two_steps_is_rounded_up() -> None:
    """An order of exactly the minimum must never be let in below it."""
    assert parse_instruments(write(min_notional='"0.30"'), "x")[Symbol("ACME")].notional_min == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 to 1000"),
        ("[[instrument]", "line 1"),
        ("x = 1", "unknown table 'x'"),
        ("[instrument]", "1 to 1000"),
        (write(symbol='"btc usdt"'), "line 1: symbol"),
        (write(symbol="1"), "line 1: symbol"),
        (write(colour='"red"'), "line 1: colour"),
        (write(lot_size=None), "line 1: lot_size: Field required"),
        (write(tick_size="0.25"), "line 1: tick_size"),
        (write(tick_size='"0"'), "tick_size must be greater than zero"),
        (write(base='"USD"'), "quote must be another asset than base"),
        (write(tick_size='"1e-2"'), "tick_size must be a plain positive decimal"),
        (write(tick_size='"-1"'), "tick_size must be a plain positive decimal"),
        (write(min_quantity='"0.5"'), "min_quantity must be a multiple of 1"),
        (write(min_quantity='"0"'), "min_quantity must be at least one lot"),
        (write(min_quantity='"2000"'), "at most max_quantity"),
        (write(max_price='"0.30"'), "max_price must be a multiple of 0.25"),
        (write(max_price='"9007199254740992"'), "max_price"),
        (write(max_quantity='"99999999999999999"'), "max_quantity is too large"),
        (write(min_notional='"0.001"'), "min_notional is finer"),
        (write(price_band='"-1"'), "price_band must be a plain positive decimal"),
        (write(price_band='"0.001"'), "price_band must be 0 to 1000.00 percent"),
        (write(price_band='"1000.01"'), "price_band must be 0 to 1000.00 percent"),
        (write(price_band="10"), "line 1: price_band"),
        (
            write(base_decimals="0", maker_fee_ppm="100000"),
            "line 1: maker_fee_ppm 100000 takes less than one unit (1 ACME) of one lot, 1 ACME",
        ),
        (
            write(quote_decimals="2", taker_fee_ppm="300"),
            "one unit (0.01 USD) of the smallest order, 0.25 USD",
        ),
        (write(open_orders_max="0"), "line 1: open_orders_max"),
        (write(open_orders_max="1000001"), "line 1: open_orders_max"),
        (write(open_orders_max='"5"'), "line 1: open_orders_max"),
        (write() + "\n" + write(), "line 9: symbol ACME stands twice"),
        ("# one\n\n" + write(lot_size='"x"'), "line 3: lot_size"),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_reason(text: str, reason: str) -> None:
    """The sentence says where and why."""
    with pytest.raises(ConfigurationError) as caught:
        parse_instruments(text, "shares.toml")
    assert "shares.toml" in str(caught.value)
    assert reason in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The path is in the sentence."""
    with pytest.raises(ConfigurationError, match=r"none\.toml: No such file or directory$"):
        load_instruments(tmp_path / "none.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are no instrument file."""
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_instruments(path)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    """A path takes the place of the packaged file."""
    path = tmp_path / "shares.toml"
    path.write_text(write(), "utf-8")
    assert list(load_instruments(path)) == ["ACME"]
