"""Settings of the order gateway: `TAPEWIRE_GATEWAY_*`, beside those of the venue."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from tapewire.values.service_address import ServiceAddress
from tapewire.web.serving import ServerSettings

PREFIX = "TAPEWIRE_GATEWAY_"


class GatewaySettings(ServerSettings):
    """Settings of this gateway: its address, the limits of a client, its venue."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    port: int = Field(8_000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one")
    expiry_interval_s: float = Field(
        0.25, gt=0, le=60, description="Interval between two searches for due orders"
    )
    replicas_min: int = Field(
        0,
        ge=0,
        le=10,
        description="Replicas of Redis that must have a command before it is answered; set "
        "`min-replicas-to-write` of Redis to the same",
    )
    account_orders_per_s: int = Field(
        10_000,
        ge=0,
        le=1_000_000,
        description="Requests and batch items per second of one account; 0: no limit",
    )
    account_burst: int = Field(
        20_000, ge=1, le=10_000_000, description="Burst: requests that may arrive at once"
    )
    address_orders_per_s: int = Field(
        10_000,
        ge=0,
        le=1_000_000,
        description="Requests and batch items per second of one client address; 0: no limit",
    )
    address_burst: int = Field(
        20_000, ge=1, le=10_000_000, description="Burst: requests that may arrive at once"
    )
    rate_limit_names_max: int = Field(
        10_000,
        ge=1,
        le=1_000_000,
        description="Accounts, and likewise addresses, whose rate is tracked",
    )
    signing_master_file: Path | None = Field(
        None,
        description="File (mode 600) with the master secret of signed calls; the first start makes "
        "it. `tapewire up` keeps it in its data directory. Without a file no key can sign",
    )
    binance_weight_per_minute: int = Field(
        0,
        ge=0,
        le=100_000_000,
        description="Request weight per minute of one client address at the Binance surface; 0: "
        "no limit",
    )
    binance_orders_per_10_s: int = Field(
        0,
        ge=0,
        le=100_000_000,
        description="Orders per 10 seconds of one account at the Binance surface; 0: no limit",
    )
    binance_orders_per_day: int = Field(
        0,
        ge=0,
        le=1_000_000_000,
        description="Orders per day of one account at the Binance surface; 0: no limit",
    )
    open_admin_from: Literal["loopback", "anywhere"] = Field(
        "loopback",
        description="Clients that may administer an `open` venue: those on this machine, or all "
        "that reach it, such as for a container whose port is published on loopback only",
    )
    feed_url: str = Field(
        ":8001",
        description="Where the trading page finds the market-data service: a URL, or `:PORT` of "
        "the page's own host",
    )

    @field_validator("feed_url")
    @classmethod
    def _check_feed_url(cls, text: str) -> str:
        ServiceAddress.parse(text)
        return text
