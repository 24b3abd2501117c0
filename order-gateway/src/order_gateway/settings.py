"""Settings of the order gateway: `TAPEWIRE_GATEWAY_*`, beside those of the venue."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tapewire.serving import ServerSettings
from tapewire.settings import VenueSettings

PREFIX = "TAPEWIRE_GATEWAY_"


class GatewaySettings(ServerSettings):
    """How this gateway listens, and which venue it belongs to."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    port: int = Field(8_000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one")
    venue: VenueSettings = Field(
        default_factory=VenueSettings,
        description="Settings that every service reads",
    )
