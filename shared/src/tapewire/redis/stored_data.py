"""Which server wrote the data in a directory, and which servers read them.

An append-only log has a base file, which after its first rewrite is a snapshot (RDB). A snapshot
begins with `REDIS` or `VALKEY` and the number of its format. A server refuses a number that is
above its own, and the sentence that it writes then reads as if the file were damaged.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tapewire.redis.versions import ServerVersion

LOG_FOLDER = "appendonlydir"
MANIFEST = "appendonly.aof.manifest"
SINGLE_LOG = "appendonly.aof"
HEADER_BYTES = 128

# Largest number of a format that a server reads; a version that is not listed is like the one
# before it. Valkey skips the numbers 12 to 79, which Redis uses since Redis 7.4.
_FORMATS_MAX = {
    "redis": {(7, 0): 10, (7, 2): 11, (7, 4): 12, (8, 0): 79},
    "valkey": {(7, 2): 11, (9, 0): 999},
}
_VALKEY_SKIPS = range(12, 80)

_MAGIC = re.compile(rb"(?P<magic>REDIS|VALKEY)(?P<number>\d{3,4})")
_WRITER = re.compile(rb"(?P<kind>redis|valkey)-ver.(?P<version>\d+\.\d+\.\d+)", re.DOTALL)
_BASE_LINE = re.compile(r"^file (?P<name>\S+) .*\btype b\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StoredData:
    """Format of a snapshot and, for people, the server that wrote it."""

    kind: str
    number: int
    writer: str

    def is_read_by(self, version: ServerVersion) -> bool:
        """Whether a server of this version reads the data."""
        if self.kind == "valkey" and version.kind == "redis":
            return self.number <= _FORMATS_MAX["valkey"][(7, 2)] <= _format_max(version)
        if version.kind == "valkey" and self.number in _VALKEY_SKIPS:
            return False
        return self.number <= _format_max(version)


def read_stored_data(directory: Path) -> StoredData | None:
    """Look at the base file in `directory`; None if there is none, or if it is not a snapshot."""
    try:
        with _base_file(directory).open("rb") as file:
            header = file.read(HEADER_BYTES)
    except OSError:
        return None
    magic, writer = _MAGIC.match(header), _WRITER.search(header)
    if magic is None:
        return None
    kind = magic["magic"].decode("ascii").lower()
    if writer is None:
        return StoredData(kind, int(magic["number"]), f"a newer {kind.capitalize()}")
    name = writer["kind"].decode("ascii")
    version = writer["version"].decode("ascii")
    return StoredData(kind, int(magic["number"]), f"{name.capitalize()} {version}")


def _base_file(directory: Path) -> Path:
    folder = directory / LOG_FOLDER
    try:
        manifest = (folder / MANIFEST).read_text("utf-8", "replace")
    except FileNotFoundError:
        return directory / SINGLE_LOG
    line = _BASE_LINE.search(manifest)
    return folder / line["name"] if line else folder / MANIFEST


def _format_max(version: ServerVersion) -> int:
    known = _FORMATS_MAX[version.kind]
    return max(number for since, number in known.items() if since <= version.numbers[:2])
