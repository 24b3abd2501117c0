"""What axe-core finds on a page, where npm has fetched it."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.page.browser import Scheme

AXE = Path(__file__).parents[3] / ".venv/npm/node_modules/axe-core/axe.min.js"
# The only rules of those that run by default whose result depends on colours.
COLOUR_RULES = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
SERIOUS = {"serious", "critical"}


def findings(page: Page, within: str = "html", other: Scheme | None = None) -> list[str]:
    """What is serious or worse in an element; nothing where axe-core is not installed.

    With `other` the colours are searched in that scheme too, and the page is left in its own.
    A test goes on without axe-core, because later tests build on what it does to the venue.
    `test_axe_is_installed` says that axe-core is missing.
    """
    # A dialog opens a moment after its button was pressed. The next step of a test needs it open.
    expect(page.locator(within).first).to_be_visible()
    if not AXE.is_file():
        return []
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found = _run(page, within, {})
    if other is not None:
        page.emulate_media(color_scheme=other)
        found += [f"{other}: {each}" for each in _run(page, within, COLOUR_RULES)]
        page.emulate_media(color_scheme="light" if other == "dark" else "dark")
    return found


def _run(page: Page, within: str, options: dict[str, Any]) -> list[str]:
    """Run axe-core with these options."""
    result: dict[str, Any] = page.evaluate(
        "([within, options]) => axe.run(within, { resultTypes: ['violations'], ...options })",
        [within, options],
    )
    return [
        f"{found['id']}: {found['help']}: {node['target']} {node['failureSummary']}"
        for found in result["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]
