"""An event of one account, as published on `account_events` and kept in its log. Pure.

The function library writes one message per command and account that it changed: parts joined by
byte 0x1E, a header, the balances that changed, then one part per order that changed. Each change
of an order is one or more *execution reports*: what it is (`new`, `amended`, `triggered`), its
fills, its end. A message has only the state in which the order was left, so the states between are
found by walking the fills back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from tapewire.errors import MessageError
from tapewire.limits import ACCOUNT_MESSAGE_BYTES_MAX
from tapewire.packed.events import BALANCE, CHANGE, EVENT_HEADER
from tapewire.packed.layout import EXECUTION, FILL
from tapewire.packed.packing import split_items, split_parts
from tapewire.packed.records import read_order
from tapewire.values.types import Liquidity, Order, OrderStatus

ReportKind: TypeAlias = Literal["new", "amended", "triggered", "trade", "canceled", "expired"]

KINDS: dict[str, ReportKind | None] = {
    "new": "new",
    "amended": "amended",
    "triggered": "triggered",
    "": None,
}
ENDS: dict[OrderStatus, ReportKind] = {
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "expired",
}
_LIQUIDITY = {"m": Liquidity.MAKER, "t": Liquidity.TAKER}


class AccountHeader(NamedTuple):
    """Whose message it is, and where the account stands after it."""

    account: str
    epoch: str
    seq: int
    balance_seq: int
    time_us: int


class Balance(NamedTuple):
    """The units of an asset that an account has; negative only where funds are unchecked."""

    asset: str
    available: int
    held: int


class Execution(NamedTuple):
    """One fill as the account sees it; the fee in units of the asset that was received."""

    seq: int
    ticks: int
    lots: int
    liquidity: Liquidity
    time_us: int
    fee_units: int


@dataclass(frozen=True, slots=True)
class OrderChange:
    """The changes of one order by one command; `order` is the state afterwards."""

    kind: ReportKind | None
    order: Order
    executions: tuple[Execution, ...]

    @property
    def steps(self) -> list[tuple[ReportKind, Execution | None]]:
        """Its execution reports, in order."""
        steps: list[tuple[ReportKind, Execution | None]] = []
        if self.kind is not None:
            steps.append((self.kind, None))
        steps += [("trade", execution) for execution in self.executions]
        end = ENDS.get(self.order.status)
        return steps if end is None else [*steps, (end, None)]


class ExecutionReport(NamedTuple):
    """One step in the life of an order, and the state in which it left it.

    `order` is the order after the last step of its command; what may have been otherwise before
    stands here.
    """

    seq: int
    kind: ReportKind
    order: Order
    executed_lots: int
    executed_notional: int
    status: OrderStatus
    reason: str | None
    execution: Execution | None
    time_us: int

    @property
    def remaining_lots(self) -> int:
        """Lots that are neither executed nor prevented."""
        return self.order.quantity_lots - self.executed_lots - self.order.prevented_lots


@dataclass(frozen=True)
class AccountEvent:
    """One message: all changes of one account by one command."""

    header: AccountHeader
    balances: tuple[Balance, ...]
    changes: tuple[OrderChange, ...]

    @cached_property
    def reports(self) -> tuple[ExecutionReport, ...]:
        """The execution reports, in order; the last one has the number of the header."""
        reports: list[ExecutionReport] = []
        seq = self.before[0]
        for change in self.changes:
            reports += _walk(change, seq + len(reports) + 1, self.header.time_us)
        return tuple(reports)

    @cached_property
    def before(self) -> tuple[int, int]:
        """Where the account stood before it: number of report, number of change of balances."""
        return (
            self.header.seq - sum(len(change.steps) for change in self.changes),
            self.header.balance_seq - bool(self.balances),
        )

    @property
    def epoch(self) -> str:
        """The life of the venue's data that it belongs to."""
        return self.header.epoch

    @property
    def name(self) -> str:
        """The account."""
        return self.header.account

    # Reports and changes of balances counted together: as both only grow, and every message lets
    # one of them grow, this one number proves that no message is missing.

    @property
    def first(self) -> int:
        """The first number that it has, of reports and changes of balances together."""
        return sum(self.before) + 1

    @property
    def last(self) -> int:
        """The last number that it has, of reports and changes of balances together."""
        return self.header.seq + self.header.balance_seq


