"""`tapewire account` as people call it, on the Redis of a venue."""

import asyncio

import pytest
from click.testing import CliRunner, Result

from tapewire.cli import main
from tests.support.venue import ALICE, BTC, Venue


def run(*arguments: str) -> Result:
    """The answer of `tapewire account ...`."""
    return CliRunner().invoke(main, ["account", *arguments])


def done(*arguments: str) -> list[str]:
    """The lines of a command that must be done."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


@pytest.fixture
def where(venue_url: str) -> list[str]:
    """Which Redis."""
    return ["--redis-url", venue_url]


def test_money_goes_in_and_out(where: list[str]) -> None:
    """A deposit opens the account; the same reference is done once."""
    assert done("list", *where) == ["account  state   total", "@fees    active"]
    lines = done("deposit", "alice", "USDT", "2500.5", "--reference", "w-1", *where)
    assert lines == ["available to alice: 2500.50000000 USDT"]
    again = done("deposit", "alice", "USDT", "2500.5", "--reference", "w-1", *where)
    assert again == ["done before under this reference; nothing was moved now", *lines]
    done("deposit", "alice", "BTC", "3", *where)
    lines = done("withdraw", "alice", "USDT", "500", *where)
    assert lines == ["available to alice: 2000.50000000 USDT"]
    assert done("list", *where) == [
        "account  state   total",
        "@fees    active",
        "alice    active  3.00000000 BTC, 2000.50000000 USDT",
    ]


def test_an_account_is_shown_with_its_fees_and_limits(where: list[str]) -> None:
    """What it has of its own, and where the instrument counts."""
    done("deposit", "alice", "USDT", "10", *where)
    done("deposit", "alice", "BTC", "1.5", *where)
    done("fees", "alice", "--taker", "250", *where)
    done("limits", "alice", BTC, "--position", "2", "--order-notional", "0", *where)
    lines = done("limits", "alice", BTC, "--open-orders", "7", *where)
    assert lines == done("show", "alice", *where)
    assert lines[0] == "account  alice"
    assert lines[1].startswith("state    active, opened 20")
    limits = (
        "limits   BTC-USDT: open orders 7, order quantity as the instrument, order notional none, "
        "position 2.00000"
    )
    assert lines[2:] == [
        "fees     maker as the instrument, taker 250 ppm",
        "",
        "        available        held        total",
        "BTC    1.50000000  0.00000000   1.50000000",
        "USDT  10.00000000  0.00000000  10.00000000",
        limits,
    ]
    lines = done("fees", "alice", "--taker", "default", "--maker", "0", *where)
    assert "fees     maker 0 ppm, taker as the instrument" in lines
    lines = done("limits", "alice", BTC, "--position", "default", *where)
    assert lines[-1].endswith("position as the instrument")


async def test_a_killed_account_is_blocked_and_has_no_orders(venue: Venue, redis_url: str) -> None:
    """Until it is unblocked; its order says why it ended."""
    order = await venue.buy(10, 100)
    where = ["--redis-url", redis_url]
    lines = await asyncio.to_thread(done, "kill", "alice", *where)
    assert lines == ["alice is blocked; orders canceled: 1"]
    assert (await venue.order(order)).reason == "kill"
    assert (await venue.queries.account(ALICE)).state == "blocked"
    assert await asyncio.to_thread(done, "unblock", "alice", *where) == ["alice is active"]
    assert await asyncio.to_thread(done, "block", "alice", *where) == ["alice is blocked"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "a b"], "an account must be one name"),
        (["deposit", "alice", "USDT", "x"], "amount must be a plain positive decimal"),
        (["deposit", "alice", "USDT", "0"], "more than zero"),
        (["deposit", "alice", "USDT", "0.000000001"], "more than the 8 decimals of USDT"),
        (
            ["deposit", "alice", "GOLD", "1"],
            "'GOLD' is not an asset of this venue; its assets are BTC",
        ),
        (["deposit", "alice", "USDT", "1", "--reference", "a b"], "reference must be"),
        (["block", "@fees"], "an account must be one name"),
        (["fees", "alice"], "name at least one of --maker, --taker"),
        (["fees", "alice", "--maker", "100001"], "a whole number from 0 to 100000"),
        (["limits", "alice", "BTC-USDT"], "name at least one of --open-orders"),
        (["limits", "alice", "BTC-USDT", "--position", "0.000001"], "multiple of 0.00001"),
        (["limits", "alice", "NONE", "--position", "1"], "'NONE' is not traded here"),
        (["limits", "alice", "BTC-USDT", "--open-orders", "many"], "a whole number from 0"),
        (["pay", "alice"], "No such command"),
    ],
)
def test_wrong_words_end_with_status_two(where: list[str], words: list[str], said: str) -> None:
    """The command says what is wrong."""
    result = run(*words, *where)
    assert (result.exit_code, said in " ".join(result.output.split())) == (2, True), result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "nobody"], "no account of this name"),
        (["kill", "nobody"], "no account of this name"),
        (["withdraw", "@fees", "USDT", "1"], "available balance is too small"),
    ],
)
def test_what_the_venue_refuses_ends_with_status_one(
    where: list[str], words: list[str], said: str
) -> None:
    """In one sentence."""
    result = run(*words, *where)
    assert (result.exit_code, said in result.output) == (1, True), result.output


def test_a_redis_that_is_not_there_is_told() -> None:
    """At once, with status one."""
    result = run("list", "--redis-url", "redis://127.0.0.1:1/0")
    assert result.exit_code == 1
    assert "Error: " in result.output
