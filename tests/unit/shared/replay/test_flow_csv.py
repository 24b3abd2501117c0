"""Tapewire's own recording format: every action, every refusal, and the example in the docs."""

import re
from pathlib import Path

import pytest

from tapewire.replay.flow_csv import COLUMNS, read_flow_csv
from tapewire.replay.steps import Cancel, Enter, ReplayError
from tapewire.values.types import OrderType, Side

HEADER = ",".join(COLUMNS)
DOCUMENT = Path(__file__).resolve().parents[4] / "docs/replay.md"


def test_every_action_is_read() -> None:
    """Each action becomes its step, decimals stay text."""
    steps = read_flow_csv(
        [
            HEADER,
            "0,add,a1,buy,99.50,2",
            "10,ioc,a2,sell,99.5,1",
            "10,fok,a3,sell,99.5,1",
            "11,market,a4,sell,,1",
            "12,cancel,a1,,,",
        ]
    )

    assert steps == [
        Enter(0, "a1", Side.BUY, OrderType.LIMIT, "2", "99.50"),
        Enter(10, "a2", Side.SELL, OrderType.IOC, "1", "99.5"),
        Enter(10, "a3", Side.SELL, OrderType.FOK, "1", "99.5"),
        Enter(11, "a4", Side.SELL, OrderType.MARKET, "1", None),
        Cancel(12, "a1"),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,add,a2,buy,1,1", "time_us must be"),
        ("-1,add,a2,buy,1,1", "time_us must be"),
        (f"{2**53 + 1},add,a2,buy,1,1", "time_us must be"),
        (f"{'9' * 5_000},add,a2,buy,1,1", "time_us must be"),
        ("4,add,a2,buy,1,1", "runs backwards"),
        ("5,add,,buy,1,1", "id is missing"),
        ("5,add,a1,buy,1,1", "used before"),
        ("5,amend,a2,buy,1,1", "action must be"),
        ("5,add,a2,long,1,1", "side must be"),
        ("5,add,a2,buy,1,", "quantity is missing"),
        ("5,add,a2,buy,,1", "a market order has no price"),
        ("5,market,a2,buy,1,1", "a market order has no price"),
        ("5,cancel,a9,,,", "nothing to cancel"),
        ("5,cancel,a1,buy,,", "a cancel has only"),
        ("5,add,a2,buy,1", "6 columns"),
        ("5,add,a2,buy,1,1,1", "6 columns"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(row: str, reason: str) -> None:
    """The error names the line and the reason."""
    with pytest.raises(ReplayError, match=rf"line 3: .*{reason}"):
        read_flow_csv([HEADER, "5,add,a1,buy,1,1", row])


def test_broken_quoting_is_refused() -> None:
    """A quote that never ends raises ReplayError, not csv's own error."""
    with pytest.raises(ReplayError, match="after line 2: unexpected end"):
        read_flow_csv([HEADER, "5,add,a1,buy,1,1", '5,add,"a2'])


@pytest.mark.parametrize("lines", [[], ["time,action"], [f"{HEADER},more"]])
def test_a_wrong_header_is_refused(lines: list[str]) -> None:
    """The first line must be the columns, in order."""
    with pytest.raises(ReplayError, match="the first line must be time_us,"):
        read_flow_csv(lines)


def test_the_documented_example_is_valid() -> None:
    """What docs/replay.md shows as an example can be read."""
    example = re.search(r"```csv\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert example is not None

    steps = read_flow_csv(example[1].splitlines())

    assert len(steps) >= 5
    assert {type(step) for step in steps} == {Enter, Cancel}
