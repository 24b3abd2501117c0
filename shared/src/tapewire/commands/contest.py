"""`tapewire contest`: performance, leaderboard, rounds, notices, a fresh start, the audit."""

import sys
from typing import Literal

import click

from tapewire.commands.client_options import ClientChoice, client_options
from tapewire.commands.options import checked, time_with_offset
from tapewire.commands.words import WholeNumber
from tapewire.errors import ConfigurationError
from tapewire.terminal.contest_tables import (
    leaderboard_table,
    notices_table,
    performance_table,
    round_table,
)
from tapewire.values.paper_money import parse_paper_money

ROUND_DURATION_S_MAX = 7 * 86_400
DELAY_S_MAX = 86_400
DIFFERENT_STATUS = 1


def _amounts(text: str) -> dict[str, str]:
    """`USDT=100000,BTC=2` as amounts by asset. Raises ValueError."""
    try:
        parse_paper_money(text)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None
    pairs = dict(part.strip().split("=") for part in text.split(",") if part.strip())
    if "*" in pairs:
        raise ValueError("name each asset: * is not possible here")
    return pairs


@click.group()
def contest() -> None:
    """Run a class or a competition.

    At a venue with keys, a command that changes something needs a key with the permission
    admin.
    """


@contest.command()
@client_options
def performance(chosen: ClientChoice) -> None:
    """Show the profit, loss and fees of the account."""
    with chosen.connected() as session:
        found = session.client.performance()
        session.output.document(found, performance_table(found))


@contest.command()
@click.option(
    "--all",
    "is_whole",
    is_flag=True,
    help="As an administrator: show every account, without delay.",
)
@client_options
def leaderboard(chosen: ClientChoice, *, is_whole: bool) -> None:
    """Show the leaderboard: the accounts in the order of their results."""
    with chosen.connected() as session:
        client = session.client
        found = client.admin.whole_leaderboard() if is_whole else client.leaderboard()
        session.output.document(found, leaderboard_table(found))


@contest.command()
@click.option(
    "--visibility", type=click.Choice(["all", "admins"]), help="The readers of the leaderboard."
)
@click.option(
    "--delay-s",
    type=WholeNumber(0, DELAY_S_MAX),
    help="Delay of the leaderboard for traders, in seconds.",
)
@click.option(
    "--names",
    type=click.Choice(["accounts", "aliases"]),
    help="Whether the leaderboard shows account names or aliases.",
)
@click.option(
    "--price",
    type=click.Choice(["last", "mid"]),
    help="Value assets at the last trade or between the best prices.",
)
@click.option("--asset", metavar="ASSET", help="The asset in which results are counted.")
@client_options
def show(  # noqa: PLR0917 (click passes options by name)
    chosen: ClientChoice,
    visibility: Literal["all", "admins"] | None,
    delay_s: int | None,
    names: Literal["accounts", "aliases"] | None,
    price: Literal["last", "mid"] | None,
    asset: str | None,
) -> None:
    """Set who sees the leaderboard and what it shows. Options left out change nothing."""
    with chosen.connected() as session:
        found = session.client.admin.change_leaderboard_options(
            visibility=visibility, delay_s=delay_s, names=names, price=price, asset=asset
        )
        session.output.document(
            found,
            f"{found.visibility} see it {found.delay_s} s late, with {found.names}, valued at "
            f"{found.price} in {found.asset or 'the usual asset'}",
        )


@contest.command("round")
@client_options
def show_round(chosen: ClientChoice) -> None:
    """Show the newest round."""
    with chosen.connected() as session:
        found = session.client.round_now().round
        session.output.document(found, round_table(found))


