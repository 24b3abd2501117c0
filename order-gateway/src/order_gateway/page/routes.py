"""Serves the pages and their files. Both are public: the page asks the user for a key."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI, Request, Response

from order_gateway.page.documents import Document, Venue
from order_gateway.page.files import StaticFile, is_unchanged, read_files, read_text, takes_gzip
from tapewire.values.modes import Auth
from tapewire.values.service_address import ServiceAddress
from tapewire.web.problem import problem_response

# A browser may keep every file and asks whether it changed.
_CACHING = "no-cache"
_FILE_POLICY = "default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class _Content:
    """Everything that the pages of a gateway consist of."""

    files: Mapping[str, StaticFile]
    trading: Document
    organiser: Document

    @classmethod
    def read(cls, venue: Venue) -> "_Content":
        """Read, join and compress every file of the package."""
        libraries = read_text("lib/libraries.json")
        return cls(
            read_files(),
            Document.build(read_text("index.html"), venue, libraries),
            Document.build(read_text("admin.html"), venue, libraries),
        )


class Pages:
    """The documents and files of the pages, as one gateway serves them.

    The first request of a browser reads them, on a thread: that takes about 0.1 s of processor
    time, which a gateway without a browser saves.
    """

    def __init__(self, feed: ServiceAddress, auth: Auth) -> None:
        self._venue = Venue(feed, auth)
        self._content: _Content | None = None
        self._reading = asyncio.Lock()

    async def trading(self, request: Request) -> Response:
        """The trader's page."""
        return self._answer_document(request, (await self._read()).trading)

    async def organiser(self, request: Request) -> Response:
        """The organiser's page; its requests need the rights of an administrator."""
        return self._answer_document(request, (await self._read()).organiser)

    async def file(self, request: Request, path: str) -> Response:
        """A file that a page loads, or a problem `not_found`."""
        file = (await self._read()).files.get(path)
        headers = {"Content-Security-Policy": _FILE_POLICY, "Cache-Control": _CACHING}
        if file is None or path.endswith(".html"):
            return problem_response(
                "not_found", f"The page has no file {path[:200]}.", headers=headers
            )
        return _answer(request, file, headers)

    async def _read(self) -> _Content:
        async with self._reading:
            if self._content is None:
                self._content = await asyncio.to_thread(_Content.read, self._venue)
            return self._content

    def _answer_document(self, request: Request, document: Document) -> Response:
        policy = document.policy(self._venue.feed, request.headers.get("host", ""))
        return _answer(
            request,
            document.file,
            {
                "Content-Security-Policy": policy,
                "Cache-Control": _CACHING,
            },
        )


def _answer(request: Request, file: StaticFile, headers: dict[str, str]) -> Response:
    headers |= {"ETag": file.etag, "Vary": "Accept-Encoding"}
    if is_unchanged(request.headers, file.etag):
        return Response(status_code=304, headers=headers)
    if not takes_gzip(request.headers):
        return Response(file.body, headers=headers, media_type=file.media_type)
    headers["Content-Encoding"] = "gzip"
    return Response(file.compressed, headers=headers, media_type=file.media_type)


# Pages and their files ignore queries, because browsers and links add some of their own.
router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def trading_page(request: Request) -> Response:
    """The trader's page (docs/page.md)."""
    pages: Pages = request.app.state.pages
    return await pages.trading(request)


@router.api_route("/admin", methods=["GET", "HEAD"])
async def organiser_page(request: Request) -> Response:
    """The organiser's page (docs/page.md)."""
    pages: Pages = request.app.state.pages
    return await pages.organiser(request)


@router.api_route("/page/{path:path}", methods=["GET", "HEAD"])
async def page_file(request: Request) -> Response:
    """A file of a page."""
    pages: Pages = request.app.state.pages
    return await pages.file(request, request.path_params["path"])


def add_pages(app: FastAPI, feed_url: str, auth: Auth) -> None:
    """Serve the pages; `feed_url` is where they find the market-data service."""
    app.state.pages = Pages(ServiceAddress.parse(feed_url), auth)
    app.include_router(router)
