"""The losses that a failover could cause with the present settings of Redis, in one sentence."""

import logging
from collections.abc import Mapping
from typing import Any

from redis.exceptions import RedisError

from tapewire.redis.client import AsyncRedis

logger = logging.getLogger(__name__)

# `INFO replication` has this field only if min-replicas-to-write and -max-lag are both set.
_GOOD_REPLICAS = ("min_slaves_good_slaves", "min_replicas_good_replicas")


def replication_risk(replication: Mapping[str, Any]) -> str | None:
    """Read `INFO replication` of a primary; None if it has no replicas or looks after them."""
    replicas = int(replication.get("connected_slaves", replication.get("connected_replicas", 0)))
    if not replicas or any(name in replication for name in _GOOD_REPLICAS):
        return None
    return (
        f"Redis has replicas ({replicas}), and min-replicas-to-write is 0: a primary that is cut "
        "off goes on to take orders, which a failover loses. Set min-replicas-to-write 1 and "
        "min-replicas-max-lag 1 on every server."
    )


async def warn_of_replication_risk(client: AsyncRedis) -> None:
    """Log the possible loss of a failover. A Redis without this information is passed over."""
    try:
        risk = replication_risk(await client.info("replication"))
    except (RedisError, OSError) as error:
        logger.debug("the replication of Redis is not known: %s", error)
        return
    if risk is not None:
        logger.warning("%s", risk)
