"""The documents say what the code does. Machine paths and addresses: tests/test_tidy.py."""

import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
import yaml

from market_data.binance.names import ALL_SYMBOLS_CHANNELS, KLINES, SYMBOL_CHANNELS
from market_data.errors import CLOSE_MEANINGS, CloseCode
from tapewire import keys
from tapewire.cli import main
from tapewire.wire.feed_messages import MESSAGE_TYPES, UnknownMessage, decode_message
from tapewire.wire.orders import REASONS
from tests.support.house.captures import captured_commands
from tests.support.house.command_reference import every_command, option_rows
from tests.support.house.documents import (
    ROOT,
    blocks,
    broken_links,
    broken_tables,
    documents,
    json_values,
    prose,
    read,
    rule_numbers,
    section,
    site_documents,
    torn_paragraphs,
)
from tests.support.house.reference import PAGES
from tests.support.house.walkthrough import command_lines, tapewire_words
from tests.support.running.processes import (
    Service,
    child_environment,
    running_gateway,
    running_market_data,
)
from tests.support.wait import wait_for

PROTOCOL = "docs/protocol.md"


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_made_from_the_code(name: str) -> None:
    """The page equals what the code says; `make reference` writes it."""
    assert read(f"docs/reference/{name}") == PAGES[name]()


def test_the_reference_has_no_other_page() -> None:
    """Every page of the folder is made from the code."""
    assert {path.name for path in (ROOT / "docs" / "reference").iterdir()} == set(PAGES)


def test_every_close_code_has_a_meaning() -> None:
    """The table of close codes has each code that the feed closes with."""
    assert set(CloseCode) <= set(CLOSE_MEANINGS)


def test_every_option_is_explained() -> None:
    """No option of a command has an empty help text."""
    missing = [
        f"{name} {option}"
        for name, context in every_command().items()
        for option, text in option_rows(context)
        if not text
    ]
    assert missing == []


