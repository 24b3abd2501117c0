"""`tapewire replay`: its options, its report and its plain sentences."""

import itertools
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tapewire.cli import main
from tapewire.replay.recording import Format
from tests.support.transport.scripted_gateway import Request, reply, scripted_gateway

CSV = """time_us,action,id,side,price,quantity
0,add,a,buy,1,1
0,add,b,buy,1,1
5,cancel,a,,,
"""
BITSTAMP = """1 order_book {"bids": [["9", "1"]], "asks": []}
2 order_created {"price": "1", "amount": "1", "id": 1, "order_type": 0}
"""


def run(path: Path, *options: str) -> tuple[Result, list[Request]]:
    """Run the command against a venue with one instrument that takes and cancels everything."""
    order_ids = itertools.count(1)

    def answer(request: Request) -> bytes:
        if request.method == "GET":
            return reply(200, {"instruments": [{"symbol": "X-Y"}]})
        if request.method == "DELETE":
            return reply(200, {"remaining_quantity": "1"})
        return reply(201, {"order_id": str(next(order_ids)), "fills": []})

    with scripted_gateway(answer) as gateway:
        arguments = ["replay", str(path), "--gateway", gateway.url, *options]
        result = CliRunner().invoke(main, arguments)
    return result, gateway.requests


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    """A small recording of our own format."""
    path = tmp_path / "flow.csv"
    path.write_text(CSV)
    return path


def test_it_plays_and_reports(flow: Path) -> None:
    """Orders, trades, cancels, refusals and rate are told."""
    result, requests = run(flow, "--symbol", "X-Y")

    assert result.exit_code == 0, result.output
    assert [request.method for request in requests] == ["GET", "POST", "POST", "DELETE"]
    for line in ("orders            2", "trades            0", "cancels           1", "rate"):
        assert line in result.output


def test_limit_and_seed_choose_the_steps(tmp_path: Path) -> None:
    """--no-seed leaves the seed out, --limit counts only what follows it."""
    path = tmp_path / "flow.log"
    path.write_text(BITSTAMP)

    _, with_seed = run(path, "--symbol", "X-Y", "--limit", "1")
    _, without = run(path, "--symbol", "X-Y", "--no-seed")

    assert [request.account for request in with_seed[1:]] == ["replay-seed", "replay-buy"]
    assert [request.account for request in without[1:]] == ["replay-buy"]


def test_the_limit_counts_requests(tmp_path: Path) -> None:
    """Recorded trades do not use up --limit, and a trade behind the last request still counts."""
    path = tmp_path / "flow.log"
    trade = '2 trade {"price": 1, "amount": 1, "id": 9}\n'
    path.write_text(BITSTAMP + trade * 3 + BITSTAMP.splitlines()[1].replace('"id": 1', '"id": 2'))

    result, requests = run(path, "--symbol", "X-Y", "--limit", "1")
    assert [request.method for request in requests] == ["GET", "POST", "POST"]
    assert "the 3 recorded" in result.output
    _, requests = run(path, "--symbol", "X-Y", "--limit", "2")
    assert len(requests) == 4


def test_a_comparison_without_the_seed_is_marked(tmp_path: Path) -> None:
    """The report says that a score means nothing, and why."""
    path = tmp_path / "flow.log"
    path.write_text(BITSTAMP + '2 trade {"price": 1, "amount": 1, "id": 9}\n')

    result, _ = run(path, "--symbol", "X-Y", "--no-seed")
    assert "this comparison means nothing: the replay began without the book" in result.output
    result, _ = run(path, "--symbol", "X-Y")
    assert "means nothing" not in result.output


def test_help_names_every_format() -> None:
    """Each format that is recognised is described."""
    text = CliRunner().invoke(main, ["replay", "--help"]).output.lower()
    assert all(item.value in text.partition("options:")[0] for item in Format)


@pytest.mark.parametrize(
    ("options", "status", "sentence"),
    [
        ((), 1, "pass --symbol"),
        (("--symbol", "Z"), 1, "the venue does not trade Z, only X-Y"),
        (("--symbol", "X-Y", "--format", "lobster"), 1, "line 1 is not a LOBSTER message"),
        (("--symbol", "X-Y", "--speed", "fast"), 2, "neither"),
        (("--symbol", "X-Y", "--speed", "0"), 2, "neither"),
        (("--symbol", "X-Y", "--gateway", "https://x"), 1, "it must be http://HOST:PORT"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    flow: Path, options: tuple[str, ...], status: int, sentence: str
) -> None:
    """A wrong option or file ends with a status and a sentence, without a traceback."""
    result, _ = run(flow, *options)

    assert result.exit_code == status
    assert sentence in result.output
    assert "Traceback" not in result.output