_Message = TypeVar("_Message")


def reads_messages(read: Callable[..., _Message]) -> Callable[..., _Message]:
    """Let a function that reads messages raise MessageError for a message that it cannot read."""

    @wraps(read)
    def checked(*payloads: bytes) -> _Message:
        for payload in payloads:
            if len(payload) > ACCOUNT_MESSAGE_BYTES_MAX:
                raise MessageError(f"an account message of {len(payload)} bytes is over the limit")
        try:
            return read(*payloads)
        except (ValueError, KeyError, UnicodeDecodeError) as error:
            raise MessageError(f"not a message of an account: {error}") from None

    return checked


@reads_messages
def decode_account_event(payload: bytes) -> AccountEvent:
    """Read one message. Raises MessageError for anything that is not one of ours."""
    head, texts, *changes = split_parts(payload.decode())
    balances = tuple(map(read_balance, split_items(texts)))
    event = AccountEvent(read_header(head), balances, tuple(map(_read_change, changes)))
    # Also reads the states between, so that nothing is wrong later.
    is_whole = min(event.before) >= 0 and len(event.reports) >= 0
    if not is_whole or event.before == (event.header.seq, event.header.balance_seq):
        raise ValueError("its numbers contradict each other")
    return event


def read_balance(text: str) -> Balance:
    """One balance of a message. Raises ValueError."""
    item = BALANCE.read(text)
    return Balance(item.asset, int(item.available), int(item.held))


def read_header(text: str) -> AccountHeader:
    """The first part of a message. Raises ValueError."""
    head = EVENT_HEADER.read(text)
    if not (head.account and head.epoch):
        raise ValueError("it names no account or no epoch")
    return AccountHeader(
        head.account, head.epoch, int(head.seq), int(head.balance_seq), int(head.time_us)
    )


def _read_change(text: str) -> OrderChange:
    change = CHANGE.read(text)
    record = {b"terms": change.terms.encode(), b"state": change.state.encode()}
    return OrderChange(
        KINDS[change.kind],
        read_order(change.order_id, record),
        read_executions(change.fills),
    )


def read_executions(fills: str) -> tuple[Execution, ...]:
    """The fills of a change, in order. Raises ValueError, KeyError."""
    return tuple(_read_execution(int(item.seq), item.fill) for item in EXECUTION.read_list(fills))


def _read_execution(seq: int, text: str) -> Execution:
    fill = FILL.read(text)
    return Execution(
        seq,
        int(fill.ticks),
        int(fill.lots),
        _LIQUIDITY[fill.liquidity],
        int(fill.time_us),
        int(fill.fee_units),
    )


def _walk(change: OrderChange, seq: int, time_us: int) -> Iterator[ExecutionReport]:
    """The reports of a change, from number `seq` on. Raises ValueError for impossible fills."""
    final = change.order
    executed = final.executed_lots - sum(item.lots for item in change.executions)
    notional = final.executed_notional - sum(item.ticks * item.lots for item in change.executions)
    if executed < 0 or notional < 0:
        raise ValueError(f"order {final.order_id} was filled by more than it executed")
    steps = change.steps
    for index, (kind, execution) in enumerate(steps):
        if execution is not None:
            executed += execution.lots
            notional += execution.ticks * execution.lots
        is_last = index == len(steps) - 1
        between = OrderStatus.PARTIALLY_FILLED if executed else OrderStatus.NEW
        yield ExecutionReport(
            seq + index,
            kind,
            final,
            executed,
            notional,
            final.status if is_last else between,
            final.reason if is_last else None,
            execution,
            time_us if execution is None else execution.time_us,
        )