@contest.command()
@click.argument("name")
@click.argument("duration_s", type=WholeNumber(1, ROUND_DURATION_S_MAX))
@click.option(
    "--starts-at",
    metavar="TIME",
    callback=checked(time_with_offset),
    help="Start then (ISO 8601 with an offset). Default: now.",
)
@click.option(
    "--halt", is_flag=True, help="Halt the markets before and after the round, cancels too."
)
@click.option("--keep-orders", is_flag=True, help="Keep open orders at the end of the round.")
@click.option(
    "--symbol",
    "symbols",
    multiple=True,
    metavar="SYMBOL",
    help="Markets of the round; may be repeated. Default: all.",
)
@click.option(
    "--auction",
    "auction_s",
    type=WholeNumber(0, ROUND_DURATION_S_MAX),
    metavar="SECONDS",
    help="Begin the round with an auction of this length. Default: none.",
)
@client_options
def start(  # noqa: PLR0917 (click passes options by name)
    chosen: ClientChoice,
    name: str,
    duration_s: int,
    starts_at: str | None,
    halt: bool,
    keep_orders: bool,
    symbols: tuple[str, ...],
    auction_s: int | None,
) -> None:
    """Start the round NAME, which takes DURATION_S seconds, or announce it."""
    with chosen.connected() as session:
        found = session.client.admin.schedule_round(
            name, duration_s, starts_at=starts_at, cancel_orders=not keep_orders,
            closed_state="halted" if halt else "cancel_only",
            symbols=[symbol.upper() for symbol in symbols], auction_s=auction_s,
        )  # fmt: skip
        session.output.document(found, round_table(found))


@contest.command()
@client_options
def end(chosen: ClientChoice) -> None:
    """End the round now and keep its results."""
    with chosen.connected() as session:
        found = session.client.admin.end_round()
        session.output.document(found, round_table(found))


@contest.command()
@click.argument("number", type=WholeNumber(1))
@client_options
def results(chosen: ClientChoice, number: int) -> None:
    """Show the leaderboard at the end of round NUMBER."""
    with chosen.connected() as session:
        found = session.client.round_results(number)
        session.output.document(found, leaderboard_table(found))


@contest.command()
@click.argument("text", required=False)
@client_options
def notice(chosen: ClientChoice, text: str | None) -> None:
    """Send TEXT to all traders. Without TEXT, list the newest notices."""
    with chosen.connected() as session:
        if text is None:
            listed = session.client.notices()
            session.output.records(listed.notices, notices_table(listed))
        else:
            sent = session.client.admin.send_notice(text)
            session.output.document(sent, f"sent: {sent.text}")


@contest.command()
@click.argument("name", metavar="ACCOUNT")
@click.argument("alias", required=False)
@client_options
def alias(chosen: ClientChoice, name: str, alias: str | None) -> None:
    """Show ACCOUNT as ALIAS on the leaderboard.

    Without ALIAS, the alias of the account is removed.
    """
    with chosen.connected() as session:
        found = session.client.admin.set_alias(name, alias)
        session.output.document(found, f"{found.account}: {found.alias or 'no alias'}")


@contest.command("fresh-start")
@click.argument("balances", callback=checked(_amounts))
@click.confirmation_option(prompt="Cancel every order, and set every balance?")
@client_options
def fresh_start(chosen: ClientChoice, balances: dict[str, str]) -> None:
    """Cancel every order and give every account BALANCES.

    BALANCES are amounts by asset, such as USDT=100000,BTC=2.
    """
    with chosen.connected() as session:
        done = session.client.admin.reset(balances)
        halted = f"; halted markets keep theirs: {', '.join(done.halted)}" if done.halted else ""
        session.output.document(
            done, f"{done.accounts} accounts; {done.canceled_count} orders were canceled{halted}"
        )


@contest.command("audit")
@client_options
def run_audit(chosen: ClientChoice) -> None:
    """Let the gateway run the audit; status 1 if it finds a difference."""
    with chosen.connected() as session:
        found = session.client.admin.audit()
        lines = [f"{check.check:<9} {check.different_count or 'ok'} {check.counted}"
                 for check in found.checks]  # fmt: skip
        session.output.document(found, "\n".join(lines))
        if not found.clean:
            sys.exit(DIFFERENT_STATUS)
