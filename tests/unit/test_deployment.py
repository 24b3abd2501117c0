"""The compose file and what belongs to it: complete, pinned, bounded, as the code has it."""

import re
from typing import Any

import pytest
import yaml

from tapewire.settings import VenueSettings, variable_names
from tests.support.house.documents import ROOT
from tests.support.house.env_example import FIXED, HEAD, env_example
from tests.support.house.settings_table import TABLES

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = {"order-gateway": "Order gateway", "market-data": "Market data"}


@pytest.mark.parametrize("service", OWN)
def test_every_setting_can_be_passed(service: str) -> None:
    """What the models read, the container gets from the shell or from .env."""
    model, prefix = TABLES[OWN[service]]
    wanted = variable_names(model, prefix) | variable_names(VenueSettings, "TAPEWIRE_")
    given = SERVICES[service]["environment"]
    assert set(given) == wanted - {name for name in FIXED if name not in given}
    defaults = {name for name in given if f"${{{name}:-" in str(given[name])}
    passed_on = {name for name, value in given.items() if value is None} | defaults
    assert passed_on == wanted - FIXED


def test_the_example_is_made_from_the_code() -> None:
    """`python -m tests.support.house.env_example > .env.example` writes the example."""
    assert (ROOT / ".env.example").read_text("utf-8") == env_example()


def test_the_example_has_the_variables_and_defaults_of_the_compose_file() -> None:
    """Those of the containers: each with the default that the file has."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    used = dict(re.findall(r"(?<!\$)\$\{([A-Z_]+):-([^{}]*)\}", text))
    listed = dict(re.findall(r"^#([A-Z_]+)=(.*)$", HEAD, re.MULTILINE))
    assert used.pop("TAPEWIRE_ALLOWED_HOSTS") == "order-gateway,market-data"
    assert listed == used
    assert "${TAPEWIRE_GATEWAY_FEED_URL:-:${MARKET_DATA_PORT:-8001}}" in text
    assert "${TAPEWIRE_MARKET_DATA_PAGE_URL:-:${GATEWAY_PORT:-8000}}" in text


def test_ports_are_open_to_this_machine_only() -> None:
    """Both services listen on every address of their containers, so the ports must not."""
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert re.match(r"(?:127\.0\.0\.1|\$\{PUBLISH_ADDRESS:-127\.0\.0\.1\}):", port), name
    assert "ports" not in SERVICES["redis"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_little_and_take_little(name: str) -> None:
    """No capability that it does not need, no write outside its volumes, bounds on everything."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"]
    assert service["mem_limit"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert ("cap_add" in service) is (name == "redis")


def test_images_are_pinned() -> None:
    """A version of three numbers each, here and in the Dockerfiles."""
    texts = [(ROOT / name / "Dockerfile").read_text("utf-8") for name in OWN]
    images = [service["image"] for service in SERVICES.values()]
    images = [image for image in images if not image.startswith("tapewire-")]
    images += [line for text in texts for line in re.findall(r"ARG PYTHON_IMAGE=(.*)", text)]
    images += [SERVICES[name]["build"]["args"]["PYTHON_IMAGE"] for name in OWN]
    assert len(images) == 7
    for image in images:
        assert re.search(r":v?\d+\.\d+\.\d+", image), image
    assert len({image.removeprefix("${PYTHON_IMAGE:-").rstrip("}") for image in images[3:]}) == 1
