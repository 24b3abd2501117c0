"""The common options of commands that trade or read: venue, account, key, output.

A key never stands on the command line, because other users of a machine see command lines.
"""

import functools
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from tapewire.client import OutcomeUnknown, RequestRefused, SyncVenueClient, Unreachable
from tapewire.commands.options import locate, say_venue, venue_option
from tapewire.commands.words import name_commands
from tapewire.errors import ConfigurationError, TapewireError
from tapewire.runtime.venue_address import VenueAddress, default_venue
from tapewire.terminal.output import Output

ACCOUNT_VARIABLE = "TAPEWIRE_ACCOUNT"
KEY_VARIABLE = "TAPEWIRE_API_KEY"
KEY_FILE_VARIABLE = "TAPEWIRE_API_KEY_FILE"
KEY_FILE_BYTES_MAX = 4_096

LIST_SYMBOLS = " `tapewire instruments` lists the symbols."

EXIT_FAILED = 1
EXIT_UNKNOWN = 5

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ClientChoice:
    """The venue, account and output that the options of a command name."""

    wanted_venue: str | None
    account: str | None
    api_key_file: Path | None
    ca_file: Path | None
    is_json: bool

    @contextmanager
    def connected(self) -> Iterator["Session"]:
        """A client of the venue, which is named on standard error.

        A refusal, or a venue that does not answer, ends the command with one sentence and status 1;
        a lost answer with status 5.
        """
        venue = locate(self.wanted_venue)
        if venue.gateway_url is None:
            raise click.UsageError(f"{venue.name} is no gateway; name a data directory or a URL")
        say_venue(venue.name, venue.gateway_url)
        try:
            account, key = self.account or os.environ.get(ACCOUNT_VARIABLE), self._key(venue)
            with SyncVenueClient(
                self.wanted_venue,
                account=account,
                api_key=key,
                ca_file=self.ca_file,
            ) as client:
                yield Session(client, Output(is_json=self.is_json), venue)
        except OutcomeUnknown as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(EXIT_UNKNOWN)
        except (TapewireError, ValueError) as error:
            click.echo(f"Error: {name_commands(str(error))}{_advice(error, venue)}", err=True)
            sys.exit(EXIT_FAILED)

    def _key(self, venue: VenueAddress) -> str | None:
        """The API key, if there is one; warns of a venue that reads none."""
        key = read_key(self.api_key_file)
        if key is not None and venue.is_open:
            click.echo(
                "Warning: this venue is open and reads no API key; --account names the account",
                err=True,
            )
        return key


def _advice(error: Exception, venue: VenueAddress) -> str:
    """The next step, if a key is missing, or no venue was named and none answers."""
    if isinstance(error, RequestRefused) and error.code == "key_required":
        return f" Give the command a key with --api-key-file FILE or {KEY_VARIABLE}."
    if isinstance(error, RequestRefused) and error.code == "unknown_symbol":
        return "" if "tapewire" in name_commands(str(error)) else LIST_SYMBOLS
    if isinstance(error, RequestRefused) and error.code == "not_found":
        return f" {venue.gateway_url} may be no order gateway: name the gateway with --venue."
    if not isinstance(error, Unreachable) or venue != default_venue():
        return ""
    return "; start a venue with `tapewire up`, or name one with --venue"


@dataclass(frozen=True, slots=True)
class Session:
    """A client of the venue, and where the command prints."""

    client: SyncVenueClient
    output: Output
    venue: VenueAddress


def client_options(command: _Command) -> Any:  # noqa: ANN401 (as click's decorators)
    """Give a command the options of a client; the command is called with `chosen: ClientChoice`."""

    @venue_option
    @click.option(
        "--account",
        metavar="NAME",
        help=f"Account at an open venue ({ACCOUNT_VARIABLE}); default: demo.",
    )
    @click.option(
        "--api-key-file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help=f"File of mode 600 with the API key ({KEY_FILE_VARIABLE}); {KEY_VARIABLE} holds the "
        "key itself.",
    )
    @click.option(
        "--ca-file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Certificates to trust (PEM), for https.",
    )
    @click.option("--json", "is_json", is_flag=True, help="Print JSON, one document per line.")
    @functools.wraps(command)
    def chosen(
        *args: Any,  # noqa: ANN401
        wanted_venue: str | None,
        account: str | None,
        api_key_file: Path | None,
        ca_file: Path | None,
        is_json: bool,
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        choice = ClientChoice(wanted_venue, account, api_key_file, ca_file, is_json)
        return command(*args, chosen=choice, **options)

    return chosen


def read_key(file: Path | None) -> str | None:
    """The API key: from `file`, else from the variables; None if none of them is set.

    A file that others may read is used, with a warning. Raises ConfigurationError.
    """
    path = file or _path_in(KEY_FILE_VARIABLE)
    if path is None:
        return os.environ.get(KEY_VARIABLE) or None
    try:
        with path.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            content = opened.read(KEY_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(f"the key file {path} cannot be read: {error.strerror}") from None
    if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        click.echo(f"Warning: others may read {path}; run: chmod 600 {path}", err=True)
    try:
        key = content.decode("ascii").strip()
    except UnicodeDecodeError:
        key = ""
    if not key or len(content) > KEY_FILE_BYTES_MAX or len(key.split()) != 1:
        raise ConfigurationError(f"the key file {path} must contain one API key and nothing else")
    return key


def _path_in(variable: str) -> Path | None:
    text = os.environ.get(variable)
    return Path(text) if text else None
