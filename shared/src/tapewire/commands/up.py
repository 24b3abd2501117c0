"""The options of `tapewire up`."""

import os
from pathlib import Path
from typing import Any, get_args

import click

from tapewire.commands.options import VariableOption, written_as
from tapewire.commands.words import WholeNumber
from tapewire.errors import ConfigurationError
from tapewire.launcher.options import LaunchOptions
from tapewire.launcher.screen import say
from tapewire.launcher.signals import Signals
from tapewire.launcher.venue import Venue
from tapewire.limits import WORKERS_MAX
from tapewire.redis.configuration import Fsync
from tapewire.runtime.log import LogFormat
from tapewire.runtime.venue_address import (
    DATA_DIR_DEFAULT,
    GATEWAY_PORT_DEFAULT,
    HOST_DEFAULT,
    MARKET_DATA_PORT_DEFAULT,
)
from tapewire.values.modes import Auth, Clock, Funds, LogLevel
from tapewire.values.paper_money import DEFAULT_BALANCES, parse_paper_money

PORT = WholeNumber(0, 65_535)
WORKERS = WholeNumber(1, WORKERS_MAX)


def _check_balances(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        parse_paper_money(value)
    except ConfigurationError as error:
        raise click.BadParameter(str(error)) from None
    return value


def _names(context: click.Context, *names: str) -> list[str]:
    """The origin of an option: flag or variable."""
    options = {option.name: option for option in context.command.params}
    return [written_as(context, options[name]) for name in names]


@click.command(context_settings={"show_default": True, "max_content_width": 100})
@click.option("--host", default=HOST_DEFAULT, help="Address at which both services listen.")
@click.option(
    "--gateway-port",
    type=PORT,
    metavar="PORT",
    default=GATEWAY_PORT_DEFAULT,
    cls=VariableOption,
    envvar="TAPEWIRE_GATEWAY_PORT",
    help="Port for orders (REST); 0 takes a free one.",
)
@click.option(
    "--market-data-port",
    type=PORT,
    metavar="PORT",
    default=MARKET_DATA_PORT_DEFAULT,
    cls=VariableOption,
    envvar="TAPEWIRE_MARKET_DATA_PORT",
    help="Port for the feed (WebSocket); 0 takes a free one.",
)
@click.option(
    "--redis-url",
    metavar="URL",
    cls=VariableOption,
    envvar="REDIS_URL",
    show_envvar=True,
    help="Use this Redis instead of starting one: redis:// rediss:// unix:// and more.",
)
@click.option(
    "--redis-port",
    type=PORT,
    metavar="PORT",
    default=None,
    show_default="6379, or a free one if 6379 is taken",
    help="Port of the Redis that the venue starts.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA_DIR_DEFAULT,
    help="Directory of the venue's data and logs; other commands find the venue by its name.",
)
@click.option(
    "--gateway-workers",
    type=WORKERS,
    metavar="N",
    default=1,
    cls=VariableOption,
    envvar="TAPEWIRE_GATEWAY_WORKERS",
    help="Gateway processes on one port.",
)
@click.option(
    "--market-data-workers",
    type=WORKERS,
    metavar="N",
    default=1,
    cls=VariableOption,
    envvar="TAPEWIRE_MARKET_DATA_WORKERS",
    help="Market-data processes on one port.",
)
@click.option(
    "--instruments",
    type=click.Path(dir_okay=False, path_type=Path),
    cls=VariableOption,
    envvar="TAPEWIRE_INSTRUMENTS",
    show_default="BTC-USDT, ETH-USDT and SOL-USDT",
    help="Instrument file (TOML).",
)
@click.option(
    "--fsync",
    type=click.Choice(get_args(Fsync)),
    default="always",
    help="When the embedded Redis syncs its log to disk: before each answer, or every second.",
)
@click.option(
    "--auth",
    type=click.Choice(get_args(Auth)),
    default="open",
    cls=VariableOption,
    envvar="TAPEWIRE_AUTH",
    help="How a request names its account: by a header (open), or by its API key (keys).",
)
@click.option(
    "--open-to-network",
    is_flag=True,
    cls=VariableOption,
    envvar="TAPEWIRE_OPEN_TO_NETWORK",
    help="Let --auth open listen beyond loopback: every client then acts for every account.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the trading page in a browser.")
@click.option("--demo", is_flag=True, help="Add a small crowd of traders, so that prices move.")
@click.option(
    "--log-level",
    type=click.Choice(get_args(LogLevel)),
    default="info",
    cls=VariableOption,
    envvar="TAPEWIRE_LOG_LEVEL",
    help="Least severe level in the log files.",
)
@click.option(
    "--log-format",
    type=click.Choice(get_args(LogFormat)),
    default="text",
    cls=VariableOption,
    envvar="TAPEWIRE_LOG_FORMAT",
    help="Log files (text), or JSON lines of the services on standard output (json).",
)
@click.option(
    "--funds",
    type=click.Choice(get_args(Funds)),
    default="checked",
    cls=VariableOption,
    envvar="TAPEWIRE_FUNDS",
    help="Whether an order needs money; unchecked for simulations and replays.",
)
@click.option(
    "--clock",
    type=click.Choice(get_args(Clock)),
    default="venue",
    cls=VariableOption,
    envvar="TAPEWIRE_CLOCK",
    help="Times of orders and trades: by the clock of the venue, or by a replay (recorded).",
)
@click.option(
    "--paper-balances",
    metavar="ASSET=AMOUNT,...",
    callback=_check_balances,
    default=DEFAULT_BALANCES,
    cls=VariableOption,
    envvar="TAPEWIRE_PAPER_BALANCES",
    help="Start balances of a new account; * is every other asset.",
)
@click.pass_context
def up(context: click.Context, /, **values: Any) -> None:  # noqa: ANN401 (checked by the options)
    """Start the whole venue on this machine: Redis, the order gateway and market data.

    Ctrl-C stops all parts in order; a second Ctrl-C kills them. A part that dies is started again.
    """
    options = LaunchOptions(**values)
    _check_together(context, options)
    # Data, logs and the address of the venue are for this user only.
    os.umask(0o077)
    with Signals() as signals:
        say("tapewire: starting", error=options.log_format == "json")
        context.exit(Venue(options, signals).run())


def _check_together(context: click.Context, options: LaunchOptions) -> None:
    """Refuse options that contradict each other. Raises UsageError."""
    if options.gateway_port == options.market_data_port != 0:
        ports = " and ".join(_names(context, "gateway_port", "market_data_port"))
        raise click.UsageError(f"{ports} must differ")
    if options.redis_url and options.redis_port is not None:
        port, url = _names(context, "redis_port", "redis_url")
        raise click.UsageError(
            f"{port} is for a Redis that is started here, and {url} names a Redis that runs "
            "already; leave one of them out"
        )
    if options.clock == "recorded" and options.gateway_workers > 1:
        workers, clock = _names(context, "gateway_workers", "clock")
        raise click.UsageError(
            f"{workers} must be 1 when {clock} is recorded, because each worker hears its own time"
        )
    if options.clock == "recorded" and options.demo:
        (clock,) = _names(context, "clock")
        raise click.UsageError(
            f"--demo and {clock} recorded exclude each other: the crowd has no recorded times"
        )
