"""The HTML documents: the server's part of each page, and its content security policy. Pure."""

import base64
import hashlib
import html
import json
from collections.abc import Iterable
from dataclasses import dataclass

from order_gateway.page.files import StaticFile
from tapewire import __version__
from tapewire.values.modes import Auth
from tapewire.values.service_address import ServiceAddress

MARKER = "<!-- the server writes its part of the head here -->"
# The library of the chart is loaded after the first paint, so that it does not delay it.
LATE_LIBRARY = "lightweight-charts"


@dataclass(frozen=True, slots=True)
class Venue:
    """The facts that a page needs before its first request."""

    feed: ServiceAddress
    auth: Auth


@dataclass(frozen=True, slots=True)
class Document:
    """A page, and the digest of the only inline script that it may run."""

    file: StaticFile
    script_digest: str

    @classmethod
    def build(cls, text: str, venue: Venue, libraries: str) -> "Document":
        """Write the server's part into the document; `libraries` is the list in JSON."""
        imports = dict(_imports(libraries))
        table = json.dumps({"imports": imports}, separators=(",", ":"))
        metas = {"tapewire-feed": str(venue.feed), "tapewire-auth": venue.auth,
                 "tapewire-version": __version__}  # fmt: skip
        head = [
            *(
                f'<meta name="{name}" content="{html.escape(text)}">'
                for name, text in metas.items()
            ),
            f'<script type="importmap">{table}</script>',
            *(
                f'<link rel="modulepreload" href="{path}">'
                for name, path in imports.items()
                if name != LATE_LIBRARY
            ),
        ]
        body = text.replace(MARKER, "\n".join(head))
        digest = base64.b64encode(hashlib.sha256(table.encode()).digest()).decode()
        return cls(StaticFile.of("text/html; charset=utf-8", body.encode()), digest)

    def policy(self, feed: ServiceAddress, host: str) -> str:
        """The Content-Security-Policy for a browser that asked for the page under `host`."""
        authority = feed.authority(host)
        # A proxy may add TLS on the way, so that the page and the feed are https and wss.
        schemes = ("http", "https", "ws", "wss")
        sources = [] if authority is None else [f"{scheme}://{authority}" for scheme in schemes]
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src 'self' 'sha256-{self.script_digest}'",
                "style-src 'self'",
                "img-src 'self'",
                "manifest-src 'self'",
                " ".join(("connect-src 'self'", *sources)),
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        )


def _imports(libraries: str) -> Iterable[tuple[str, str]]:
    for library in json.loads(libraries)["libraries"]:
        for file in library["files"]:
            if module := file.get("module"):
                yield module, f"/page/lib/{file['file']}"
