"""Decimal text and integers: exact both ways, and nothing else accepted."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapewire.errors import InvalidField
from tapewire.limits import DECIMAL_DIGITS_MAX, DECIMAL_FRACTION_DIGITS_MAX, EXACT_INTEGER_MAX
from tapewire.values.decimals import expand_exponent, format_units, parse_steps, parse_units


@pytest.mark.parametrize(
    ("text", "decimals", "units"),
    [
        ("1.5", 2, 150),
        ("60000.00", 2, 6_000_000),
        ("000.10", 1, 1),
        ("7", 0, 7),
        ("0", 8, 0),
        ("1.005", 2, None),
        ("0.000000000001", 12, 1),
    ],
)
def test_plain_text_is_read_exactly(text: str, decimals: int, units: int | None) -> None:
    """Plain digits become units; a value between two units is None, never rounded."""
    assert parse_units(text, decimals, "price") == units


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".5", "1.", "1..2", "1,5", "-1", "+1", "1e3", "1E3", "NaN", "Infinity", "0x10",
        "1_000", " 1", "1 ", "1\n", "١٢", "1.5.2", "--1", "½",
    ],
)  # fmt: skip
def test_anything_else_is_no_decimal(text: str) -> None:
    """Signs, exponents, spaces, other scripts and words are refused with the field's name."""
    with pytest.raises(InvalidField, match="price must be a plain positive decimal") as caught:
        parse_units(text, 2, "price")
    assert (caught.value.code, caught.value.field) == ("invalid_decimal", "price")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1e-05", "0.00001"), ("1E3", "1000"), ("6E+4", "60000"), ("1.5e0", "1.5"),
        ("12.345e1", "123.45"), ("12.345e-1", "1.2345"), ("12.5e-2", "0.125"), ("1e-0", "1"),
        ("1.50e2", "150"), ("1.5", "1.5"), ("-1e3", "-1e3"), ("1e", "1e"), ("NaN", "NaN"),
        ("1e1000", "1e1000"),
    ],
)  # fmt: skip
def test_an_exponent_is_written_out(text: str, plain: str) -> None:
    """Digit by digit; what is no number with an exponent is left as it is."""
    assert expand_exponent(text) == plain


@given(st.integers(0, 10**17), st.integers(-999, 999))
def test_an_exponent_means_what_it_means_to_decimal(digits: int, exponent: int) -> None:
    """The value is the same as that of the text with its exponent."""
    text = f"{digits}e{exponent}"
    assert Decimal(expand_exponent(text)) == Decimal(text)


@pytest.mark.parametrize("text", ["9" * 400, "0." + "9" * 400, "1" + "0" * DECIMAL_DIGITS_MAX])
def test_too_many_digits_are_refused_unread(text: str) -> None:
    """Text that no instrument can need is refused by its length."""
    with pytest.raises(InvalidField) as caught:
        parse_units(text, 2, "quantity")
    assert caught.value.code == "too_many_digits"


def test_zeros_that_mean_nothing_do_not_count() -> None:
    """Leading and trailing zeros are no digits."""
    assert parse_units("0" * 400 + "1." + "0" * 400, 2, "price") == 100


@given(st.integers(0, 10**DECIMAL_DIGITS_MAX - 1), st.integers(0, DECIMAL_FRACTION_DIGITS_MAX))
def test_what_is_written_reads_back(units: int, decimals: int) -> None:
    """format_units and parse_units are inverse, and agree with Decimal."""
    text = format_units(units, decimals)
    assert Decimal(text) == Decimal(units).scaleb(-decimals)
    assert parse_units(text, decimals, "price") == units


@pytest.mark.parametrize(
    ("text", "steps"), [("0.25", 1), ("1", 4), ("1.50", 6), ("0", 0), ("1000000.75", 4_000_003)]
)
def test_a_multiple_of_the_step_is_counted(text: str, steps: int) -> None:
    """A step may be more than one unit of its last decimal."""
    assert parse_steps(text, 25, 2, "price", "off_tick") == steps


@pytest.mark.parametrize("text", ["0.26", "0.1", "0.255", "1.00000001"])
def test_what_lies_between_two_steps_is_refused(text: str) -> None:
    """The refusal has the caller's code and names the step."""
    with pytest.raises(InvalidField, match=r"price must be a multiple of 0\.25\.") as caught:
        parse_steps(text, 25, 2, "price", "off_tick")
    assert caught.value.code == "off_tick"


def test_steps_beyond_exact_doubles_are_out_of_range() -> None:
    """2^53 is the last count that Lua can hold."""
    assert parse_steps(str(EXACT_INTEGER_MAX), 1, 0, "quantity", "off_lot") == EXACT_INTEGER_MAX
    with pytest.raises(InvalidField) as caught:
        parse_steps(str(EXACT_INTEGER_MAX + 1), 1, 0, "quantity", "off_lot")
    assert caught.value.code == "out_of_range"
