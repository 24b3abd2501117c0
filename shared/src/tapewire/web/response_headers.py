"""Headers that every answer of a service has: no guessing, no framing, no referrer, no copies.

The server adds them to every answer, those of the parser included, so that routes need not. Pages
and their files bring the policy and the caching that they need.
"""

from typing import Final

Headers = list[tuple[bytes, bytes]]

_PAGES: Final = frozenset({b"/", b"/admin", b"/docs"})
_PAGE_FOLDERS: Final = (b"/docs-assets/", b"/page/")
_READING_METHODS: Final = frozenset({b"GET", b"HEAD"})

# Two years, the least that browsers' own lists ask for.
_STRICT_TRANSPORT: Final = "max-age=63072000"

EVERY_ANSWER: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)

# What a page that loads nothing, and is not kept, has to say itself.
PLAIN_ANSWER: Final = dict(EVERY_ANSWER[:2])


def every_answer(*, secure: bool) -> list[tuple[str, str]]:
    """The headers of every answer; with TLS also that it may not be left."""
    transport = [("Strict-Transport-Security", _STRICT_TRANSPORT)] if secure else []
    return [*EVERY_ANSWER, *transport]


def fitting(headers: Headers, method: bytes, url: bytes) -> Headers:
    """The headers of every answer without those that a page and its files say themselves.

    `url` is the request's target; for all but pages the list comes back as it is.
    """
    if method not in _READING_METHODS or not _is_page(url):
        return headers
    own = {b"cache-control", b"content-security-policy"}
    return [header for header in headers if header[0] not in own]


def _is_page(url: bytes) -> bool:
    return url.startswith(_PAGE_FOLDERS) or url.partition(b"?")[0] in _PAGES
