"""The pictures of the README: taken from the pages as they are, at a venue with a past.

`make page-pictures` writes them into the documents. Without it the tests draw the pages in half of
their size: pixels are most of what a picture costs, and nothing in the tests needs them.
"""

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageSequence
from playwright.sync_api import Browser, Page, expect

from tests.support.page.browser import PHONE, Scheme, opened_page, running_browser, trader_at
from tests.support.page.film import Film, write_picture
from tests.support.page.held_answers import paint_frames
from tests.support.page.scene import MONEY, play_scene
from tests.support.page.venue import PageVenue, running_page_venue

REPOSITORY = Path(__file__).parents[2]
PICTURES = REPOSITORY / "docs/images"
WIDE = (1280, 800)
IS_FOR_DOCUMENTS = "PAGE_PICTURES" in os.environ
# The page is drawn finer than it is laid out, for screens that show it so.
SCALE = 1.25 if IS_FOR_DOCUMENTS else 0.5
PHONE_SCALE = 2 if IS_FOR_DOCUMENTS else 0.5
FILM_SCALE = 1 if IS_FOR_DOCUMENTS else 0.5
PNG_BYTES_MAX = 300_000
GIF_BYTES_MAX = 1_500_000
GIF_MS_MAX = 20_000


@pytest.fixture(scope="module")
def past_url(module_redis_url: str) -> str:
    """A Redis with a venue that has traded for more than an hour."""
    asyncio.run(play_scene(module_redis_url))
    return module_redis_url


