"""The options of `tapewire up`."""

from dataclasses import dataclass
from pathlib import Path

from tapewire.redis.configuration import Fsync
from tapewire.runtime.log import LogFormat
from tapewire.values.modes import Auth, Clock


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """The options of `tapewire up`, checked by click; docs/operations.md lists them."""

    host: str
    gateway_port: int
    market_data_port: int
    redis_url: str | None
    # None: the usual port, or a free one if that is taken.
    redis_port: int | None
    data_dir: Path
    gateway_workers: int
    market_data_workers: int
    instruments: Path | None
    fsync: Fsync
    demo: bool
    auth: Auth
    open_to_network: bool
    log_level: str
    log_format: LogFormat
    funds: str
    clock: Clock
    paper_balances: str
    open_page: bool = False
