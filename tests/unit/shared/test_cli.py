"""The command line: names, help and refusals, without starting anything."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tapewire.cli import SUBCOMMANDS, main


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
