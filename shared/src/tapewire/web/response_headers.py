"""Headers that every answer of a service has: no guessing, no framing, no referrer, no copies.

The server adds them to whatever it sends, so an answer of the parser has them as one of a route
does, and a route has nothing to do. The page at `/docs` brings the policy that its script needs.
"""

from typing import Final

Headers = list[tuple[bytes, bytes]]

_DOCUMENT_PATHS: Final = (b"/docs?", b"/docs-assets/")

# Two years, the least that browsers' own lists ask for.
_STRICT_TRANSPORT: Final = "max-age=63072000"

EVERY_ANSWER: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


def every_answer(*, secure: bool) -> list[tuple[str, str]]:
    """The headers of every answer; with TLS also that it may not be left."""
    transport = [("Strict-Transport-Security", _STRICT_TRANSPORT)] if secure else []
    return [*EVERY_ANSWER, *transport]


def fitting(headers: Headers, method: bytes, url: bytes) -> Headers:
    """The headers of every answer without those that a page and its files have to say themselves.

    `url` is the request's target; for all but the page the list comes back as it is.
    """
    if not url.startswith(b"/docs") or method != b"GET":
        return headers
    if url != b"/docs" and not url.startswith(_DOCUMENT_PATHS):
        return headers
    own = {b"cache-control", b"content-security-policy"}
    return [header for header in headers if header[0] not in own]
