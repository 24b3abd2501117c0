"""The private messages of the feed: reports and balances of one account. Pure."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, TypeAlias

from msgspec import DecodeError, Meta, Struct, json

from tapewire.errors import MessageError
from tapewire.limits import ACCOUNT_CHARACTERS_MAX, TRADE_MESSAGE_BYTES_MAX
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
    """The answer to authenticate: the account of the private channels."""

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
    """All assets of an account as of `seq`; replaces the client's balances."""

    account: str
    epoch: str
    seq: Seq
    data: list[AssetBalance]
    timestamp: Timestamp


class AccountChange(Struct, frozen=True, gc=False):
    """The state of an account after an administrator changed it, its fees or its limits."""

    account: Annotated[str, Meta(min_length=1, max_length=ACCOUNT_CHARACTERS_MAX)]
    state: Annotated[
        Literal["active", "blocked"], Meta(description="A blocked account may only cancel")
    ]
    timestamp: Timestamp
    epoch: str


class AccountChanged(FeedPart, frozen=True, tag="account"):
    """An administrator changed state, fees or limits of the account: read `GET /v1/account`."""

    data: AccountChange


AccountMessage: TypeAlias = (
    Authenticated | OrderReport | BalancesChanged | BalancesSnapshot | AccountChanged
)

_CHANGE = json.Decoder(AccountChange)


def decode_account_change(payload: bytes) -> AccountChange:
    """Read one JSON object of `account_events`. Raises MessageError for any other text."""
    if len(payload) > TRADE_MESSAGE_BYTES_MAX:
        raise MessageError(f"a change of an account of {len(payload)} bytes is over the limit")
    try:
        return _CHANGE.decode(payload)
    except (DecodeError, UnicodeDecodeError) as error:
        raise MessageError(f"not a change of an account: {error}") from None


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
