"""Performance, leaderboard, rounds and notices as tables. Pure."""

from rich.table import Table

from tapewire.client.contest_replies import Leaderboard, Notices, Performance
from tapewire.terminal.tables import NONE, amount_text, decimal_text, new_table, time_text
from tapewire.wire.venue_event import RoundInfo


def leaderboard_table(board: Leaderboard) -> Table:
    """The best first."""
    numbers = ("rank", "P&L", "equity", "realised", "fees", "volume", "trades")
    since = "" if board.round is None else f", since the start of round {board.round}"
    table = new_table(
        "rank", "name", *numbers[1:], numbers=numbers, title=f"in {board.valued_in}{since}",
        empty=f"nobody has traded yet{since}",
    )  # fmt: skip
    for row in board.ranks:
        amounts = (row.pnl, row.equity, row.realised, row.fees, row.volume)
        table.add_row(str(row.rank), row.name, *map(amount_text, amounts), str(row.trades))
    return table


def performance_table(found: Performance) -> Table:
    """One market a line, then the account as a whole."""
    numbers = ("position", "average price", "realised", "unrealised", "volume", "trades")
    made, deposits = amount_text(found.pnl), amount_text(found.deposits)
    title = f"{found.account}: {made} {found.valued_in} on {deposits} deposited"
    table = new_table("symbol", *numbers, numbers=numbers, title=title, empty=f"{title}; no trades")
    for market in found.markets:
        amounts = (market.average_price, market.realised, market.unrealised, market.volume)
        table.add_row(
            market.symbol, decimal_text(market.position), *map(amount_text, amounts),
            str(market.trades),
        )  # fmt: skip
    return table


def round_table(found: RoundInfo | None) -> Table:
    """One round."""
    auction_ends_at = None if found is None else found.auction_ends_at
    auction = [] if auction_ends_at is None else ["auction ends (UTC)"]
    table = new_table(
        "round", "name", "state", "starts (UTC)", *auction, "ends (UTC)", "closed", "markets",
        empty="there was no round yet; start one with: tapewire contest start",
    )  # fmt: skip
    if found is not None:
        table.add_row(
            str(found.number), found.name, found.state, time_text(found.starts_at),
            *([] if auction_ends_at is None else [time_text(auction_ends_at)]),
            time_text(found.ends_at), found.closed_state, ", ".join(found.symbols) or "all",
        )  # fmt: skip
    return table


def notices_table(found: Notices) -> Table:
    """The newest first."""
    table = new_table("time (UTC)", "notice", empty="no notices")
    for notice in found.notices:
        table.add_row(time_text(notice.timestamp), notice.text or NONE)
    return table
