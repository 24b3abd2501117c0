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
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import httpx
import pytest
from prometheus_client.registry import Collector

from market_data.errors import CLOSE_MEANINGS, ERROR_MEANINGS, CloseCode
from market_data.http.metrics import market_data_metrics
from order_gateway.metrics import Activity, GatewayMetrics
from order_gateway.operations import OPERATION_NAMES
from tapewire import keys
from tapewire.error_codes import ERROR_CODES
from tapewire.matching.batcher import Batcher
from tapewire.redis.memory_watch import MemoryWatch
from tapewire.runtime.loop_lag import LoopLag
from tapewire.web.connections import Connections
from tapewire.wire.feed_messages import MESSAGE_TYPES, UnknownMessage, decode_message
from tests.support.house.documents import (
    ROOT,
    blocks,
    broken_links,
    documents,
    json_values,
    read,
    section,
    table,
)
from tests.support.house.settings_table import TABLES, settings_table
from tests.support.running.processes import (
    Service,
    child_environment,
    running_gateway,
    running_market_data,
)
from tests.support.wait import wait_for

PROTOCOL = "docs/protocol.md"


def marked(document: str, mark: str) -> str:
    """What stands between `<!-- mark -->` and the next `<!-- end -->`."""
    return section(read(document), f"<!-- {mark} -->", "<!-- end -->")


def test_rest_errors_are_those_of_the_code() -> None:
    """The table of REST errors has each code with its status and title, and no other."""
    rows = table(marked(PROTOCOL, "table of tapewire.error_codes"))
    expected = [[code, str(entry.status), entry.title] for code, entry in ERROR_CODES.items()]
    assert rows == expected


def test_feed_errors_are_those_of_the_code() -> None:
    """The table of feed errors has each code with its meaning, and no other."""
    rows = table(marked(PROTOCOL, "table of market_data.errors.ERROR_MEANINGS"))
    assert rows == [[code, meaning] for code, meaning in ERROR_MEANINGS.items()]


def test_close_codes_are_those_of_the_code() -> None:
    """The table of close codes has each with its meaning, and no other."""
    rows = table(marked(PROTOCOL, "table of market_data.errors.CLOSE_MEANINGS"))
    assert rows == [[str(int(code)), meaning] for code, meaning in CLOSE_MEANINGS.items()]
    assert set(CloseCode) <= set(CLOSE_MEANINGS)


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


@pytest.mark.parametrize("title", TABLES)
def test_settings_are_those_of_the_models(title: str) -> None:
    """The tables of settings equal those made from the models."""
    assert f"### {title}\n\n{settings_table(*TABLES[title])}\n\n" in read("docs/operations.md")


def rows_of(*collectors: Collector) -> list[list[str]]:
    """Name and meaning of every metric, names as a scrape shows them."""
    found = [metric for collector in collectors for metric in collector.collect()]
    return [
        [f"{metric.name}_total" if metric.type == "counter" else metric.name, metric.documentation]
        for metric in found
    ]


def metrics_table(title: str, following: str) -> list[list[str]]:
    text = section(read("docs/operations.md"), "\n## Metrics\n", "\n## Redis\n")
    return table(section(text, f"\n### {title}\n", f"\n### {following}\n"))


def test_metrics_of_market_data_are_those_of_the_code() -> None:
    """The table has each metric that market-data shows, with its meaning, and no other."""
    nothing: Any = MagicMock()
    shown = market_data_metrics(
        nothing, nothing, nothing, audience=nothing, request_errors=nothing, streams=nothing
    )
    rows = rows_of(shown) + rows_of(MemoryWatch(nothing))
    assert metrics_table("Market-data", "Every service") == rows


def test_metrics_of_the_gateway_are_those_of_the_code() -> None:
    """The table has each metric that the gateway shows, with its meaning, and no other."""
    nothing: Any = MagicMock()
    activity, batcher = Activity(OPERATION_NAMES), Batcher(nothing, timeout_s=1.0)
    shown = GatewayMetrics(
        activity, batcher, expired=lambda: 0, sockets=lambda: 0, problems=Counter()
    )
    assert metrics_table("Order gateway", "Market-data") == rows_of(shown)


def test_metrics_of_every_service_are_those_of_the_code() -> None:
    """The table has what both services show."""
    assert metrics_table("Every service", "Alerts") == rows_of(Connections(), LoopLag())


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link leads to a file, and its anchor to a heading."""
    assert list(broken_links(document)) == []


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
        named = set(re.findall(r"\btest_\w+", document.read_text("utf-8")))
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
    """Its commands, on other ports, make a trade that every way of watching shows."""
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
