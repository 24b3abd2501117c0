"""Brings data of an earlier format to the present one; the venue trades while it happens.

Format 1 (before the key `{tw}:format`) had two more streams per account, `orders:<account>` and
`fills:<account>`. Both say what `account_log:<account>` says too, so they are removed.
"""

from tapewire import keys
from tapewire.matching.batcher import Batcher
from tapewire.packed.packing import FORMAT

ACCOUNTS_PER_STEP = 500


async def upgrade_data(batcher: Batcher) -> None:
    """Bring the data of the venue to the present format. Safe to repeat. Raises Unavailable."""
    epoch, found = await batcher.submit("MGET", keys.EPOCH, keys.FORMAT)
    if epoch is None or found is not None:
        return
    cursor = "0"
    while True:
        following, accounts = await batcher.submit(
            "SSCAN", keys.ACCOUNTS, cursor, "COUNT", ACCOUNTS_PER_STEP
        )
        if accounts:
            names = [account.decode() for account in accounts]
            await batcher.submit("UNLINK", *map(keys.order_history, names))
            await batcher.submit("UNLINK", *map(keys.fill_history, names))
        cursor = following.decode()
        if cursor == "0":
            break
    await batcher.submit("SET", keys.FORMAT, FORMAT)
