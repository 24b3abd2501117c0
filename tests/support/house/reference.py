"""The pages of docs/reference, made from the code: commands, settings, errors, metrics.

`python -m tests.support.house.reference` (`make reference`) writes them; tests/test_documents.py
compares them with the code.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from prometheus_client.registry import Collector

from market_data.errors import CLOSE_MEANINGS, ERROR_MEANINGS
from market_data.http.metrics import market_data_metrics
from order_gateway.metrics import Activity, GatewayMetrics
from order_gateway.operations import OPERATION_NAMES
from tapewire.error_codes import ERROR_CODES
from tapewire.matching.batcher import Batcher
from tapewire.redis.memory_watch import MemoryWatch
from tapewire.runtime.loop_lag import LoopLag
from tapewire.web.connections import Connections
from tests.support.house.command_reference import command_page
from tests.support.house.documents import ROOT
from tests.support.house.settings_table import TABLES, settings_table

FOLDER = ROOT / "docs" / "reference"
NOTE = "<!-- Made from the code by `make reference`; changes by hand are refused by a test. -->\n"

SETTINGS_HEAD = """\
The services read these variables from the environment once, when they start. An unknown
`TAPEWIRE_*` variable stops the start. `tapewire up` passes its options on in the same variables;
in containers they stand in [`.env`](../docker.md#settings). The forms of `REDIS_URL` are in
[operations](../operations.md#the-url-of-redis).
"""
ERRORS_HEAD = """\
Codes never change their meaning. The protocol says what a client does about each kind of error:
[errors of REST](../protocol.md#errors-of-rest),
[errors of the feed](../protocol.md#errors-of-requests).
"""
METRICS_HEAD = """\
Both services show `/metrics` in Prometheus' text format. [Operations](../operations.md#metrics)
says how workers share it, and what the labels mean. A histogram appears as `NAME_bucket`,
`NAME_sum` and `NAME_count`.
"""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    names = list(head)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines).replace("| --- ", "|---") + "\n"


def page(title: str, text: str, sections: Mapping[str, str]) -> str:
    """A whole page: the note, a heading, a text and a section for each table."""
    parts = [NOTE, f"# {title}\n", text]
    parts += [f"## {name}\n\n{body}" for name, body in sections.items()]
    return "\n".join(parts)


def settings_page() -> str:
    """Every variable with its default and bounds."""
    sections = {name: settings_table(*TABLES[name]) + "\n" for name in TABLES}
    return page("Settings", SETTINGS_HEAD, sections)


def errors_page() -> str:
    """Every code of an error answer, of the feed and of a close."""
    rest = [(f"`{code}`", str(each.status), each.title) for code, each in ERROR_CODES.items()]
    feed = [(f"`{code}`", meaning) for code, meaning in ERROR_MEANINGS.items()]
    close = [(str(int(code)), meaning) for code, meaning in CLOSE_MEANINGS.items()]
    return page(
        "Error codes",
        ERRORS_HEAD,
        {
            "Codes of REST and of WebSocket order entry": table(("code", "status", "meaning"), rest)
            + "\n`http_error` has the status of a refusal by the web framework.\n",
            "Codes of the feed": table(("code", "meaning"), feed),
            "Close codes": table(("code", "meaning"), close),
        },
    )


def metric_rows(*collectors: Collector) -> Iterator[tuple[str, str, str]]:
    """Name, type and meaning of every metric; names as a scrape shows them."""
    for collector in collectors:
        for metric in collector.collect():
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            yield f"`{name}`", metric.type, metric.documentation


def metrics_page() -> str:
    """Every metric of the services."""
    nothing: Any = MagicMock()
    activity, batcher = Activity(OPERATION_NAMES), Batcher(nothing, timeout_s=1.0)
    gateway = GatewayMetrics(
        activity, batcher, expired=lambda: 0, sockets=lambda: 0, problems=Counter()
    )
    feed = market_data_metrics(
        nothing, nothing, nothing, audience=nothing, request_errors=nothing, streams=nothing
    )
    head = ("metric", "type", "meaning")
    return page(
        "Metrics",
        METRICS_HEAD,
        {
            "Order gateway": table(head, metric_rows(gateway)),
            "Market data": table(head, metric_rows(feed, MemoryWatch(nothing))),
            "Both services": table(head, metric_rows(Connections(), LoopLag())),
        },
    )


def commands_page() -> str:
    """Every command with its options, from the texts of `--help`."""
    return f"{NOTE}\n{command_page()}"


PAGES = {
    "commands.md": commands_page,
    "settings.md": settings_page,
    "errors.md": errors_page,
    "metrics.md": metrics_page,
}


def write(folder: Path = FOLDER) -> None:
    """Write every page."""
    folder.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (folder / name).write_text(make(), "utf-8")


if __name__ == "__main__":
    write()
