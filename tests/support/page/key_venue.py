"""A venue with API keys and its page, and the first administrator's key."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from tapewire import keys
from tapewire.api_keys.text import Permission, make_key, write_record
from tapewire.values.types import Account
from tests.support.page.venue import PageVenue, running_page_venue


@contextmanager
def running_key_page_venue(redis_url: str, folder: Path) -> Iterator[PageVenue]:
    """Run both services until the block ends; `key` may administer and trade as boss."""
    with running_page_venue(redis_url, folder, TAPEWIRE_AUTH="keys") as venue:
        new = make_key(
            Account("boss"), (Permission.ADMIN, Permission.TRADE), label="test", created_us=1,
            expires_us=None,
        )  # fmt: skip
        with redis.Redis.from_url(redis_url) as client:
            fields: dict[Any, Any] = dict(write_record(new.record))
            client.hset(keys.api_key(new.record.key_id), mapping=fields)
            client.sadd(keys.API_KEYS, new.record.key_id)
        venue.key = new.text
        yield venue
