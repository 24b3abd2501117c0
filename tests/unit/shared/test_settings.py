"""Settings: read from the environment, unknown names refused, wrong values named."""

import pytest
from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from tapewire.errors import ConfigurationError
from tapewire.settings import VenueSettings, load_settings, variable_names
from tapewire.web.serving import ServerSettings

PREFIX = "TAPEWIRE_GATEWAY_"


class Settings(ServerSettings):
    """Settings as a service has them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    port: int = Field(8_000, ge=0, le=65_535)
    venue: VenueSettings = Field(default_factory=VenueSettings)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the test run does not reach the tests."""
    for name in variable_names(Settings, PREFIX) | variable_names(VenueSettings, "TAPEWIRE_"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_need_no_environment() -> None:
    """A service starts with no settings at all, on loopback."""
    settings = load_settings(Settings, PREFIX)
    assert (settings.host, settings.port) == ("127.0.0.1", 8_000)
    assert settings.venue.redis_url == "redis://127.0.0.1:6379/0"


def test_each_setting_is_read_under_its_own_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Service, venue and REDIS_URL have different prefixes."""
    monkeypatch.setenv("TAPEWIRE_GATEWAY_PORT", "9000")
    monkeypatch.setenv("TAPEWIRE_STARTUP_TIMEOUT_S", "3")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:1/2")
    settings = load_settings(Settings, PREFIX)
    assert settings.port == 9_000
    assert settings.venue.startup_timeout_s == 3
    assert settings.venue.redis_url == "redis://elsewhere:1/2"


@pytest.mark.parametrize(
    "name", ["TAPEWIRE_GATEWAY_PROT", "TAPEWIRE_REDIS_URL", "tapewire_x", "TAPEWIRE_GATEWAY_VENUE"]
)
def test_an_unknown_name_stops_the_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting must not be a silent default."""
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigurationError, match=f"unknown setting {name}"):
        load_settings(Settings, PREFIX)


def test_settings_of_the_other_service_are_its_own_business(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One environment may serve both services."""
    monkeypatch.setenv("TAPEWIRE_MARKET_DATA_ANYTHING", "1")
    load_settings(Settings, PREFIX)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAPEWIRE_GATEWAY_PORT", "99999"),
        ("TAPEWIRE_GATEWAY_PORT", "http"),
        ("TAPEWIRE_GATEWAY_REUSE_PORT", "perhaps"),
        ("TAPEWIRE_REDIS_TIMEOUT_S", "0"),
        ("TAPEWIRE_LOG_LEVEL", "loud"),
        ("TAPEWIRE_FUNDS", "some"),
        ("TAPEWIRE_PAPER_BALANCES", "BTC"),
        ("TAPEWIRE_PAPER_BALANCES", "BTC=-1"),
        ("TAPEWIRE_PAPER_BALANCES", "BTC=1,BTC=2"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence has the variable as the operator wrote it."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^setting {name}: "):
        load_settings(Settings, PREFIX)


def test_settings_cannot_be_changed() -> None:
    """Settings are read once."""
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TAPEWIRE_GATEWAY_PROT", "TAPEWIRE_GATEWAY_PORT"),
        ("TAPEWIRE_PAPER_BALANCE", "TAPEWIRE_PAPER_BALANCES"),
        ("tapewire_log_levle", "TAPEWIRE_LOG_LEVEL"),
    ],
)
def test_the_nearest_name_is_given(
    name: str, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt setting is named together with the setting that was probably meant."""
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigurationError, match=f"unknown setting {name}: did you mean {nearest}"):
        load_settings(Settings, PREFIX)


LINKS = {
    "TAPEWIRE_SERVICE_HOST": "10.0.0.1",
    "TAPEWIRE_SERVICE_PORT": "8000",
    "TAPEWIRE_SERVICE_PORT_HTTP": "8000",
    "TAPEWIRE_PORT": "tcp://10.0.0.1:8000",
    "TAPEWIRE_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "TAPEWIRE_PORT_8000_TCP_PROTO": "tcp",
    "TAPEWIRE_PORT_8000_TCP_PORT": "8000",
    "TAPEWIRE_PORT_8000_TCP_ADDR": "10.0.0.1",
    "TAPEWIRE_GATEWAY_SERVICE_HOST": "10.0.0.1",
    "TAPEWIRE_GATEWAY_PORT": "tcp://10.0.0.1:8000",
    "TAPEWIRE_GATEWAY_PORT_8000_TCP": "tcp://10.0.0.1:8000",
}


def test_variables_of_kubernetes_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that Kubernetes calls tapewire-gateway does not change the port of the gateway."""
    for name, value in LINKS.items():
        monkeypatch.setenv(name, value)
    assert load_settings(Settings, PREFIX).port == 8_000


@pytest.mark.parametrize(
    ("name", "value"), [("TAPEWIRE_PORT", "8000"), ("TAPEWIRE_PORT_X", "tcp://10.0.0.1:1")]
)
def test_what_only_resembles_them_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting of the user is not taken for a variable of Kubernetes."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"unknown setting {name}"):
        load_settings(Settings, PREFIX)


def test_the_name_of_a_venue_is_for_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that inherits TAPEWIRE_VENUE from a shell starts."""
    monkeypatch.setenv("TAPEWIRE_VENUE", ".tapewire")
    load_settings(Settings, PREFIX)
