"""The command line: names, help and refusals, without starting anything."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tapewire.cli import SUBCOMMANDS, main
from tapewire.client import RequestRefused, SyncVenueClient
from tapewire.runtime import venue_address
from tests.support.running.processes import free_port


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_explains_itself(name: str) -> None:
    """Each listed command exists and has a help text."""
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"Usage: main {name}" in result.output


def test_help_lists_the_subcommands() -> None:
    """A newcomer sees all commands with a line each."""
    result = CliRunner().invoke(main, ["--help"])
    for name, (_, _, line) in SUBCOMMANDS.items():
        assert name in result.output
        assert line in result.output


def test_an_unknown_command_is_refused() -> None:
    """A misspelt command gives the usage and a non-zero status."""
    result = CliRunner().invoke(main, ["upp"])
    assert result.exit_code == 2
    assert "No such command" in result.output


@pytest.mark.parametrize(
    "words", [["order", "buy", "BTC-USDT", "-1"], ["account", "deposit", "bob", "USDT", "-2.5"]]
)
def test_a_negative_number_is_refused_with_the_reason(words: list[str]) -> None:
    """Such a word looks like an option, so the sentence speaks of numbers too."""
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "it cannot be negative" in result.output


def test_a_venue_that_nobody_started_is_refused_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing answers at the default ports, so the sentence says how a venue is started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(venue_address.VENUE_VARIABLE, raising=False)
    monkeypatch.setattr(venue_address, "GATEWAY_PORT_DEFAULT", free_port())
    result = CliRunner().invoke(main, ["order", "show", "1"])
    assert result.exit_code == 1
    assert "; start a venue with `tapewire up`, or name one with --venue" in result.output


def test_a_missing_key_is_refused_with_the_option_that_gives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The venue speaks of a header, which a command line has not."""

    def refuse(*_: object, **__: object) -> None:
        raise RequestRefused(401, "key_required", "An API key is needed.")

    monkeypatch.setattr(SyncVenueClient, "order", refuse)
    result = CliRunner().invoke(main, ["order", "show", "1", "--venue", "http://127.0.0.1:9"])
    assert result.exit_code == 1
    assert "Give the command a key with --api-key-file FILE or TAPEWIRE_API_KEY." in result.output


@pytest.mark.parametrize(
    "options",
    [
        ["--gateway-port", "70000"],
        ["--gateway-port", "9000", "--market-data-port", "9000"],
        ["--gateway-workers", "0"],
        ["--fsync", "never"],
    ],
)
def test_options_out_of_range_are_refused(options: list[str]) -> None:
    """A bad option starts nothing and names itself."""
    result = CliRunner().invoke(main, ["up", *options])
    assert result.exit_code == 2
    assert options[0] in result.output


@pytest.mark.parametrize(
    ("variables", "options", "named"),
    [
        ({"TAPEWIRE_GATEWAY_PORT": "http"}, [], "TAPEWIRE_GATEWAY_PORT"),
        ({"TAPEWIRE_AUTH": "none"}, [], "TAPEWIRE_AUTH"),
        ({"TAPEWIRE_PAPER_BALANCES": "BTC"}, [], "TAPEWIRE_PAPER_BALANCES"),
        ({"TAPEWIRE_GATEWAY_PORT": "8001"}, [], "TAPEWIRE_GATEWAY_PORT and --market-data-port"),
        ({"REDIS_URL": "redis://h"}, ["--redis-port", "1"], "and REDIS_URL names"),
        ({"TAPEWIRE_CLOCK": "recorded"}, ["--demo"], "--demo and TAPEWIRE_CLOCK recorded"),
        (
            {"TAPEWIRE_CLOCK": "recorded"},
            ["--gateway-workers", "2"],
            "--gateway-workers must be 1 when TAPEWIRE_CLOCK is recorded",
        ),
        ({"TAPEWIRE_AUTH": "none"}, ["--auth", "some"], "Invalid value for --auth"),
    ],
)
def test_a_wrong_variable_is_named_and_not_its_flag(
    variables: dict[str, str], options: list[str], named: str
) -> None:
    """A sentence names what the user wrote: the variable, or the flag that replaced it."""
    result = CliRunner(env=variables).invoke(main, ["up", *options])
    assert result.exit_code == 2
    assert named in " ".join(result.output.split())
    if not options:
        assert "--auth" not in result.output
        assert "--gateway-port" not in result.output
        assert "--paper-balances" not in result.output


@pytest.mark.parametrize("arguments", [["--help"], ["journal", "--help"], ["--version"]])
def test_a_full_standard_output_is_told(arguments: list[str]) -> None:
    """A disk that is full under `> FILE` gives a sentence and status 1, no traceback."""
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-P", "-m", "tapewire", *arguments]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60, text=True
        )
    assert done.returncode == 1
    assert done.stderr == ("Error: standard output cannot be written: No space left on device.\n")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense"])
def test_watch_refuses_what_is_no_feed_address(url: str) -> None:
    """An address that cannot be a WebSocket is said to be none."""
    result = CliRunner().invoke(main, ["watch", "--url", url])
    assert result.exit_code == 1
    assert "is not a WebSocket address" in result.output
    # The library's own query is no concern of a user.
    assert "channels" not in result.output
