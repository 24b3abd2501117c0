"""The embedded Redis server of `tapewire up` and of every test: real, durable, on loopback.

An acknowledged order must be on disk, so the append-only file is synced before each answer unless
the caller asks for `everysec`. The server process holds the lock of its data directory, so that no
second server opens the same files while the first one lives.
"""

import contextlib
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tapewire.errors import ConfigurationError, RedisUnavailable
from tapewire.redis.binary import ServerBinary, find_server
from tapewire.redis.configuration import (
    CONFIGURATION_FILE,
    PASSWORD_FILE,
    Fsync,
    server_environment,
    write_configuration,
)
from tapewire.redis.data_directory import DataDirectory
from tapewire.redis.repair import explain_end
from tapewire.redis.stored_data import read_stored_data
from tapewire.runtime.ports import PortTaken, check_port_free, free_port, port_taken_sentence
from tapewire.runtime.processes import ChildProcess

HOST = "127.0.0.1"
START_TIMEOUT_S = 60.0  # loading a large append-only file takes a while
STOP_TIMEOUT_S = 10.0
POLL_INTERVAL_S = 0.02
PROBE_TIMEOUT_S = 2.0
FREE_PORT_ATTEMPTS = 5

LOG_FILE = "redis.log"


class RedisServer:
    """One server process with its data directory; may be stopped, killed and started again."""

    name = "redis"

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        fsync: Fsync = "always",
        binary: ServerBinary | None = None,
        needs_password: bool = False,
        in_memory: bool = False,
    ) -> None:
        """`port` 0 takes a free one at the first start and keeps it; `binary` None finds one.

        `in_memory` writes no append-only files; the server starts with `dump.rdb` of the directory,
        if there is one.
        """
        self.directory = DataDirectory(data_dir)
        self.port = port
        self.needs_password = needs_password
        self._in_memory = in_memory
        self._refuses_writes = False
        self.fsync = fsync
        self._binary = binary
        self._child: ChildProcess | None = None

    @property
    def url(self) -> str:
        """Where clients connect, database 0; names the password file if there is one."""
        url = f"redis://{HOST}:{self.port}/0"
        return (
            f"{url}?password_file={quote(str(self.password_path))}" if self.needs_password else url
        )

    @property
    def binary(self) -> ServerBinary:
        """The executable of the server. Raises ConfigurationError if this machine has none."""
        if self._binary is None:
            self._binary = find_server(stored=read_stored_data(self.directory.path))
        return self._binary

    @property
    def password_path(self) -> Path:
        """Where the password is, if the server needs one."""
        return self.directory.path / PASSWORD_FILE

    @property
    def log_path(self) -> Path:
        """The server's log file."""
        return self.directory.path / LOG_FILE

    @property
    def pid(self) -> int:
        """Process id of the latest start."""
        return self.child.pid

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._child is not None and self._child.running

    @property
    def launched(self) -> bool:
        """Whether the server was started before."""
        return self._child is not None

    @property
    def child(self) -> ChildProcess:
        """The process, for a supervisor. Raises RuntimeError before the first start."""
        if self._child is None:
            raise RuntimeError("the Redis server was not started")
        return self._child

    @property
    def ending(self) -> str:
        """The end of the process in words."""
        return self.child.ending

    def last_words(self) -> list[str]:
        """The last lines of the log since the latest start, oldest first."""
        return self.child.last_words()

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start the server and wait until its data are loaded and it answers commands.

        Raises as `launch` and `ready` do, and RedisUnavailable if it takes longer than `timeout_s`.
        """
        free_port_wanted = self.port == 0
        try:
            for _ in range(FREE_PORT_ATTEMPTS):
                self.launch()
                try:
                    self._wait_until_ready(timeout_s)
                except PortTaken:
                    if not free_port_wanted:
                        raise
                    self.port = 0
                else:
                    return
            raise PortTaken("every port that was free at first was taken at the start")
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start the process and return at once.

        Raises ConfigurationError: no server on this machine, the directory is not writable or in
        use, the server does not read the data in it, or PortTaken.
        """
        binary = self.binary
        self.directory.lock()
        self._check_data(binary)
        self.port = self.port or free_port()
        check_port_free(HOST, self.port)
        folder = self.directory.path
        self._child = ChildProcess(
            self.name,
            [str(binary.path), CONFIGURATION_FILE, *self._guard_options()],
            log_path=self.log_path,
            directory=folder,
            environment=server_environment(os.environ),
            kept_fds=[self.directory.fd],
        )
        try:
            write_configuration(
                folder,
                host=HOST,
                port=self.port,
                fsync=self.fsync,
                has_login=self.needs_password,
                append_only=not self._in_memory,
            )
            self._child.launch()
        except OSError as error:
            raise ConfigurationError(
                f"the data directory {folder} cannot be written: {error.strerror}"
            ) from None

    def ready(self) -> bool:
        """Whether the server answers commands now, with all its data.

        Raises RedisUnavailable with the server's own reason if it ended, PortTaken if that was it.
        """
        if not self.child.running:
            self._raise_start_failure()
        with contextlib.closing(self._open_probe()) as probe:
            try:
                # Another process may have the port: only the answer of this process counts.
                own = int(probe.info("server")["process_id"]) == self.child.pid
                return own and bool(probe.ping())
            except (RedisError, OSError):
                return False

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop the server (SIGTERM); kill a server that does not end within `timeout_s`."""
        if self._child is not None:
            self._child.stop(timeout_s)
        self.directory.unlock()

    def kill(self) -> None:
        """End the server at once (SIGKILL), as a crash would."""
        if self._child is not None:
            self._child.kill()
        self.directory.unlock()

    def restart(self) -> None:
        """Stop the server and start it on the same port with the same data."""
        self.stop()
        self.start()

    def refuse_writes(self, refused: bool) -> None:
        """Let the server refuse every write and still answer reads, or accept writes again.

        A server that is not running, or is too busy to answer now, does so from its next start on.
        Raises RedisUnavailable if the server runs and does not answer.
        """
        self._refuses_writes = refused
        if not self.running:
            return
        with contextlib.closing(self._open_probe()) as probe:
            try:
                if refused:
                    probe.config_set("min-replicas-to-write", 1)
                    probe.config_set("appendfsync", "everysec")
                else:
                    probe.config_set("appendfsync", self.fsync)
                    probe.config_set("min-replicas-to-write", 0)
            except (RedisError, OSError) as error:
                raise RedisUnavailable(f"the Redis server does not answer ({error})") from None

    def _guard_options(self) -> list[str]:
        """A server without replicas refuses writes if it must have one.

        With `appendfsync always` a write error of the log ends the process, and keys that expire
        are written to the log too. With `everysec` the server tries again.
        """
        if not self._refuses_writes:
            return []
        return ["--min-replicas-to-write", "1", "--appendfsync", "everysec"]

    def _check_data(self, binary: ServerBinary) -> None:
        """Refuse a server that would take data of a newer server for damaged data."""
        stored = read_stored_data(self.directory.path)
        if stored is not None and not stored.is_read_by(binary.version):
            raise ConfigurationError(
                f"the data in {self.directory.path} was written by {stored.writer}, and {binary} "
                f"({binary.path}) does not read it; use {stored.writer} or newer, or choose "
                "another data directory"
            )

    def _wait_until_ready(self, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not self.ready():
            if time.monotonic() > deadline_s:
                raise RedisUnavailable(
                    f"the Redis server did not answer within {timeout_s:g} s; "
                    f"its log is {self.log_path}"
                )
            time.sleep(POLL_INTERVAL_S)

    def _open_probe(self) -> redis.Redis:
        return redis.Redis(
            host=HOST,
            port=self.port,
            password=self.password_path.read_text("ascii") if self.needs_password else None,
            socket_timeout=PROBE_TIMEOUT_S,
            socket_connect_timeout=PROBE_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )

    def _raise_start_failure(self) -> None:
        lines = self.child.last_words()
        if any("Address already in use" in line for line in lines):
            raise PortTaken(port_taken_sentence(HOST, self.port))
        reason, advice = explain_end(lines, self.binary.path, self.directory.path)
        raise RedisUnavailable(
            f"the Redis server {reason} (log: {self.log_path}, {self.child.ending}){advice}"
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