@pytest.fixture(scope="module")
def browser(past_url: str) -> Iterator[Browser]:
    """One browser for the tests of this module, after the last use of asyncio."""
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def venue(
    past_url: str, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[PageVenue]:
    """The services of this venue."""
    folder = tmp_path_factory.mktemp("page")
    with running_page_venue(past_url, folder, TAPEWIRE_PAPER_BALANCES=MONEY) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: into the documents if they are to be renewed."""
    return PICTURES if IS_FOR_DOCUMENTS else tmp_path_factory.mktemp("pictures")


def settled(page: Page) -> None:
    """Wait until everything that loads late is there."""
    expect(page.locator(".foot")).to_contain_text("book verified")
    expect(page.locator(".canvas canvas").first).to_be_visible()
    expect(page.locator(".tape tbody tr:not([aria-hidden])").nth(5)).to_be_visible()
    expect(page.locator(".foot")).to_contain_text(re.compile(r"feed \d"))


def test_the_first_minute_is_a_short_film(venue: PageVenue, browser: Browser, folder: Path) -> None:
    """A price is clicked, an order fills, another one rests; then profit and the leaderboard."""
    venue.cancel_all("alice")
    with trader_at(browser, venue.url, "alice", size=(1200, 720), scale=FILM_SCALE) as page:
        settled(page)
        film = Film(page, FILM_SCALE)
        film.show(1_200)
        for account, side in (("boris", "buy"), ("chen", "sell"), ("emeka", "buy")):
            market(venue, account, side, "0.012")
            film.show(350)
        film.click(page.locator(".book tr.ask button").nth(-5))
        film.click(page.get_by_label("Size", exact=True))
        page.get_by_label("Size", exact=True).fill("0.05")
        film.show(700)
        film.click(page.locator("button.place"))
        expect(page.locator(".notices")).to_contain_text("Bought")
        film.show(1_600)
        film.click(page.locator(".book tr.bid button").nth(3))
        film.point(page.locator("button.place"))
        page.locator("button.place").click()
        expect(page.locator(".work tbody tr")).to_have_count(1)
        expect(page.locator(".book tr.bid.mine")).to_have_count(1)
        film.show(1_600)
        film.click(page.get_by_role("button", name="P&L"))
        expect(page.locator(".work .figures")).to_be_visible()
        market(venue, "dilara", "buy", "0.02")
        film.show(1_600)
        film.click(page.get_by_role("button", name="Leaderboard"))
        expect(page.locator("#leaderboard tr.mine")).to_be_visible()
        film.show(2_500)
        film.write(folder / "first-minute.gif")
    check_film(folder / "first-minute.gif")


def market(venue: PageVenue, account: str, side: str, quantity: str) -> None:
    """Trade at the best price."""
    body = {"symbol": "BTC-USDT", "side": side, "order_type": "market", "quantity": quantity}
    venue.ask("POST", "/v1/orders", account, body)


def check_film(path: Path) -> None:
    """A film moves, is short, and does not delay the reader."""
    assert path.stat().st_size <= GIF_BYTES_MAX
    with Image.open(path) as film:
        durations_ms = [frame.info["duration"] for frame in ImageSequence.Iterator(film)]
    assert len(durations_ms) > 8
    assert sum(durations_ms) <= GIF_MS_MAX


def test_the_page_of_a_trader(venue: PageVenue, browser: Browser, folder: Path) -> None:
    """The picture that the README begins with, in both schemes."""
    schemes: tuple[Scheme, ...] = ("dark", "light")
    venue.cancel_all("alice")
    with trader_at(browser, venue.url, "alice", size=WIDE, scale=SCALE) as page:
        settled(page)
        for row in (2, 6):
            page.locator(".book tr.bid button").nth(row).click()
            page.get_by_label("Size", exact=True).fill("0.04")
            page.locator("button.place").click()
            expect(page.locator(".book tr.bid.mine")).to_have_count(1 + row // 6)
            expect(page.locator(".notices li")).to_have_count(1 + row // 6)
        for left in (1, 0):
            page.locator(".notices", has_text="is in:").get_by_role("button").first.click()
            expect(page.locator(".notices li")).to_have_count(left)
        page.mouse.move(0, 0)
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            # The chart follows a change of the scheme in the next frame.
            paint_frames(page)
            write_picture(page, folder / f"trading-page-{scheme}.png")
    for scheme in schemes:
        check_picture(folder / f"trading-page-{scheme}.png")


def test_the_page_of_an_organiser_and_a_phone(
    venue: PageVenue, browser: Browser, folder: Path
) -> None:
    """The pictures of docs/page.md."""
    round_ = {"name": "Round 1", "duration_s": 600}
    venue.ask("POST", "/v1/admin/round", body=round_)
    venue.ask("POST", "/v1/admin/notices", body={"text": "Round 1 has begun. Good luck!"})
    for account, side in (("boris", "buy"), ("chen", "sell"), ("emeka", "buy"), ("ada", "buy")):
        market(venue, account, side, "0.02")
    with opened_page(browser, f"{venue.url}/admin", size=WIDE, scale=SCALE) as page:
        expect(page.get_by_role("row", name="emeka")).to_have_count(2)
        write_picture(page, folder / "organiser-page.png")
    with trader_at(browser, venue.url, "alice", size=PHONE, scale=PHONE_SCALE) as page:
        expect(page.locator(".book tr.bid.best")).to_be_visible()
        expect(page.locator(".round")).to_be_visible()
        expect(page.locator(".foot")).to_contain_text("book verified")
        write_picture(page, folder / "phone.png")
    for name in ("organiser-page", "phone"):
        check_picture(folder / f"{name}.png")


def check_picture(path: Path) -> None:
    """A picture is not empty, and loads fast."""
    assert path.stat().st_size <= PNG_BYTES_MAX
    with Image.open(path) as picture:
        colours = picture.convert("RGB").getcolors(1_000)
        assert colours is not None
        assert len(colours) > 50


@pytest.mark.parametrize("name", ["trading-page-dark.png", "trading-page-light.png",
                                  "organiser-page.png", "phone.png"])  # fmt: skip
def test_the_pictures_of_the_documents_are_there(name: str) -> None:
    """Small enough for a first look; `make page-pictures` renews them."""
    check_picture(PICTURES / name)


def test_the_film_of_the_readme_is_there() -> None:
    """The same for the film."""
    check_film(PICTURES / "first-minute.gif")
