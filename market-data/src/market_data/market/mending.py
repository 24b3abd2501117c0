"""Gives a client that lagged the present state of what it has a gap in, behind the notice."""

from collections.abc import Callable, Mapping

from market_data.fanout.lag import BALANCES, LagPolicy
from market_data.fanout.ring import Note
from market_data.fanout.session import Session
from market_data.market.books import BOOK_CHANNELS

FirstFrame = Callable[[str, str], bytes | None]
"""Of a channel and a symbol, the framed state that a new subscriber starts from, if known."""


def gap_mender(first_frames: Mapping[str, FirstFrame]) -> Callable[[Session, list[Note]], None]:
    """What to call when a client was told of gaps: balances always, books if it conflates."""

    def mend(session: Session, gaps: list[Note]) -> None:
        for gap in gaps:
            is_book = gap.channel in BOOK_CHANNELS and session.policy is LagPolicy.CONFLATE
            if is_book or gap.channel == BALANCES:
                frame = first_frames[gap.channel](gap.channel, gap.symbol)
                if frame is not None:
                    session.send(frame)

    return mend
