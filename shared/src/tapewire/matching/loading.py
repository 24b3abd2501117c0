"""Keeps the function library of the venue loaded in Redis, and refuses data of a newer Tapewire.

`LibraryLoader.ensure` runs on a new connection before the first command, and again when Redis has
lost the library. Each load has an id of its own. Every call names the id that its caller knows, so
that a library which another gateway has loaded again runs no call out of order (core/frame.lua).

Every gateway notes the library that it uses in `{tw}:libraries`. A library that no gateway has used
for LIBRARY_UNUSED_S is removed; a gateway that still wants it loads it again.
"""

import uuid
from typing import Any

from redis.exceptions import ResponseError

from tapewire import keys
from tapewire.errors import ConfigurationError, RedisUnavailable
from tapewire.limits import LIBRARY_UNUSED_S
from tapewire.matching.library import LIBRARY_PREFIX, Library
from tapewire.packed.packing import FORMAT

LOAD_ATTEMPTS = 5

_NO_FUNCTION = "Function not found"
_NOT_LOADED = "NOT_LOADED"
_LOADED_ALREADY = "already exists"


def is_lost(reply: object) -> bool:
    """Whether an error reply says that Redis does not have the library under our load id."""
    # The type first, because the text of an answer takes long to make.
    return isinstance(reply, ResponseError) and str(reply).removeprefix("ERR ").startswith(
        (_NO_FUNCTION, _NOT_LOADED)
    )


class LibraryLoader:
    """Loads the library through a connection of the batcher; one per batcher."""

    def __init__(self, library: Library, *, notes_use: bool) -> None:
        """`notes_use` is for gateways: a reader of the venue writes nothing if it can."""
        self.library = library
        self._notes_use = notes_use
        # The id of the load that calls name; '' until `ensure` has run.
        self.load_id = ""

    async def ensure(self, connection: Any) -> None:  # noqa: ANN401 (redis-py has no type for it)
        """Have the library loaded and learn its load id.

        Raises ConfigurationError (data of a newer Tapewire), RedisUnavailable (Redis takes no
        library), RedisError, OSError.
        """
        self.load_id = await self._load(connection)
        # After the load, because a gateway that raises the format later removes the old libraries.
        check_format(await _ask(connection, "GET", keys.FORMAT))
        if self._notes_use:
            await self._note_use(connection)

    async def _load(self, connection: Any) -> str:  # noqa: ANN401
        """The id of the load in Redis, which another gateway may have made."""
        for _ in range(LOAD_ATTEMPTS):
            try:
                found = await _ask(connection, "FCALL", self.library.function("load_id"), 0)
            except ResponseError as error:
                if not is_lost(error):
                    raise
            else:
                return str(found.decode())
            try:
                text = self.library.load_text(uuid.uuid4().hex)
                await _ask(connection, "FUNCTION", "LOAD", text)
            except ResponseError as error:
                if _LOADED_ALREADY not in str(error):
                    raise RedisUnavailable(
                        f"Redis does not take the function library ({error}); nothing was done."
                    ) from None
        raise RedisUnavailable(
            "Redis loses the function library again and again; nothing was done."
        )

    async def _note_use(self, connection: Any) -> None:  # noqa: ANN401
        """Note the use of the library, and remove unused libraries."""
        try:
            now_s = int((await _ask(connection, "TIME"))[0])
            await _ask(connection, "ZADD", keys.LIBRARIES, now_s, self.library.name)
            unused = await _ask(
                connection, "ZRANGEBYSCORE", keys.LIBRARIES, "-inf", now_s - LIBRARY_UNUSED_S
            )
            for name in unused:
                await self._remove(connection, name.decode())
        except ResponseError:
            # A replica, or a Redis without memory: the commands say so if they want to write.
            return

    async def _remove(self, connection: Any, name: str) -> None:  # noqa: ANN401
        if not name.startswith(LIBRARY_PREFIX):
            return
        try:
            await _ask(connection, "FUNCTION", "DELETE", name)
        except ResponseError as error:
            if "not found" not in str(error):
                raise
        await _ask(connection, "ZREM", keys.LIBRARIES, name)


def check_format(found: bytes | None) -> None:
    """Refuse data that a newer Tapewire wrote. Raises ConfigurationError."""
    if found is not None and int(found) > FORMAT:
        raise ConfigurationError(
            f"The data in Redis has format {found.decode()}, but this version of Tapewire reads "
            f"formats up to {FORMAT}. Start the newer version of Tapewire that wrote it, or use "
            "another Redis."
        )


async def _ask(connection: Any, *command: str | int) -> Any:  # noqa: ANN401
    await connection.send_command(*command)
    return await connection.read_response(disconnect_on_error=False)
