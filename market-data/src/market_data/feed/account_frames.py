"""Execution reports and balances of an account as framed messages."""

from collections.abc import Iterable, Iterator

from market_data.feed.account_log import AccountLog
from market_data.feed.denominations import Denominations
from tapewire.web.websocket_frames import text_frame
from tapewire.wire.account_event import AccountEvent, Balance, ExecutionReport
from tapewire.wire.account_feed import render_balances, render_report


class AccountFrames:
    """Renders messages of accounts whose decimals `denominations` has read."""

    def __init__(self, log: AccountLog) -> None:
        self.denominations = Denominations(log)

    def reports(self, event: AccountEvent) -> Iterator[tuple[ExecutionReport, bytes]]:
        """Each execution report of a message, with its frame."""
        known = self.denominations
        for report in event.reports:
            instrument = known.instruments[report.order.symbol]
            yield (
                report,
                text_frame(
                    render_report(event.name, event.epoch, report, instrument, known.decimals)
                ),
            )

    def balances(self, event: AccountEvent) -> bytes:
        """The balances that a message changed."""
        return text_frame(
            render_balances(
                event.name,
                event.epoch,
                event.header.balance_seq,
                balances=event.balances,
                decimals=self.denominations.decimals,
                time_us=event.header.time_us,
            )
        )

    def snapshot(
        self, name: str, epoch: str, seq: int, balances: Iterable[Balance], time_us: int
    ) -> bytes:
        """All balances of an account as of `seq`."""
        return text_frame(
            render_balances(
                name,
                epoch,
                seq,
                balances=balances,
                decimals=self.denominations.decimals,
                time_us=time_us,
                is_snapshot=True,
            )
        )
