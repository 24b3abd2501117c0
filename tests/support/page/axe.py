"""What axe-core finds on a page, where npm has fetched it."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

AXE = Path(__file__).parents[3] / ".venv/npm/node_modules/axe-core/axe.min.js"
SERIOUS = {"serious", "critical"}


def findings(page: Page, within: str = "html") -> list[str]:
    """What is serious or worse in an element; nothing where axe-core is not installed.

    A test goes on without axe-core, because later tests build on what it does to the venue.
    `test_axe_is_installed` says that axe-core is missing.
    """
    # A dialog opens a moment after its button was pressed. The next step of a test needs it open.
    expect(page.locator(within).first).to_be_visible()
    if not AXE.is_file():
        return []
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    result: dict[str, Any] = page.evaluate(
        "within => axe.run(within, { resultTypes: ['violations'] })", within
    )
    return [
        f"{found['id']}: {found['help']}: {node['target']} {node['failureSummary']}"
        for found in result["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]
