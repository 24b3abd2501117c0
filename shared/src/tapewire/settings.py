"""Settings from the environment: `REDIS_URL` and `TAPEWIRE_*`, read once, then immutable.

An unknown `TAPEWIRE_*` variable stops the start: a misspelt limit must not be a silent default.
Each service adds its own settings under its own prefix, in its own `settings.py`.
"""

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tapewire.errors import ConfigurationError
from tapewire.runtime.environment import drop_service_links, is_service_link
from tapewire.runtime.log import LogFormat
from tapewire.runtime.venue_address import VENUE_VARIABLE
from tapewire.values.modes import Auth, Clock, Funds, LogLevel
from tapewire.values.origins import parse_hosts, parse_origins
from tapewire.values.paper_money import DEFAULT_BALANCES, parse_paper_money

PREFIX = "TAPEWIRE_"
SERVICE_PREFIXES = ("TAPEWIRE_GATEWAY_", "TAPEWIRE_MARKET_DATA_")

# Read by the commands of `tapewire`; a service that inherits these variables ignores them.
COMMAND_VARIABLES = frozenset({VENUE_VARIABLE})

_SIMILAR_ENOUGH = 0.75


class VenueSettings(BaseSettings):
    """The settings of both services: Redis, its timeouts, the instruments."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        validation_alias="REDIS_URL",
        description="Redis or Valkey: redis:// unix:// redis+sentinel:// redis+cluster://; "
        "rediss for TLS",
    )
    redis_connect_timeout_s: float = Field(
        2.0, gt=0, le=60, description="Longest wait for a connection to Redis"
    )
    redis_timeout_s: float = Field(
        5.0, gt=0, le=60, description="Longest wait for one answer of Redis"
    )
    startup_timeout_s: float = Field(
        15.0, ge=0, le=600, description="Seconds for which a start waits for Redis"
    )
    instruments: Path | None = Field(
        None, description="Instrument file (TOML); without it the packaged three pairs"
    )
    auth: Auth = Field(
        "open",
        description="`open`: a request names its account; `keys`: its API key names the account",
    )
    open_to_network: bool = Field(
        False,
        description="Let an `open` venue listen beyond loopback: every client that reaches it "
        "can act for every account",
    )
    log_level: LogLevel = Field("info", description="Least severe logged level")
    log_format: LogFormat = Field(
        "text",
        description="`text`: one line a record on standard error; `json`: one object a line on "
        "standard output",
    )
    funds: Funds = Field(
        "checked",
        description="Whether an order needs money: `unchecked` lets balances go below zero, for "
        "simulations and replays",
    )
    clock: Clock = Field(
        "venue",
        description="`recorded`: commands have the time that a replay sends with them, in place of "
        "the time of Redis",
    )
    paper_balances: str = Field(
        DEFAULT_BALANCES,
        description="Start balances of a new account: `ASSET=AMOUNT`, comma-separated; `*` is "
        "every other asset",
    )
    allowed_origins: str | None = Field(
        None,
        description="Allowed origins of web pages, comma-separated, such as "
        "https://app.example.com or http://localhost:* for any port; by default only pages of "
        "the service itself",
    )
    allowed_hosts: str | None = Field(
        None,
        description="Allowed host names, comma-separated, beside IP addresses and localhost; * "
        "allows any. By default a service on loopback allows no other name, any other service all",
    )

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, text: str | None) -> str | None:
        parse_origins(text or "")
        return text

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, text: str | None) -> str | None:
        parse_hosts(text or "")
        return text

    @field_validator("paper_balances")
    @classmethod
    def _check_paper_balances(cls, text: str) -> str:
        """Check the balances. Raises ValueError, which names the variable."""
        try:
            parse_paper_money(text)
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        return text


_Settings = TypeVar("_Settings", bound=BaseSettings)


def load_settings(
    model: type[_Settings], prefix: str, environment: Mapping[str, str] | None = None
) -> _Settings:
    """Read the settings of one service, whose own variables start with `prefix`.

    Raises ConfigurationError naming the variable and what is wrong with it.
    """
    if environment is None:
        drop_service_links(os.environ)
    check_names(model, prefix, os.environ if environment is None else environment)
    try:
        return model()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0])
        owner = PREFIX if error.title == VenueSettings.__name__ else prefix
        name = field if field.isupper() else f"{owner}{field.upper()}"
        reason = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"setting {name}: {reason}") from None


def check_names(model: type[BaseSettings], prefix: str, environment: Mapping[str, str]) -> None:
    """Refuse a `TAPEWIRE_*` variable that nothing reads; the other service checks its own.

    Variables that Kubernetes makes are no settings. Raises ConfigurationError, which names the
    nearest known setting.
    """
    known = variable_names(VenueSettings, PREFIX) | variable_names(model, prefix)
    foreign = tuple(other for other in SERVICE_PREFIXES if other != prefix)
    for name in environment:
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in known | COMMAND_VARIABLES:
            continue
        if not upper.startswith(foreign) and not is_service_link(name, environment[name]):
            raise ConfigurationError(
                f"unknown setting {name}{_nearest(upper, known)}; docs/operations.md lists all "
                "settings"
            )


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_SIMILAR_ENOUGH)
    return f": did you mean {found[0]}?" if found else ""


def variable_names(model: type[BaseSettings], prefix: str) -> set[str]:
    """The environment variables that `model` reads."""
    names = set()
    for name, field in model.model_fields.items():
        if field.annotation is VenueSettings:
            continue  # read under its own prefix, not as one variable of the service
        alias = field.validation_alias
        names.add(alias if isinstance(alias, str) else f"{prefix}{name.upper()}")
    return names
