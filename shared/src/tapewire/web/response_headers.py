"""Headers of every answer of a service: no sniffing, no framing, no referrer, no caching.

The server adds the headers, so that answers of the HTTP parser carry them as well as answers of
routes. Pages and their files have a policy and a caching rule of their own.
"""

from typing import Final

Headers = list[tuple[bytes, bytes]]

_PAGES: Final = frozenset({b"/", b"/admin", b"/docs"})
_PAGE_FOLDERS: Final = (b"/docs-assets/", b"/page/")
_READING_METHODS: Final = frozenset({b"GET", b"HEAD"})

# Two years: the minimum for the preload lists of browsers.
_STRICT_TRANSPORT: Final = "max-age=63072000"

EVERY_ANSWER: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)

# The policy of a page that loads nothing and is not kept.
PLAIN_ANSWER: Final = dict(EVERY_ANSWER[:2])


def every_answer(*, secure: bool) -> list[tuple[str, str]]:
    """The headers of every answer; with TLS also Strict-Transport-Security."""
    transport = [("Strict-Transport-Security", _STRICT_TRANSPORT)] if secure else []
    return [*EVERY_ANSWER, *transport]


def fitting(headers: Headers, method: bytes, url: bytes) -> Headers:
    """The headers of every answer, without those that pages and their files set themselves.

    `url` is the request's target. For every other path the list is returned unchanged.
    """
    if method not in _READING_METHODS or not _is_page(url):
        return headers
    own = {b"cache-control", b"content-security-policy"}
    return [header for header in headers if header[0] not in own]


def _is_page(url: bytes) -> bool:
    return url.startswith(_PAGE_FOLDERS) or url.partition(b"?")[0] in _PAGES
