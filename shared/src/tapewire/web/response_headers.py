"""Headers of every answer of a service: no sniffing, no framing, no referrer, no caching.

The server adds the headers, so that answers of the HTTP parser carry them as well as answers of
routes. The page at `/docs` has a policy of its own for its script.
"""

from typing import Final

Headers = list[tuple[bytes, bytes]]

_DOCUMENT_PATHS: Final = (b"/docs?", b"/docs-assets/")

# Two years: the minimum for the preload lists of browsers.
_STRICT_TRANSPORT: Final = "max-age=63072000"

EVERY_ANSWER: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


def every_answer(*, secure: bool) -> list[tuple[str, str]]:
    """The headers of every answer; with TLS also Strict-Transport-Security."""
    transport = [("Strict-Transport-Security", _STRICT_TRANSPORT)] if secure else []
    return [*EVERY_ANSWER, *transport]


def fitting(headers: Headers, method: bytes, url: bytes) -> Headers:
    """The headers of every answer, without those that `/docs` and its files set themselves.

    `url` is the request's target. For every other page the list is returned unchanged.
    """
    if not url.startswith(b"/docs") or method != b"GET":
        return headers
    if url != b"/docs" and not url.startswith(_DOCUMENT_PATHS):
        return headers
    own = {b"cache-control", b"content-security-policy"}
    return [header for header in headers if header[0] not in own]
