"""`tapewire contest`: what an organiser does from a terminal."""

import json
import re

from click.testing import CliRunner

from tapewire.cli import main
from tests.support.running.gateway_pair import Desk


def run(desk: Desk, *words: str, status: int = 0) -> str:
    """Run a command against the first gateway; returns what it printed on standard output."""
    words = ("contest", *words, "--venue", str(desk.here.base_url))
    done = CliRunner().invoke(main, words, env={"TAPEWIRE_ACCOUNT": "ann"})
    assert done.exit_code == status, done.output
    return done.stdout


def test_an_organiser_runs_a_round_from_a_terminal(desk: Desk) -> None:
    """From the fresh start to the results, with a notice; each answer also as JSON."""
    desk.add_instrument("ACME-USD")
    desk.here.put("/v1/admin/leaderboard/options", json={"asset": "USD"})
    for account, side in (("ann", "sell"), ("ben", "buy")):
        desk.here.get("/v1/account", headers={"X-Account": account})
        body = {"symbol": "ACME-USD", "side": side, "order_type": "limit", "quantity": "1",
                "price": "100.00"}  # fmt: skip
        desk.here.post("/v1/orders", json=body, headers={"X-Account": account})
    assert run(desk, "round").startswith("there was no round yet")
    assert run(desk, "notice") == "no notices\n"
    assert json.loads(run(desk, "round", "--json")) is None
    assert "2 accounts" in run(desk, "fresh-start", "USD=1000,ACME=10", "--yes")
    assert "running" in run(desk, "start", "Round 1", "600")
    assert "auction ends" not in run(desk, "round")
    assert "sent: Good luck" in run(desk, "notice", "Good luck")
    assert "Good luck" in run(desk, "notice")
    for account, side in (("ann", "sell"), ("ben", "buy")):
        body = {"symbol": "ACME-USD", "side": side, "order_type": "limit", "quantity": "2",
                "price": "110.00"}  # fmt: skip
        desk.here.post("/v1/orders", json=body, headers={"X-Account": account})
    board = json.loads(run(desk, "leaderboard", "--json"))
    assert board["round"] == 1
    assert {row["name"] for row in board["ranks"]} == {"ann", "ben"}
    assert "ACME-USD" in run(desk, "performance")
    assert "admins see it 0 s late" in run(desk, "show", "--visibility", "admins")
    assert "the leaderboard to administrators only" in refused(desk, "leaderboard")
    assert "ben" in run(desk, "leaderboard", "--all")
    assert "Team Blue" in run(desk, "alias", "ann", "Team Blue")
    assert "ended" in run(desk, "end")
    run(desk, "show", "--visibility", "all")
    assert re.search(r"ben +-?[0-9]+[.][0-9]{2} ", run(desk, "results", "1")), "two decimals"
    assert "supply" in run(desk, "audit")


def refused(desk: Desk, *words: str) -> str:
    """What a command says on standard error when the venue refuses it."""
    words = ("contest", *words, "--venue", str(desk.here.base_url))
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1, done.output
    return done.stderr


def test_amounts_are_checked_before_anything_is_asked(desk: Desk) -> None:
    """A star or nonsense is a usage error, and the question is not even put."""
    for text in ("*=5", "USD", "USD=x"):
        run(desk, "fresh-start", text, "--yes", status=2)


def test_the_table_of_a_round_tells_when_its_auction_ends(desk: Desk) -> None:
    """The column is there if the round begins with an auction."""
    desk.add_instrument("ACME-USD")
    assert "auction ends (UTC)" in run(desk, "start", "Round 1", "600", "--auction", "60")
