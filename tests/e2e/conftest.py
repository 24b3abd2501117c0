"""What several modules of these tests use."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.page.browser import running_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a module, none of which may use asyncio while it runs."""
    with running_browser() as running:
        yield running
