"""Money against supply, and balances against zero. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from tapewire.audit.orders import UnreadableRecord
from tapewire.packed.records import read_account
from tapewire.values.account_types import AccountRecord


def parse_account(account: str, fields: Mapping[str, str]) -> AccountRecord:
    """Read an account. Raises UnreadableRecord."""
    if not fields:
        raise UnreadableRecord(f"account {account} is listed, but there is none")
    raw = {
        name.encode("utf-8", "surrogateescape"): value.encode("utf-8", "surrogateescape")
        for name, value in fields.items()
    }
    try:
        return read_account(account, raw)
    except KeyError as error:
        raise UnreadableRecord(f"account {account} has no {error}") from None
    except (ValueError, TypeError) as error:
        raise UnreadableRecord(f"account {account} cannot be read: {error}") from None


def parse_supply(fields: Mapping[str, str]) -> dict[str, int]:
    """Read the supply: asset to units. Raises UnreadableRecord."""
    try:
        return {asset: int(units) for asset, units in fields.items()}
    except ValueError as error:
        raise UnreadableRecord(f"the supply cannot be read: {error}") from None


def supply_differences(
    records: Iterable[AccountRecord], supply: Mapping[str, int]
) -> Iterator[str]:
    """Assets whose balances do not add up to the supply, a sentence each."""
    sums: Counter[str] = Counter()
    for record in records:
        for asset, balance in record.balances.items():
            sums[asset] += balance.total
    for asset in sorted(sums.keys() | supply.keys()):
        had, due = sums[asset], supply.get(asset, 0)
        if had != due:
            yield (
                f"the accounts have {had} units of {asset}, the supply is {due}: "
                f"{abs(had - due)} too {'many' if had > due else 'few'}"
            )


def negative_differences(record: AccountRecord, *, funds_checked: bool) -> Iterator[str]:
    """Balances below zero, a sentence each; without checked funds available may be below zero."""
    for asset, balance in record.balances.items():
        parts = [("held", balance.held), ("incoming", balance.incoming)]
        if funds_checked:
            parts.insert(0, ("available", balance.available))
        for name, units in parts:
            if units < 0:
                yield f"account {record.account} has {units} units of {asset} {name}"
