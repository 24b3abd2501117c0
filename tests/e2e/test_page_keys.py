"""A venue with API keys: the page asks for one, keeps it in memory, and notices its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.page.browser import opened_page, running_browser
from tests.support.page.key_venue import running_key_page_venue
from tests.support.page.venue import PageVenue


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of this module."""
    with running_browser() as running:
        yield running


@pytest.fixture
def venue(redis_url: str, tmp_path: Path, browser: Browser) -> Iterator[PageVenue]:
    """A venue that wants keys, with one for its administrator."""
    with running_key_page_venue(redis_url, tmp_path) as running:
        yield running


def make(venue: PageVenue, account: str, *permissions: str) -> tuple[str, str]:
    """A new key: its text and its id."""
    body = {"account": account, "permissions": list(permissions), "label": "page"}
    answer = venue.ask("POST", "/v1/admin/keys", body=body)
    return answer["key"], answer["key_id"]


def test_a_key_signs_in_trades_and_is_nowhere_kept(venue: PageVenue, browser: Browser) -> None:
    """The key acts for its account; neither storage nor address has it, and a reload forgets it."""
    key, _ = make(venue, "alice", "trade")
    venue.ask(
        "POST", "/v1/admin/accounts/alice/deposit", body={"asset": "USDT", "amount": "100000"}
    )
    with opened_page(browser, venue.url) as page:
        expect(page.locator("button.place")).to_be_disabled()
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("API key").fill("tw_wrong")
        page.locator("#account").get_by_role("button", name="Sign in").click()
        expect(page.locator("#account .error")).to_be_visible()
        page.get_by_label("API key").fill(key)
        page.get_by_label("API key").press("Enter")
        expect(page.locator(".account")).to_have_text("alice")
        page.get_by_label("Price", exact=True).fill("50000")
        page.get_by_label("Size", exact=True).fill("0.1")
        page.locator("button.place").click()
        expect(page.locator(".work tbody tr")).to_have_count(1)
        kept = page.evaluate(
            "JSON.stringify([localStorage, sessionStorage, location.href, document.cookie])"
        )
        assert key not in kept
        page.reload()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_key_that_is_revoked_ends_the_session(venue: PageVenue, browser: Browser) -> None:
    """Within seconds the page says so, shows no orders any more, and the market goes on."""
    key, key_id = make(venue, "alice", "trade")
    with opened_page(browser, venue.url, quiet=False) as page:
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("API key").fill(key)
        page.get_by_label("API key").press("Enter")
        expect(page.locator(".account")).to_have_text("alice")
        venue.ask("DELETE", f"/v1/admin/keys/{key_id}")
        expect(page.locator(".notices")).to_contain_text("Sign in with another key")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        expect(page.locator(".foot .phase")).to_contain_text("Live")
