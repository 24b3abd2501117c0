"""The files of the pages: read once a process, kept in memory as they are and compressed.

The package holds every file, so that a machine with Python alone shows the whole page. Modules of
our own are joined to one for each page; libraries stay as they were published.
"""

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from order_gateway.page.bundle import bundle, compact_style

# Types of files that are served; others, such as the list of libraries, stay in the package.
MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
# A folder with this module is a page; its modules are served joined as FOLDER.js.
ENTRY_MODULE: Final = "main.js"
ETAG_HEX_DIGITS: Final = 20
COMPRESSION_LEVEL: Final = 9


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, with its HTTP headers."""

    media_type: str
    body: bytes
    compressed: bytes
    etag: str

    @classmethod
    def of(cls, media_type: str, body: bytes) -> "StaticFile":
        """A file with this content."""
        digest = hashlib.sha256(body).hexdigest()[:ETAG_HEX_DIGITS]
        # Without a time in the header, the same file has the same bytes in every process.
        compressed = gzip.compress(body, COMPRESSION_LEVEL, mtime=0)
        return cls(media_type, body, compressed, f'"{digest}"')


@cache
def read_files() -> Mapping[str, StaticFile]:
    """The served files, by path below `/page/`, read once a process. Raises BundleError."""
    files = {}
    modules = {}
    for path, entry in _walk(resources.files("order_gateway.page").joinpath("static"), ""):
        suffix = f".{path.rpartition('.')[2]}"
        if suffix == ".js":
            modules[path] = entry.read_text("utf-8")
        elif suffix == ".css":
            body = compact_style(entry.read_text("utf-8")).encode()
            files[path] = StaticFile.of(MEDIA_TYPES[suffix], body)
        elif suffix in MEDIA_TYPES:
            files[path] = StaticFile.of(MEDIA_TYPES[suffix], entry.read_bytes())
    for path in modules:
        folder, _, name = path.rpartition("/")
        if name == ENTRY_MODULE:
            joined = bundle(modules, path)
            files[f"{folder}.js"] = StaticFile.of(MEDIA_TYPES[".js"], joined.encode())
    return files


def read_text(path: str) -> str:
    """One file of the package as text, also one that is not served."""
    return resources.files("order_gateway.page").joinpath("static", path).read_text("utf-8")


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda found: found.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry


def is_unchanged(headers: Mapping[str, str], etag: str) -> bool:
    """Whether the browser already has the file (RFC 9110, `If-None-Match`)."""
    known = headers.get("if-none-match", "")
    return etag in [entry.strip().removeprefix("W/") for entry in known.split(",")]


def takes_gzip(headers: Mapping[str, str]) -> bool:
    """Whether the browser reads gzip (RFC 9110, `Accept-Encoding`)."""
    for entry in headers.get("accept-encoding", "").lower().split(","):
        coding, _, parameters = entry.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