def check_command(words: list[str]) -> None:
    """Raise UsageError if `tapewire` has no such command, or the command no such option."""
    command: click.Command = main
    context = click.Context(main, info_name="tapewire")
    while isinstance(command, click.Group) and words and words[0][0].isalpha():
        below = command.get_command(context, words[0])
        if below is None:
            raise click.UsageError(f"{words[0]} is no command of {context.info_name}")
        command, words = below, words[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    known = {
        name
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    known |= {"--help", "--version"}
    for word in words:
        if word.startswith("--") and word.partition("=")[0] not in known:
            raise click.UsageError(f"{context.command_path} has no option {word}")


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_shown_exists(document: Path) -> None:
    """Commands and options of `tapewire` in code blocks, in captures and in the text."""
    text = document.read_text("utf-8")
    shown = [
        *command_lines(text),
        *captured_commands(text),
        *re.findall(r"`([^`\n]+)`", prose(text)),
    ]
    if document.name == "CHANGELOG.md":
        shown = []  # earlier versions had other commands
    for line in shown:
        words = tapewire_words(line)
        if words is not None:
            check_command(words)


def test_the_overview_names_every_command() -> None:
    """docs/commands.md has a row for each command of `tapewire --help`."""
    rows = "\n".join(line for line in read("docs/commands.md").splitlines() if line[:1] == "|")
    named = {name.split()[1] for name in every_command()} - {"completion"}  # in the text
    assert [
        name for name in sorted(named) if not re.search(rf"`(?:tapewire )?{name}\b", rows)
    ] == []


def alerts() -> dict[str, str]:
    """The runbook link of each alert."""
    groups = yaml.safe_load(read("deploy/prometheus/alerts.yml"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return {rule["alert"]: rule["annotations"]["runbook"] for rule in rules}


def test_every_alert_links_to_its_entry_in_the_runbook() -> None:
    """The runbook has a section for each alert, and for no other; the alert links to it."""
    entries = re.findall(r"^### (Tapewire\w+)$", read("docs/runbook.md"), re.MULTILINE)
    assert len(entries) > 10
    assert {name: f"docs/runbook.md#{name.lower()}" for name in entries} == alerts()


def test_every_message_has_a_true_example() -> None:
    """Each example of a feed message is one, and each type has an example."""
    text = section(read(PROTOCOL), "### Messages\n", "### Errors of requests")
    shown = set()
    for block in blocks(text, "json"):
        for message in json_values(block):
            decoded = decode_message(json.dumps(message))
            assert not isinstance(decoded, UnknownMessage), message
            shown.add(message["type"])
    assert shown == set(MESSAGE_TYPES)


def test_every_code_of_the_binance_surface_is_listed() -> None:
    """Each negative code in the code of both services stands in the tables of errors."""
    folders = ("order-gateway/src/order_gateway/binance", "market-data/src/market_data/binance")
    files = (path for folder in folders for path in (ROOT / folder).glob("*.py"))
    answered = set(re.findall(r"-[12]\d{3}\b", "\n".join(path.read_text() for path in files)))
    assert len(answered) > 20
    assert answered <= set(re.findall(r"-[12]\d{3}\b", read("docs/binance.md")))


def test_every_reason_of_an_ended_order_is_explained() -> None:
    """The table of reasons is that of the code, which has each reason that Lua writes."""
    text = section(read(PROTOCOL), "\n| `reason` |", "\n\n")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(REASONS)
    lua = (ROOT / "shared/src/tapewire/matching/lua").rglob("*.lua")
    lines = re.findall(
        r"^.*(?:\.reason\b.*=|end_(?:order|partner)\().*$",
        "\n".join(path.read_text() for path in lua),
        re.MULTILINE,
    )
    written = set(re.findall(r"'(\w+)'", "\n".join(lines))) - {"canceled"}
    assert {"immediate_or_cancel", "order_list"} <= written <= set(REASONS)


def test_the_checksum_example_is_right() -> None:
    """The worked example of the checksum is the CRC32 of the text above it."""
    text = read(PROTOCOL).partition("## The checksum of a book")[2]
    (line,) = blocks(text, "")
    assert f"The checksum is `{zlib.crc32(line.strip().encode())}`." in text


def key_names() -> Iterator[str]:
    """Every key and channel of keys.py, with its parts as `<name>`."""
    for name, value in vars(keys).items():
        if name.isupper() and name != "PREFIX":
            yield value
        elif inspect.isfunction(value):
            yield value(*(f"<{part}>" for part in inspect.signature(value).parameters))


def test_every_key_is_documented() -> None:
    """Each Redis key and channel of keys.py stands in docs/matching.md."""
    text = read("docs/matching.md")
    names = list(key_names())
    assert "{tw}:market:<symbol>" in names
    assert [name for name in names if f"`{name}`" not in text] == []


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link leads to a file, and its anchor to a heading."""
    assert list(broken_links(document)) == []


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_tables_are_whole(document: Path) -> None:
    """Every table has a header, and every row the cells of the header."""
    assert list(broken_tables(document.read_text("utf-8"))) == []


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_empty_line_tears_a_sentence(document: Path) -> None:
    """A paragraph ends with the end of a sentence."""
    assert list(torn_paragraphs(document.read_text("utf-8"))) == []


def test_a_torn_sentence_is_found() -> None:
    """A paragraph that goes on behind an empty line is named."""
    assert list(torn_paragraphs("One sentence.\n\n*Another* one.\n")) == []
    assert list(torn_paragraphs("A sentence that\n\nis torn.\n")) == [
        "an empty line tears: is torn."
    ]


def test_a_table_that_is_broken_is_found() -> None:
    """A row behind an empty line and a row with a cell too many are named."""
    table = "| a | b |\n|---|--:|\n| 1 | `x\\|y` |\n"
    assert list(broken_tables(table)) == []
    assert list(broken_tables(f"{table}\n| 2 | 3 |\n")) == ["no header stands above | 2 | 3 |"]
    assert list(broken_tables(f"{table}| 2 | 3 | 4 |\n")) == ["3 cells instead of 2: | 2 | 3 | 4 |"]


def test_a_rule_of_matching_has_a_number_of_its_own() -> None:
    """No two rules of docs/matching.md have one number, and no number is left out."""
    numbers = rule_numbers(read("docs/matching.md"))
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert len(numbers) > 40


def navigation(part: Any) -> Iterator[str]:
    """The pages that a part of the navigation names."""
    if isinstance(part, str):
        yield part
    else:
        for below in part.values() if isinstance(part, dict) else part:
            yield from navigation(below)


def test_the_site_has_every_document_once() -> None:
    """The navigation of `make docs` names each document, and no file that is not there."""
    named = list(navigation(yaml.safe_load(read("mkdocs.yml"))["nav"]))
    assert sorted(named) == sorted(path.relative_to(ROOT).as_posix() for path in site_documents())


def test_the_map_names_files_that_exist() -> None:
    """Every path in CLAUDE.md is one of the repository."""
    paths = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.\w+)`", read("CLAUDE.md"))
    assert len(paths) > 50
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_tests_that_are_named_exist() -> None:
    """A test that a document names as proof is there."""
    suite = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)", suite))
    there |= {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    for document in documents():
        named = set(re.findall(r"\btest_\w+", prose(document.read_text("utf-8"))))
        assert named <= there, document


def test_every_dependency_has_its_reason() -> None:
    """Each runtime and development dependency stands in the decision on dependencies."""
    project = read("pyproject.toml")
    listed = section(project, "\ndependencies = [", "\n]") + section(project, "\ndev = [", "\n]")
    names = re.findall(r'^  "([\w-]+)', listed, re.MULTILINE)
    text = read("docs/decisions/0002-dependencies.md")
    assert "fastapi" in names
    assert [name for name in names if f"| `{name}`" not in text] == []


@pytest.fixture
def readme_venue(redis_url: str, tmp_path: Path) -> Iterator[tuple[Service, Service]]:
    """A gateway and a market-data process on free ports."""
    if shutil.which("curl") is None:
        pytest.skip("the README's commands need curl")
    with (
        running_gateway(redis_url, tmp_path) as gateway,
        running_market_data(redis_url, tmp_path) as market_data,
    ):
        yield gateway, market_data


def active_connections(market_data: Service) -> int:
    """How many WebSocket clients the service has."""
    answer = httpx.get(f"{market_data.url}/health").json()
    return int(answer["active_connections"])


@contextmanager
def listening(command: str, output: Path, market_data: Service) -> Iterator[Path]:
    """Run a command that does not end by itself; its output goes to a file."""
    clients = active_connections(market_data)

    def connected() -> bool:
        if "curl" in command:
            return "event: connected" in output.read_text("utf-8")
        return active_connections(market_data) > clients

    with output.open("wb") as file:
        process = subprocess.Popen(
            ["sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=child_environment({}),
            start_new_session=True,
        )
    try:
        wait_for(connected, f"{command} connects")
        yield output
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_the_path_of_the_readme_works(
    readme_venue: tuple[Service, Service], tmp_path: Path
) -> None:
    """The commands of the README, on other ports, make a trade that every way of watching shows."""
    gateway, market_data = readme_venue
    text = section(read("README.md"), "<!-- tests/test_documents.py", "<!-- end of path -->")
    commands = [
        command.replace(".venv/bin/tapewire tape", ".venv/bin/tapewire tape --url FEED")
        .replace("FEED", f"{market_data.websocket_url}/ws/market-data")
        .replace(".venv/bin/", f"{Path(sys.executable).parent}/")
        .replace("http://127.0.0.1:8000", gateway.url)
        .replace("127.0.0.1:8001", f"127.0.0.1:{market_data.port}")
        for command in blocks(text, "sh")
    ]
    assert len(commands) == 9
    with ExitStack() as stack:
        outputs = []
        for number, command in enumerate(commands):
            if "curl -s " not in command:
                output = tmp_path / f"output-{number}"
                outputs.append(stack.enter_context(listening(command, output, market_data)))
                continue
            answer = json.loads(
                subprocess.run(
                    ["sh", "-c", command], capture_output=True, check=True, timeout=10
                ).stdout
            )
            assert answer["symbol"] == "BTC-USDT", answer
        assert len(outputs) == 5
        wait_for(
            lambda: all("0.04000" in output.read_text("utf-8") for output in outputs),
            "every way of watching shows the trade",
        )


def test_the_table_of_streams_is_that_of_the_code() -> None:
    """Every channel of the Binance streams stands in the table, and no other that is served."""
    text = section(read("docs/binance.md"), "\n## Market streams\n", "\n- **Requests**")
    rows = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("| `")]
    names = {
        name
        for stream, _, state in rows
        if state.strip() != "absent"
        for name in re.findall(r"`(?:<symbol>@|@)?([^`]+)`", stream)
    } - {"100ms", "1000ms"}
    interval = "kline_<interval>"
    served = {interval if channel in KLINES else channel for channel in SYMBOL_CHANNELS}
    # Partial books stand once, beside their speeds.
    served = {re.sub(r"^(depth\d+)@.*", r"\1", channel) for channel in served}
    assert names == served | ALL_SYMBOLS_CHANNELS
