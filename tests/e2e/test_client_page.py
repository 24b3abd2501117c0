"""Every example of docs/client.md, run as it stands against a venue."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tapewire.client import SyncVenueClient
from tests.support.house.documents import blocks, read
from tests.support.running.venue_files import venue_directory
from tests.support.running.whole_venue import running_venue

EXAMPLES = blocks(read("docs/client.md"), "python")


@pytest.fixture(scope="module")
def folder(module_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a venue that has traded a little."""
    path = tmp_path_factory.mktemp("venue")
    with running_venue(module_redis_url, path) as venue, venue_directory(venue, path) as directory:
        with SyncVenueClient(directory, account="maker") as client:
            client.place("BTC-USDT", "sell", "2", "60000")
            client.place("BTC-USDT", "buy", "1", "60000", self_trade_prevention="none")
        yield path


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
async def test_an_example_of_the_page_works(
    number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue is found by the current directory; what is awaited at top level is awaited."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("TAPEWIRE_VENUE", raising=False)
    code = compile(
        EXAMPLES[number],
        f"example {number + 1}",
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
    )
    names: dict[str, Any] = {}
    running = eval(code, names)  # noqa: S307 (our own page)
    if inspect.isawaitable(running):
        await running
