"""Which versions of Redis and Valkey the venue runs on; pure.

The matching rules are a function library (`FUNCTION LOAD`). Redis has functions since 7.0 and
Valkey since its first release, 7.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass

VERSIONS_MIN = {"redis": (7, 0), "valkey": (7, 2)}
WANTED = "Redis 7.0 or Valkey 7.2, or newer"


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """Kind (`redis` or `valkey`) and version of a server."""

    kind: str
    numbers: tuple[int, int, int]

    @property
    def supported(self) -> bool:
        """Whether the venue runs on this version."""
        return self.numbers[:2] >= VERSIONS_MIN[self.kind]

    def __str__(self) -> str:
        return f"{self.kind.capitalize()} {'.'.join(map(str, self.numbers))}"


def version_from_hello(reply: Iterable[tuple[str, object]]) -> ServerVersion | None:
    """Read the reply of `HELLO`; None if the reply names no version.

    A Valkey in compatibility mode names itself Redis and gives a version of Redis.
    """
    fields = dict(reply)
    kind = "valkey" if fields.get("server") == "valkey" else "redis"
    return parse_version(kind, str(fields.get("version", "")))


def parse_version(kind: str, text: str) -> ServerVersion | None:
    """Read `7.0.15`; a missing third number counts as 0. None if the first two are not numbers."""
    major, _, rest = text.partition(".")
    minor, _, patch = rest.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        return None
    return ServerVersion(kind, (int(major), int(minor), int(patch) if patch.isdecimal() else 0))
