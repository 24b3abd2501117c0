"""The private messages of the feed: reports and balances of one account. Pure."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from msgspec import Meta, Struct, json

from tapewire.values.decimals import format_units
from tapewire.values.timestamps import format_timestamp
from tapewire.values.types import Instrument
from tapewire.wire.account_event import Balance, ExecutionReport
from tapewire.wire.members import DecimalText, RequestId, Seq, SignedDecimalText, Timestamp
from tapewire.wire.orders import ReportData, report_data


class FeedPart(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type"):
    """Base of every message of the feed. A member that is None by default may be left out.

    Clients ignore unknown members, so that they work with a newer service.
    """


class Authenticated(FeedPart, frozen=True, tag="authenticated"):
    """The answer to authenticate: the private channels are those of this account."""

    account: str
    id: RequestId | None = None


class OrderReport(FeedPart, frozen=True, tag="order"):
    """An execution report; `seq` is +1 for each of an account."""

    account: str
    epoch: str
    seq: Seq
    data: ReportData


class AssetBalance(Struct, frozen=True, gc=False):
    """The balance of an account in an asset; below zero only where funds are not checked."""

    asset: str
    available: Annotated[SignedDecimalText, Meta(description="Free for new orders")]
    held: Annotated[DecimalText, Meta(description="Reserved for open orders")]
    total: Annotated[SignedDecimalText, Meta(description="available + held")]


class BalancesChanged(FeedPart, frozen=True, tag="balances"):
    """The assets that one command changed; `seq` is +1 for each message of an account."""

    account: str
    epoch: str
    seq: Seq
    data: list[AssetBalance]
    timestamp: Timestamp


class BalancesSnapshot(FeedPart, frozen=True, tag="balances_snapshot"):
    """All assets of an account as of `seq`; it replaces what the client had."""

    account: str
    epoch: str
    seq: Seq
    data: list[AssetBalance]
    timestamp: Timestamp


def render_report(
    account: str,
    epoch: str,
    report: ExecutionReport,
    instrument: Instrument,
    decimals: Mapping[str, int],
) -> bytes:
    """One message of the channel `orders`. `decimals` by asset; raises KeyError without them."""
    data = report_data(report, instrument, decimals)
    return json.encode(OrderReport(account=account, epoch=epoch, seq=report.seq, data=data))


def render_balances(
    account: str,
    epoch: str,
    seq: int,
    *,
    balances: Iterable[Balance],
    decimals: Mapping[str, int],
    time_us: int,
    is_snapshot: bool = False,
) -> bytes:
    """One message `balances` or `balances_snapshot`. Raises KeyError for an unknown asset."""
    message = BalancesSnapshot if is_snapshot else BalancesChanged
    return json.encode(
        message(
            account=account,
            epoch=epoch,
            seq=seq,
            data=[
                asset_balance(item.asset, item.available, item.held, decimals[item.asset])
                for item in balances
            ],
            timestamp=format_timestamp(time_us),
        )
    )


def asset_balance(asset: str, available: int, held: int, decimals: int) -> AssetBalance:
    """A balance in units of its asset, as text."""
    return AssetBalance(
        asset,
        format_units(available, decimals),
        format_units(held, decimals),
        format_units(available + held, decimals),
    )
