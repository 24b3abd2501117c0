"""Execution reports and balances of an account as framed messages."""

import asyncio
from collections.abc import Iterable, Iterator

from market_data.feed.account_log import READ_REPORTS_MAX, AccountLog
from market_data.feed.denominations import Denominations
from tapewire.web.websocket_frames import text_frame
from tapewire.wire.account_event import AccountEvent, Balance, ExecutionReport
from tapewire.wire.account_feed import render_balances, render_report

Rendered = tuple[ExecutionReport, bytes]
"""An execution report and its frame."""


class AccountFrames:
    """Renders messages of accounts whose decimals `denominations` has read."""

    def __init__(self, log: AccountLog) -> None:
        self.denominations = Denominations(log)
        self._prepared: tuple[AccountEvent, list[Rendered]] | None = None

    async def prepare(self, event: AccountEvent) -> None:
        """Render the reports of a message with many in a thread; `reports` hands them out once.

        The event loop would stand still for 0.1 s with the most reports that a message can have.
        """
        if len(event.reports) > READ_REPORTS_MAX and self.denominations.knows(event):
            frames = await asyncio.to_thread(list, self._render(event))
            self._prepared = event, frames

    def reports(self, event: AccountEvent) -> Iterable[Rendered]:
        """Each execution report of a message, with its frame."""
        prepared, self._prepared = self._prepared, None
        if prepared is not None and prepared[0] is event:
            return prepared[1]
        return self._render(event)

    def _render(self, event: AccountEvent) -> Iterator[Rendered]:
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
