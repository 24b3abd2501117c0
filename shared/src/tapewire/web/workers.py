"""The processes that share the port of a service on one machine, so that one can speak for all.

Each worker locks the lowest free number in a folder of the user, and answers on a Unix socket of
that number. The lock ends with the process, so a number is free again however its worker ended.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import stat
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tapewire.limits import WORKERS_MAX

logger = logging.getLogger(__name__)

ANSWER_BYTES_MAX = 4 * 1024 * 1024
ANSWER_TIMEOUT_S = 0.5


class Workers:
    """The number of this worker, and the answers of its siblings."""

    def __init__(self, folder: Path, answer: Callable[[], bytes]) -> None:
        """`answer` makes the answer of this worker to a sibling."""
        self.number = 0
        self._folder = folder
        self._answer = answer
        self._lock = -1
        self._server: asyncio.Server | None = None

    @classmethod
    async def join(cls, folder: Path, answer: Callable[[], bytes]) -> Self:
        """Become one of the workers that meet in `folder` (`workers_folder`).

        Raises OSError if the folder cannot be made, or if another user can write to it.
        """
        self = cls(folder, answer)
        await asyncio.to_thread(self._take_number)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._socket(self.number))
        except OSError:
            await self.leave()
            raise
        return self

    async def ask_siblings(self) -> list[tuple[int, bytes]]:
        """The answers of the other workers, by number; a silent worker is left out."""
        numbers = await asyncio.to_thread(self._find_siblings)
        answers = await asyncio.gather(*map(self._ask, numbers))
        return [
            (number, answer)
            for number, answer in zip(numbers, answers, strict=True)
            if answer is not None
        ]

    async def leave(self) -> None:
        """Give the number back."""
        if self._server is not None:
            self._server.close()
        await asyncio.to_thread(self._free_number)

    def _take_number(self) -> None:
        for folder in (self._folder.parent, self._folder):
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            if (
                not stat.S_ISDIR(found.st_mode)
                or found.st_uid != os.getuid()
                or found.st_mode & 0o022
            ):
                raise PermissionError(f"{folder} is not a folder of this user")
        for number in range(1, WORKERS_MAX + 1):
            lock = os.open(self._folder / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                continue
            self._lock, self.number = lock, number
            self._socket(number).unlink(missing_ok=True)
            return
        raise OSError(f"{WORKERS_MAX} workers are running already")

    def _free_number(self) -> None:
        if self._lock >= 0:
            self._socket(self.number).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = -1

    def _find_siblings(self) -> list[int]:
        found = (path.stem for path in self._folder.glob("*.sock"))
        numbers = {int(name) for name in found if name.isdecimal()}
        return sorted(numbers - {self.number})

    def _socket(self, number: int) -> Path:
        return self._folder / f"{number}.sock"

    async def _serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                writer.write(self._answer())
                await writer.drain()
        writer.close()

    async def _ask(self, number: int) -> bytes | None:
        """The answer of one worker; None if the worker has ended, or is too busy to answer."""
        answer = bytearray()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(self._socket(number))
                with contextlib.closing(writer):
                    while data := await reader.read(65_536):
                        answer += data
                        if len(answer) > ANSWER_BYTES_MAX:
                            return None
                return bytes(answer)
        return None


def workers_folder(service: str, address: str, port: int) -> Path:
    """Where the workers of a port meet; short, because a Unix socket's address holds 100 bytes."""
    user = Path(tempfile.gettempdir()) / f"tapewire-{os.getuid()}"
    return user / f"{service}-{port}-{zlib.crc32(address.encode()):08x}"
