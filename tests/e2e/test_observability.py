"""The dashboard and the alerts ask for figures that the services have."""

import json
import re
from pathlib import Path

import httpx
import yaml

from tests.support.house.documents import ROOT
from tests.support.running.whole_venue import running_venue

NAME = re.compile(r"\b(?:tapewire|process)_\w+")


def dashboard_queries() -> list[str]:
    """Every query of every dashboard."""
    queries = []
    for path in (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"):
        for panel in json.loads(path.read_bytes())["panels"]:
            queries += [target["expr"] for target in panel.get("targets", [])]
    return queries


def alert_queries() -> list[str]:
    """Every query of every alert."""
    text = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text("utf-8")
    groups = yaml.safe_load(text)["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def test_every_figure_that_is_asked_for_exists(redis_url: str, tmp_path: Path) -> None:
    """The names in the queries are names in the answers of the two services."""
    with running_venue(redis_url, tmp_path) as venue:
        texts = [
            httpx.get(f"{service.url}/metrics", trust_env=False).text
            for service in (venue.gateway, venue.market_data)
        ]
    answered = "\n".join(texts)
    exist = set(re.findall(r"^(\w+)", answered, re.MULTILINE))
    # A histogram or a counter with labels has no line before it has counted something.
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)", answered, re.MULTILINE))
    exist |= set(kinds) | {f"{name}_bucket" for name, kind in kinds.items() if kind == "histogram"}
    asked = {
        name for query in dashboard_queries() + alert_queries() for name in NAME.findall(query)
    }
    assert len(asked) > 25
    assert asked - exist == set()
