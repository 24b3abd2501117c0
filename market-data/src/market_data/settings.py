"""Settings of the market-data service: `TAPEWIRE_MARKET_DATA_*`, beside those of the venue."""

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from market_data.limits import BATCH_MESSAGES_MAX, LAG_MESSAGES_MAX, RING_MESSAGES_MAX
from tapewire.values.service_address import ServiceAddress
from tapewire.web.serving import ServerSettings

SERVICE = "market-data"
PREFIX = "TAPEWIRE_MARKET_DATA_"


class MarketDataSettings(ServerSettings):
    """The listening, polling and client bounds of this process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    port: int = Field(8_001, ge=0, le=65_535, description="Port to listen on; 0 takes a free one")
    connections_max: int = Field(
        24_000,
        ge=1,
        le=1_000_000,
        description="Open connections; above the limit idle ones are closed, or new ones get 503",
    )
    clients_max: int = Field(
        20_000,
        ge=1,
        le=1_000_000,
        description="WebSocket clients; more are refused with 503, health checks still pass",
    )
    poll_timeout_s: float = Field(
        0.25, gt=0, le=10, description="Time that one poll of the subscription waits at most"
    )
    batch_messages_max: int = Field(
        512, ge=1, le=100_000, description="Messages taken from the subscription in one poll"
    )
    lag_messages_max: int = Field(
        LAG_MESSAGES_MAX,
        ge=1,
        le=RING_MESSAGES_MAX - BATCH_MESSAGES_MAX,
        description="Messages a client may lag before its policy `on_lag` acts",
    )
    canary_interval_s: float = Field(
        1.0, gt=0, le=60, description="Interval between two canary messages through Redis"
    )
    canary_timeout_s: float = Field(
        5.0, gt=0, le=600, description="Time without a canary after which the service is not ready"
    )
    ping_interval_s: float = Field(
        20.0, gt=0, le=600, description="Interval between two WebSocket pings to a client"
    )
    ping_timeout_s: float = Field(
        20.0, gt=0, le=600, description="Time that a client has to answer a ping"
    )
    memory_bytes_max: int = Field(
        512 * 1024 * 1024,
        ge=1024 * 1024,
        description="Bytes that may wait for all slow clients together; the slowest are closed",
    )
    address_requests_per_s: int = Field(
        2_000,
        ge=0,
        le=1_000_000,
        description="Requests a second of one address; large answers and wrong keys cost more; "
        "0: no limit",
    )
    address_burst: int = Field(
        4_000, ge=1, le=10_000_000, description="Requests that one client address may send at once"
    )
    rate_limit_names_max: int = Field(
        10_000, ge=1, le=1_000_000, description="Client addresses whose requests are counted"
    )
    drain_spread_s: float = Field(
        5.0, ge=0, le=600, description="Time over which a stop spreads the closing of clients"
    )
    page_url: str = Field(
        ":8000",
        description="Address of the order gateway, whose page may use this service: a URL, or "
        "`:PORT` of the same host; empty for no page",
    )

    @field_validator("page_url")
    @classmethod
    def _check_page_url(cls, text: str) -> str:
        if text:
            ServiceAddress.parse(text)
        return text

    def page_address(self) -> ServiceAddress | None:
        """The order gateway, as browsers reach it; None without a page."""
        return ServiceAddress.parse(self.page_url) if self.page_url else None
