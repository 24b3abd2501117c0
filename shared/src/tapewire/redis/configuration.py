"""Configuration, password and environment of the embedded Redis server.

Every user of a machine reaches its loopback ports, so the server of a venue needs a password. The
password is made at the first start and stays. Its file is readable by its owner only, and the
configuration has its digest.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from tapewire.redis.data_directory import DIRECTORY_MODE, FILE_MODE

Fsync = Literal["always", "everysec"]

CONFIGURATION_FILE = "redis.conf"
PASSWORD_FILE = "password"  # noqa: S105 (the name of a file)
PASSWORD_BYTES = 32

# The pub/sub bound lets a market-data process stall for a while without losing its subscription:
# 256 MiB is about 700,000 trades of 350 bytes, and 64 MiB may not stand for longer than 60 s.
# Redis searches small hashes and sorted sets from their start. By default a hash is small up to 512
# entries and a sorted set up to 128, and each order looks into price levels and open orders.
_CONFIGURATION = """\
# Written by Tapewire at every start; changes made here are lost.
bind {host}
port {port}
protected-mode yes
daemonize no
dir .
appendonly {append_only}
appendfsync {fsync}
save ""
maxmemory-policy noeviction
client-output-buffer-limit pubsub 256mb 64mb 60
tcp-backlog 511
hash-max-listpack-entries 8
zset-max-listpack-entries 16
{login}
"""
# The log of commands is replayed as the user `default`, who therefore may do everything.
_LOGIN = "user default on sanitize-payload #{digest} ~* &* +@all"

# By default glibc keeps 7 freed blocks of each size for quick reuse. The Lua engine frees hundreds
# of small blocks at once. With 1,000 kept blocks an order costs 5 % fewer instructions
# (benchmarks/README.md). The blocks take at most 33 MB. Other C libraries ignore the variable.
_ALLOCATOR = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=1000"}


def server_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server process; what the operator set for the allocator stays."""
    return {**_ALLOCATOR, **inherited}


def write_configuration(
    folder: Path, *, host: str, port: int, fsync: Fsync, has_login: bool, append_only: bool = True
) -> None:
    """Write the configuration file into `folder`, which is for its owner only afterwards.

    With `has_login` clients need the password in `PASSWORD_FILE`, which is made if it is missing.
    Raises OSError.
    """
    folder.chmod(DIRECTORY_MODE)
    login = _LOGIN.format(digest=_password_digest(folder)) if has_login else ""
    text = _CONFIGURATION.format(
        host=host, port=port, fsync=fsync, login=login, append_only="yes" if append_only else "no"
    )
    path = folder / CONFIGURATION_FILE
    # The same text is not written again, so that a restart needs no room on a full disk.
    if not path.exists() or path.read_text("ascii") != text:
        _write_private(path, text)


def _password_digest(folder: Path) -> str:
    """SHA-256 of the password, in hexadecimal."""
    path = folder / PASSWORD_FILE
    if not path.exists():
        _write_private(path, secrets.token_hex(PASSWORD_BYTES))
    return hashlib.sha256(path.read_bytes().strip()).hexdigest()


def _write_private(path: Path, text: str) -> None:
    """Replace a file in one step by a file that only its owner reads. Raises OSError."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(fd, "w", encoding="ascii") as file:
        file.write(text)
    draft.replace(path)
