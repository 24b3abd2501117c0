"""A Redis as the compose file starts it: one user, whose password is in a file."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from redis.exceptions import RedisError

from tapewire.redis.binary import find_server
from tapewire.runtime.ports import free_port
from tapewire.runtime.processes import ChildProcess
from tests.support.house.documents import ROOT
from tests.support.wait import wait_for

STOP_TIMEOUT_S = 10.0
DURABLE = ("--save", "", "--appendonly", "yes", "--appendfsync", "everysec")
# A user for tests, which reads the log of refusals.
INSPECTOR = "user inspector on nopass ~* &* +@all\n"


@dataclass(frozen=True, slots=True)
class RestrictedRedis:
    """A running server."""

    port: int
    folder: Path
    child: ChildProcess

    @property
    def password_file(self) -> Path:
        """Where the password of `tapewire` is."""
        return self.folder / "redis-password"

    @property
    def service_url(self) -> str:
        """The URL that the compose file gives to services."""
        return f"redis://tapewire@127.0.0.1:{self.port}/0?password_file={self.password_file}"

    @property
    def url(self) -> str:
        """The URL with the password in it."""
        password = quote(self.password_file.read_text(), safe="")
        return f"redis://tapewire:{password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start or restart the server and wait for its first answer."""
        self.child.launch()
        wait_for(lambda: self.child.running and _answers(self), "the restricted Redis answers")

    def client(self) -> redis.Redis:
        """A client with the rights of the venue."""
        return redis.Redis.from_url(self.url, decode_responses=True)

    def refused(self) -> list[str]:
        """Refusals as `reason object`, without those of the CLIENT commands of redis-py."""
        with redis.Redis.from_url(f"redis://inspector:any@127.0.0.1:{self.port}/0") as client:
            entries: Sequence[Any] = client.execute_command("ACL", "LOG", 100)
        shown = [f"{entry['reason']} {entry['object']}" for entry in map(_texts, entries)]
        return [text for text in shown if "client" not in text]


@contextmanager
def restricted_redis(folder: Path, **variables: str) -> Iterator[RestrictedRedis]:
    """Run docker/redis-start.sh until the block ends; `variables` go to its environment."""
    files = shutil.copytree(ROOT / "docker", folder / "docker")
    with (files / "redis-users.acl").open("a") as users:
        users.write(INSPECTOR)
    programs = folder / "bin"
    programs.mkdir()
    (programs / "redis-server").symlink_to(find_server().path)
    port = free_port()
    child = ChildProcess(
        "redis",
        ["/bin/sh", str(files / "redis-start.sh"), "--port", str(port), *DURABLE],
        log_path=folder / "redis.log",
        directory=folder,
        environment={
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "SECRET_DIR": str(folder),
            **variables,
        },
    )
    server = RestrictedRedis(port, folder, child)
    try:
        server.start()
        yield server
    finally:
        child.stop(STOP_TIMEOUT_S)


def _answers(server: RestrictedRedis) -> bool:
    try:
        with server.client() as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False


def _texts(entry: Any) -> dict[str, str]:
    """A flat list of names and values, or a mapping of them, as text."""
    pairs = entry.items() if isinstance(entry, dict) else zip(entry[::2], entry[1::2], strict=True)
    return {_text(name): _text(value) for name, value in pairs}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
