"""A function of the venue's library, called by a blocking client."""

from typing import Any

import redis
from redis.exceptions import ResponseError

from tapewire.matching.library import load_library


def call_function(client: redis.Redis, name: str, key: str, *arguments: str | int) -> Any:
    """Call a function as a gateway does; loads the library if Redis does not have it."""
    library = load_library()
    try:
        load_id = client.fcall(library.function("load_id"), 0)
    except ResponseError:
        client.function_load(library.load_text("test"))
        load_id = b"test"
    return client.fcall(library.function(name), 1, key, load_id, *arguments)
