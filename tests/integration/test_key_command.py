"""`tapewire key` as people call it, and what a gateway makes of its keys."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tapewire.api_keys.text import split_key
from tapewire.cli import main
from tests.support.running.key_venue import running_key_venue
from tests.support.wait import wait_for


def run(*arguments: str) -> Result:
    """The answer of `tapewire key ...`."""
    return CliRunner().invoke(main, ["key", *arguments])


def test_a_key_lives_from_the_command_line(venue_url: str, tmp_path: Path) -> None:
    """The first administrator makes one for a trader over REST; the end of both is told."""
    where = ["--redis-url", venue_url]
    made = run("create", "--account", "operator", "--permissions", "admin", *where)
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    parts = split_key(key)
    assert parts is not None
    key_id, secret = parts
    assert key_id in made.stderr
    assert secret not in made.stderr
    with running_key_venue(venue_url, tmp_path) as venue:
        wanted = {"account": "alice", "permissions": ["trade"]}
        headers = {"Authorization": f"Bearer {key}"}
        trader = venue.api.post("/v1/admin/keys", json=wanted, headers=headers).json()
        assert venue.ask("POST", "/v1/orders", trader["key"]).status_code == 201
        listed = run("list", *where).stdout
        assert secret not in listed
        lines = listed.splitlines()
        assert [line.split()[:4] for line in lines] == [
            [trader["key_id"], "active", "alice", "trade"],
            [key_id, "active", "operator", "admin"],
        ]
        revoked = run("revoke", key_id, *where)
        assert revoked.stdout == f"key {key_id} of operator is revoked\n"
        wait_for(
            lambda: venue.api.get("/v1/admin/keys", headers=headers).status_code == 401,
            "the key is refused",
        )
    assert f"{key_id}  revoked  operator" in run("list", *where).output


def test_a_key_may_end_by_itself(venue_url: str) -> None:
    """A key may have an expiry and a label."""
    where = ["--redis-url", venue_url]
    options = ["--account", "alice", "--permissions", "trade,read", "--expires-in-days", "30"]
    assert run("create", *options, "--label", "my bot", *where).exit_code == 0
    (line,) = run("list", *where).stdout.splitlines()
    assert "read,trade" in line
    assert "  expires 20" in line
    assert line.endswith("  my bot")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--account", "@fees", "--permissions", "read"], "1 to 64 letters"),
        (["--account", "a", "--permissions", "root"], "some of read, trade and admin"),
        (["--account", "a", "--permissions", ""], "some of read, trade and admin"),
        (["--account", "a"], "--permissions"),
        (["--account", "a", "--permissions", "read", "--expires-in-days", "0"], "from 1 to 3,650"),
        (["--account", "a", "--permissions", "read", "--label", "a\nb"], "printable ASCII"),
    ],
)
def test_wrong_usage_is_a_sentence(venue_url: str, options: list[str], sentence: str) -> None:
    """Status 2, and no key is made."""
    result = run("create", *options, "--redis-url", venue_url)
    assert result.exit_code == 2
    assert sentence in result.output
    listed = run("list", "--redis-url", venue_url)
    assert (listed.stdout, "There are no keys" in listed.stderr) == ("", True)


def test_what_cannot_be_done_is_a_sentence(venue_url: str) -> None:
    """Status 1: an unknown key, a Redis that is away."""
    unknown = run("revoke", "nothing", "--redis-url", venue_url)
    assert (unknown.exit_code, unknown.output.splitlines()[-1]) == (1, "Error: No key has this id.")
    away = run("list", "--redis-url", "redis://127.0.0.1:1/0")
    assert away.exit_code == 1
    assert "does not answer" in away.output
