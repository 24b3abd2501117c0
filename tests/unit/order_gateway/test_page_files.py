"""The files of the pages: libraries as published, small enough, and nothing from elsewhere."""

import asyncio
import re
from pathlib import Path

import pytest
from fastapi import Request

from order_gateway.page.documents import Document, Venue
from order_gateway.page.files import is_unchanged, read_files, read_text, takes_gzip
from order_gateway.page.routes import Pages
from tapewire.values.service_address import ServiceAddress
from tapewire.values.types import MarketState, OrderType
from tests.support.page import libraries

GZIPPED_BYTES_MAX = 120_000
STATIC = libraries.STATIC
OWN = [path for path in STATIC.rglob("*") if path.suffix in {".js", ".css", ".html", ".svg"}]
IMPORT = re.compile(r"""(?:import|export)[^;"']*?from\s+["']([^"']+)["']|import\(["']([^"']+)""")
REFERENCE = re.compile(r"""(?:src|href)=["']([^"'#]+)["']|url\(([^)]+)\)""")


@pytest.mark.parametrize("file", list(libraries.library_files()), ids=lambda file: file.path.name)
def test_libraries_are_as_published(file: libraries.LibraryFile) -> None:
    """Every file of a library has the checksum that the list noted when it was fetched."""
    assert libraries.digest(file.path) == file.sha256


def test_the_list_has_every_library_file_and_its_licence() -> None:
    """No file of a library is there without a version, and none without its licence."""
    listed = {file.path for file in libraries.library_files()}
    found = {path for path in libraries.FOLDER.rglob("*") if path.is_file()}
    assert found - listed == {libraries.LIST}
    for library in libraries.read_list():
        licence = libraries.FOLDER / libraries.licence_name(library["package"])
        assert library["licence"] in {"MIT", "Apache-2.0"}
        assert licence in listed


def test_a_whole_page_is_small() -> None:
    """All that the trader's page loads, compressed as it is sent."""
    files = read_files()
    loaded = [
        len(file.compressed) for path, file in files.items()
        if path in {"index.html", "trade.js", "page.css", "icon.svg"} or path.endswith(".mjs")
    ]  # fmt: skip
    assert sum(loaded) <= GZIPPED_BYTES_MAX, f"{sum(loaded)} bytes"


async def test_requests_at_the_same_time_get_the_same_files() -> None:
    """The first requests of a gateway wait while a thread reads the files, and all are answered."""
    pages = Pages(ServiceAddress.parse(":8001"), "open")
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": []})
    answers = await asyncio.gather(
        pages.trading(request), pages.organiser(request), pages.file(request, "trade.js"),
        pages.trading(request),
    )  # fmt: skip
    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[0].headers["etag"] == answers[3].headers["etag"] != answers[1].headers["etag"]
    assert answers[2].body == read_files()["trade.js"].body


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.relative_to(STATIC)))
def test_nothing_comes_from_another_host(path: Path) -> None:
    """Imports are files of the page or listed libraries; documents and styles name none else."""
    text = path.read_text("utf-8")
    modules = {file.module for file in libraries.library_files()}
    for names in IMPORT.findall(text):
        name = next(filter(None, names))
        assert name in modules or (path.parent / name).is_file(), name
    for names in REFERENCE.findall(text):
        name = next(filter(None, names))
        assert name in {"/docs", "/admin", "/"} or name.removeprefix("/page/") in read_files()


def test_a_document_tells_the_page_what_it_needs_and_no_more() -> None:
    """The server's part is escaped, and the only inline script is the one that the policy names."""
    feed = ServiceAddress.parse(":8001")
    text = (STATIC / "index.html").read_text("utf-8")
    document = Document.build(text, Venue(feed, "keys"), libraries.LIST.read_text())
    body = document.file.body.decode()
    assert '<meta name="tapewire-auth" content="keys">' in body
    assert body.count("<script") == 2
    assert f"'sha256-{document.script_digest}'" in document.policy(feed, "localhost:8000")
    assert "/page/trade.js" in body
    assert '"/page/lib/lightweight-charts.mjs"' in body, "the chart is in the import map"
    assert '"modulepreload" href="/page/lib/lightweight-charts.mjs"' not in body, "but comes later"


def test_a_policy_names_the_feed_and_nothing_that_a_client_made_up() -> None:
    """A host that is none leaves the page its own origin only."""
    feed = ServiceAddress.parse(":8001")
    document = Document.build("", Venue(feed, "open"), libraries.LIST.read_text())
    assert "connect-src 'self' http://venue.test:8001 " in document.policy(feed, "venue.test:8000")
    assert "connect-src 'self';" in document.policy(feed, "venue.test; script-src *")


def test_headers_of_browsers_are_read_as_http_has_them() -> None:
    """Known copies are not sent again, and gzip only to browsers that read it."""
    assert is_unchanged({"if-none-match": '"a", W/"b"'}, '"b"')
    assert not is_unchanged({"if-none-match": '"a"'}, '"b"')
    assert not is_unchanged({}, '"b"')
    assert takes_gzip({"accept-encoding": "br, gzip;q=0.5"})
    assert not takes_gzip({"accept-encoding": "br, gzip;q=0"})
    assert not takes_gzip({})


@pytest.mark.parametrize(
    ("path", "name"),
    [("ui/wording.js", "ORDER_TYPES"), ("trade/ticket_form.js", "TIMES_IN_FORCE")],
)
def test_the_ticket_knows_every_type_of_order(path: str, name: str) -> None:
    """`ioc` and `fok` are limit orders with that time in force, which the ticket has beside."""
    table = re.search(rf"const {name} = [^{{]*\{{[^{{]*\{{(.*?)\n}}\)", read_text(path), re.DOTALL)
    assert table is not None
    types = set(re.findall(r"^  (\w+):", table.group(1), re.MULTILINE))
    assert types == set(OrderType) - {OrderType.IOC, OrderType.FOK}


def test_the_pages_know_every_state_of_a_market() -> None:
    """The organiser can switch to each, and traders read what it means."""
    for name in ("STATES", "STATE_SENTENCES"):
        table = re.search(rf"const {name} = .*?\n}}\)", read_text("ui/wording.js"), re.DOTALL)
        assert table is not None
        assert set(re.findall(r"^  (\w+):", table.group(), re.MULTILINE)) == set(MarketState)
