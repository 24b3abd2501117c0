"""The options of `tapewire up`."""

from pathlib import Path
from typing import get_args

import click

from tapewire.errors import ConfigurationError
from tapewire.launcher.options import LaunchOptions
from tapewire.launcher.screen import say
from tapewire.launcher.signals import Signals
from tapewire.launcher.venue import Venue
from tapewire.redis.server import Fsync
from tapewire.settings import Auth, Funds, LogLevel
from tapewire.values.paper_money import DEFAULT_BALANCES, parse_paper_money

PORT = click.IntRange(0, 65_535)
WORKERS = click.IntRange(1, 64)


def _check_balances(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        parse_paper_money(value)
    except ConfigurationError as error:
        raise click.BadParameter(str(error)) from None
    return value


@click.command(context_settings={"show_default": True, "max_content_width": 100})
@click.option("--host", default="127.0.0.1", help="Address both services listen on.")
@click.option(
    "--gateway-port",
    type=PORT,
    metavar="PORT",
    default=8000,
    envvar="TAPEWIRE_GATEWAY_PORT",
    help="Port for orders (REST); 0 takes a free one.",
)
@click.option(
    "--market-data-port",
    type=PORT,
    metavar="PORT",
    default=8001,
    envvar="TAPEWIRE_MARKET_DATA_PORT",
    help="Port for the feed (WebSocket); 0 takes a free one.",
)
@click.option(
    "--redis-url",
    metavar="URL",
    envvar="REDIS_URL",
    show_envvar=True,
    help="Use this Redis instead of starting one: redis:// rediss:// unix:// and more.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".tapewire"),
    help="Where Redis keeps the venue's data, and the logs.",
)
@click.option(
    "--gateway-workers", type=WORKERS, metavar="N", default=1, help="Gateway processes on one port."
)
@click.option(
    "--market-data-workers",
    type=WORKERS,
    metavar="N",
    default=1,
    help="Market-data processes on one port.",
)
@click.option(
    "--instruments",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="TAPEWIRE_INSTRUMENTS",
    show_default="BTC-USDT, ETH-USDT and SOL-USDT",
    help="What is traded (a TOML file).",
)
@click.option(
    "--fsync",
    type=click.Choice(get_args(Fsync)),
    default="always",
    help="When our Redis syncs its log to disk: before each answer, or every second.",
)
@click.option(
    "--auth",
    type=click.Choice(get_args(Auth)),
    default="open",
    envvar="TAPEWIRE_AUTH",
    help="Who a request is of: whom it names (open), or whose API key it brings (keys).",
)
@click.option(
    "--open-to-network",
    is_flag=True,
    envvar="TAPEWIRE_OPEN_TO_NETWORK",
    help="Let --auth open listen on more than loopback: whoever reaches it acts for anybody.",
)
@click.option("--open", "open_page", is_flag=True, help="Open the trading page in a browser.")
@click.option("--demo", is_flag=True, help="Add a small crowd of traders, so that prices move.")
@click.option(
    "--log-level",
    type=click.Choice(get_args(LogLevel)),
    default="info",
    envvar="TAPEWIRE_LOG_LEVEL",
    help="Least severe level in the log files.",
)
@click.option(
    "--funds",
    type=click.Choice(get_args(Funds)),
    default="checked",
    envvar="TAPEWIRE_FUNDS",
    help="Whether an order needs money; unchecked for simulations and replays.",
)
@click.option(
    "--paper-balances",
    metavar="ASSET=AMOUNT,...",
    callback=_check_balances,
    default=DEFAULT_BALANCES,
    envvar="TAPEWIRE_PAPER_BALANCES",
    help="What a new account starts with; * is every other asset.",
)
@click.pass_context
def up(
    context: click.Context,
    *,
    host: str,
    gateway_port: int,
    market_data_port: int,
    redis_url: str | None,
    data_dir: Path,
    gateway_workers: int,
    market_data_workers: int,
    instruments: Path | None,
    fsync: Fsync,
    auth: Auth,
    open_to_network: bool,
    demo: bool,
    log_level: LogLevel,
    funds: Funds,
    paper_balances: str,
    open_page: bool,
) -> None:
    """Start the whole venue here: Redis, the order gateway and the market-data service.

    Ctrl-C stops everything in order; press it again to kill what hangs. A part that dies is
    started again.
    """
    if gateway_port == market_data_port != 0:
        raise click.UsageError("--gateway-port and --market-data-port must differ")
    if demo and auth == "keys":
        raise click.UsageError("--demo needs --auth open: the crowd has no API keys")
    options = LaunchOptions(
        host=host,
        gateway_port=gateway_port,
        market_data_port=market_data_port,
        redis_url=redis_url,
        data_dir=data_dir,
        gateway_workers=gateway_workers,
        market_data_workers=market_data_workers,
        instruments=instruments,
        fsync=fsync,
        auth=auth,
        open_to_network=open_to_network,
        demo=demo,
        log_level=log_level,
        funds=funds,
        paper_balances=paper_balances,
        open_page=open_page,
    )
    with Signals() as signals:
        say("tapewire: starting")
        context.exit(Venue(options, signals).run())
