"""The command line: names, help and refusals, without starting anything."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from tapewire import errors
from tapewire.cli import SUBCOMMANDS, main
from tapewire.client import RequestRefused, SyncVenueClient
from tapewire.commands.words import name_commands
from tapewire.runtime import venue_address
from tapewire.runtime.ports import free_port

ROOT = Path(__file__).parents[3]
ROUTE = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) /")


def test_a_venue_that_is_named_by_its_url_is_said_once() -> None:
    """The name and the URL are the same text."""
    url = f"http://127.0.0.1:{free_port()}"
    result = CliRunner().invoke(main, ["order", "show", "1", "--venue", url])
    assert result.stderr.splitlines()[0] == f"venue: {url}"


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_explains_itself(name: str) -> None:
    """Each listed command exists and has a help text."""
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"Usage: main {name}" in result.output


def test_the_version_is_that_of_the_package() -> None:
    """`tapewire --version` says it without reading the metadata of the installed package."""
    assert metadata.version("tapewire") in CliRunner().invoke(main, ["--version"]).output


def test_up_imports_no_service_and_no_keys() -> None:
    """A start of the launcher is short, because it imports what nearly every venue needs."""
    code = "import sys, tapewire.cli, tapewire.commands.up; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unwanted = {"pydantic_settings", "fastapi", "uvicorn", "tapewire.api_keys.store"}
    assert not unwanted & set(done.stdout.split())


def test_help_lists_the_subcommands() -> None:
    """A newcomer sees all commands with a line each."""
    result = CliRunner().invoke(main, ["--help"])
    for name, (_, _, line) in SUBCOMMANDS.items():
        assert name in result.output
        assert line in result.output


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("upp", "No such command 'upp'. Did you mean `tapewire up`?"),
        ("buy", "No such command 'buy'. Did you mean `tapewire order buy`?"),
        ("halt", "No such command 'halt'. Did you mean `tapewire market halt`?"),
        ("xyzzy", "No such command 'xyzzy'."),
    ],
)
def test_an_unknown_command_is_refused_with_the_commands_that_may_be_meant(
    word: str, said: str
) -> None:
    """A misspelt command, or a command of a group without the group."""
    result = CliRunner().invoke(main, [word, "BTC-USDT"])
    assert (result.exit_code, said in result.output) == (2, True), result.output


@pytest.mark.parametrize(
    "words",
    [
        ["order", "buy", "BTC-USDT", "-15"],
        ["order", "sell", "BTC-USDT", "1", "-.5"],
        ["order", "buy", "BTC-USDT", "-0", "100"],
        ["account", "deposit", "bob", "USDT", "-2.5"],
    ],
)
def test_a_negative_number_is_refused_with_the_reason(words: list[str]) -> None:
    """Such a word looks like an option, but the sentence speaks of the number."""
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    number = next(word for word in words if word.startswith("-"))
    assert f"Error: {number} cannot be used here" in result.output
    assert "it cannot be negative" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["candles", "X", "--limit", "0"], "0 is not a whole number from 1 to 1,000."),
        (["candles", "X", "--limit", "many"], "many is not a whole number from 1 to 1,000."),
        (["contest", "results", "0"], "0 is not a whole number of at least 1."),
    ],
)
def test_a_number_beyond_its_bounds_is_refused_in_plain_words(words: list[str], said: str) -> None:
    """The sentence has the bounds as a reader says them; so has the help text."""
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, said in result.output) == (2, True), result.output
    shown = " ".join(CliRunner().invoke(main, ["candles", "--help"]).output.split())
    assert "[default: 60; from 1 to 1,000]" in shown


def test_errors_of_commands_name_commands_in_place_of_routes() -> None:
    """Each route in an error text of a service has its command; `unknown_symbol` is one of them."""
    texts = [
        text
        for folder in ("order-gateway/src", "market-data/src", "shared/src/tapewire/matching")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for text in raised_texts(ast.parse(path.read_text("utf-8")))
    ]
    assert len(texts) > 100
    for text in texts:
        assert not ROUTE.search(name_commands(text)), text
    assert any("`tapewire instruments`" in name_commands(text) for text in texts)


def raised_texts(module: ast.Module) -> Iterator[str]:
    """The texts among the arguments of exceptions that a module makes."""
    for call in ast.walk(module):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            made = getattr(errors, call.func.id, None)
            if isinstance(made, type) and issubclass(made, Exception):
                for part in ast.walk(call):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value


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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", "--redis-url", "redis://[::1"], "REDIS_URL: the host is not valid"),
        (["doctor", "--venue", "redis://[::1"], "REDIS_URL: the host is not valid"),
        (["status", "--venue", "http://[::1"], "is not the URL of a gateway"),
        (["book", "BTC-USDT", "--venue", "http://ü_b:80"], "is not a URL"),
        (["tape", "--url", "ws://[::1"], "is not the URL of a feed"),
        (["tape", "--url", "ws://h:x"], "is not the URL of a feed"),
        (["tape", "--url", "ws://ü..b"], "is not a WebSocket address"),
    ],
)
def test_a_malformed_url_is_refused_with_a_sentence(words: list[str], said: str) -> None:
    """A URL that Python or a library cannot take apart ends the command without a traceback."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, words)
    assert isinstance(result.exception, SystemExit)
    assert said in result.output


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense"])
def test_watch_refuses_what_is_no_feed_address(url: str) -> None:
    """An address that cannot be a WebSocket is said to be none."""
    result = CliRunner().invoke(main, ["watch", "--url", url])
    assert result.exit_code == 1
    assert "is not a WebSocket address" in result.output
    # The library's own query is no concern of a user.
    assert "channels" not in result.output


def test_commands_of_a_gateway_start_without_what_services_need() -> None:
    """redis-py alone would take a third of the time of a start."""
    modules = ("contest", "export", "history", "instrument", "market", "order", "prices", "replay",
               "tape")  # fmt: skip
    imports = "; ".join(f"import tapewire.commands.{name}" for name in modules)
    heavy = ("fastapi", "opentelemetry", "pandas", "pydantic", "redis", "tapewire.matching",
             "uvicorn")  # fmt: skip
    program = f"import sys; {imports}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ("USDT", "'USDT' is not ASSET=AMOUNT, such as USDT=50000"),
        ("BTC=1,BTC=2", "BTC has two amounts"),
        ("BTC=-1", "'BTC=-1': BTC must be a plain positive decimal"),
    ],
)
def test_balances_that_cannot_be_read_are_refused_before_anything_starts(
    amounts: str, said: str
) -> None:
    """The sentence shows the form, or the asset at fault."""
    result = CliRunner().invoke(main, ["up", "--paper-balances", amounts])
    assert (result.exit_code, said in " ".join(result.output.split())) == (2, True), result.output
