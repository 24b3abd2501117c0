"""`tapewire watch`: the live tape in a terminal; it survives restarts of the service."""

import os
import sys
import time
from collections.abc import Callable

import click
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.sync.client import ClientConnection, connect

from tapewire.errors import MessageError
from tapewire.tape import FEED_URL_DEFAULT, HEADER, Tape

OPEN_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 1.0
MESSAGE_BYTES_MAX = 1 << 20
RETRY_DELAY_MIN_S = 0.25
RETRY_DELAY_MAX_S = 5.0
# The feed's promise: reconnect after 4000-4499, do not after 4500-4999.
FINAL_CLOSE_CODES = range(4500, 5000)


@click.command(context_settings={"show_default": True})
@click.option("--url", default=FEED_URL_DEFAULT, help="The feed to read.")
@click.option("--symbol", "symbols", multiple=True, help="Show only this one; may be repeated.")
def watch(url: str, symbols: tuple[str, ...]) -> None:
    """Print every trade as it happens, one line each; Ctrl-C ends it."""
    tape = Tape([symbol.upper() for symbol in symbols], colour=sys.stdout.isatty())
    try:
        _follow(url, tape)
    except KeyboardInterrupt:
        click.echo("", err=True)


def _follow(url: str, tape: Tape, sleep: Callable[[float], None] = time.sleep) -> None:
    """Connect, print, reconnect with growing delays. Raises ClickException when that is vain."""
    delay_s = RETRY_DELAY_MIN_S
    told = False
    while True:
        try:
            with connect(
                url,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=MESSAGE_BYTES_MAX,
                compression=None,
                proxy=None,
            ) as connection:
                click.echo(f"connected to {url}", err=True)
                click.echo(HEADER, err=True)
                delay_s, told = RETRY_DELAY_MIN_S, False
                _print_trades(connection, tape)
        except InvalidURI:
            raise click.ClickException(f"{url} is not a WebSocket address") from None
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            if 400 <= status < 500:
                raise click.ClickException(f"{url} answers {status}; is it the feed?") from None
            reason = f"it answers {status}"
        except (OSError, WebSocketException) as error:
            reason = str(error) or type(error).__name__
        else:
            reason = "the feed ended"
        if not told:
            click.echo(f"no feed at {url} ({reason}); trying again", err=True)
            told = True
        sleep(delay_s)
        delay_s = min(2 * delay_s, RETRY_DELAY_MAX_S)


def _print_trades(connection: ClientConnection, tape: Tape) -> None:
    """Print until the connection ends. Raises ClickException if it must not be opened again."""
    try:
        for message in connection:
            for line in tape.lines(message):
                _print(line)
    except MessageError as error:
        raise click.ClickException(str(error)) from None
    except ConnectionClosed as closed:
        if closed.rcvd is not None and closed.rcvd.code in FINAL_CLOSE_CODES:
            raise click.ClickException(f"the feed closed: {closed.rcvd.reason}") from None
        raise


def _print(line: str) -> None:
    """Print one line; a reader that went away (`| head`) ends the command, not the connection."""
    try:
        click.echo(line)
    except BrokenPipeError:
        # The interpreter would complain at its exit when it flushes what nobody reads.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
