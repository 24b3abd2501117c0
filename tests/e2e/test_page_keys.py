"""A venue with API keys: both pages ask for one, keep it in memory, and notice its end."""

import csv
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.page.browser import opened_page
from tests.support.page.held_answers import HeldAnswers
from tests.support.page.key_venue import running_key_page_venue
from tests.support.page.venue import PageVenue


@pytest.fixture(scope="module")
def venue(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[PageVenue]:
    """A venue that wants keys, with one for its administrator."""
    with running_key_page_venue(module_redis_url, tmp_path_factory.mktemp("page")) as running:
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


def test_a_key_that_was_left_says_nothing_about_the_next_one(
    venue: PageVenue, browser: Browser
) -> None:
    """Its refusal may come after another key has signed in: on both pages that session goes on."""
    refusal = json.dumps({"code": "invalid_key", "detail": "The key has expired."})
    keys = [make(venue, account, "admin", "trade")[0] for account in ("alice", "ben")]
    with opened_page(browser, venue.url) as page:
        sign_in(page, keys[0])
        expect(page.locator(".account")).to_have_text("alice")
        page.route("**/v1/orders", lambda route: route.fulfill(status=401, body=refusal))
        held = HeldAnswers(page, "/v1/orders")
        page.get_by_label("Price", exact=True).fill("50000")
        page.get_by_label("Size", exact=True).fill("0.1")
        page.locator("button.place").click()
        held.wait()
        page.get_by_role("button", name="Account: alice").click()
        page.get_by_role("button", name="Sign out").click()
        sign_in(page, keys[1])
        expect(page.locator(".account")).to_have_text("ben")
        held.release()
        expect(page.locator(".notices")).to_contain_text("order refused: The key has expired.")
        expect(page.locator(".account")).to_have_text("ben")
        expect(page.locator(".submit .error")).to_have_count(0)

        page.unroute("**/v1/orders")
        page.goto(f"{venue.url}/admin")
        page.get_by_label("API key").fill(keys[0])
        page.keyboard.press("Enter")
        expect(page.get_by_role("row", name="BTC-USDT")).to_be_visible()
        page.route("**/v1/admin/notices", lambda route: route.fulfill(status=401, body=refusal))
        held = HeldAnswers(page, "/v1/admin/notices")
        page.get_by_label("Message to all traders").fill("Hello")
        page.keyboard.press("Enter")
        held.wait()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("API key").fill(keys[1])
        page.keyboard.press("Enter")
        expect(page.get_by_role("row", name="BTC-USDT")).to_be_visible()
        held.release()
        expect(page.locator(".notices")).to_contain_text("The key has expired.")
        expect(page.get_by_role("row", name="BTC-USDT")).to_be_visible()


def sign_in(page: Page, key: str) -> None:
    """Give the trader's page a key."""
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("API key").fill(key)
    page.get_by_label("API key").press("Enter")


def test_keys_are_made_for_many_shown_once_and_revoked(venue: PageVenue, browser: Browser) -> None:
    """With an administrator's key only; the file has every key, and a revoked one is over."""
    with opened_page(browser, f"{venue.url}/admin") as page:
        expect(page.get_by_label("API key")).to_be_visible()
        expect(page.get_by_role("button", name="Stop all trading")).to_have_count(0)
        page.get_by_label("API key").fill("tw_wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".sign-in .error")).to_be_visible()
        page.get_by_label("API key").fill(venue.key or "")
        page.get_by_label("API key").press("Enter")
        page.get_by_role("button", name="Add accounts").click()
        dialog = page.locator("dialog[open]")
        dialog.get_by_label("Names").fill("ann ben")
        dialog.get_by_label("Money").fill("USDT=1000")
        held = HeldAnswers(page, "/v1/admin/keys")
        dialog.get_by_role("button", name="Add accounts").click()
        held.wait(2)
        # The keys are shown this once, so the dialog cannot be left before.
        page.keyboard.press("Escape")
        expect(dialog.get_by_role("button", name="Adding …")).to_be_visible()
        held.release()
        with page.expect_download() as download:
            dialog.get_by_role("button", name="Download CSV").click()
        text = download.value.path().read_text("utf-8")
        rows = list(csv.DictReader(text.splitlines()))
        assert [row["account"] for row in rows] == ["ann", "ben"]
        assert all(row["key"].startswith("tw_") for row in rows)
        dialog.get_by_role("button", name="Close").click()
        # A dialog that is closed leaves the document a moment later.
        expect(page.locator("#new-title")).to_have_count(0)
        assert not page.evaluate(
            "key => document.documentElement.outerHTML.includes(key)", rows[0]["key"]
        )
        row = page.locator("section[aria-labelledby=keys-title] tr").filter(
            has=page.get_by_role("cell", name="ann", exact=True)
        )
        row.get_by_role("button", name="Revoke").click()
        page.locator("dialog[open]").get_by_role("button", name="Revoke").click()
        expect(row).to_contain_text("Revoked")


def test_an_administrators_key_that_is_revoked_ends_the_session(
    venue: PageVenue, browser: Browser
) -> None:
    """The organiser's page says so, shows nothing of the venue, and takes another key."""
    key, key_id = make(venue, "deputy", "admin")
    with opened_page(browser, f"{venue.url}/admin") as page:
        page.get_by_label("API key").fill(key)
        page.get_by_label("API key").press("Enter")
        page.get_by_role("button", name="Halt all").click()
        expect(page.locator("dialog[open]")).to_contain_text("Halt all?")
        venue.ask("DELETE", f"/v1/admin/keys/{key_id}")
        expect(page.locator(".notices")).to_contain_text("Sign in with another key")
        expect(page.get_by_role("row", name="BTC-USDT")).to_have_count(0)
        page.get_by_label("API key").fill(venue.key or "")
        page.get_by_label("API key").press("Enter")
        expect(page.get_by_role("row", name="BTC-USDT")).to_be_visible()
        expect(page.locator("dialog[open]")).to_have_count(0)
