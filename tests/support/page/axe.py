"""What axe-core finds on a page, where npm has fetched it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

AXE = Path(__file__).parents[3] / ".venv/npm/node_modules/axe-core/axe.min.js"
SERIOUS = {"serious", "critical"}


def findings(page: Page) -> list[str]:
    """What is serious or worse; skips the test where axe-core is not there."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed; make page-types fetches it with npm")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    result: dict[str, Any] = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{found['id']}: {found['help']}: {node['target']} {node['failureSummary']}"
        for found in result["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]
