"""The indicative price of an auction as the page finds it, against a search of all prices."""

import json
import random
import shutil
import subprocess

import pytest

from order_gateway.page.bundle import bundle
from tests.support.page.libraries import STATIC

NODE_TIMEOUT_S = 30
BOOKS = 300
TICK = 5
ENTRY = """
import { readFileSync as read } from "node:fs";
import { indicative } from "./core/auction.js";
import { Side } from "./core/book.js";

const found = JSON.parse(read(0, "utf8")).map(({ bids, asks, last, tick }) => {
  const sides = [new Side(-1), new Side(1)];
  sides[0].reset(bids);
  sides[1].reset(asks);
  const price = indicative(sides[0], sides[1], tick, last);
  return price && [price.key, Number(price.lots)];
});
console.log(JSON.stringify(found));
"""
Levels = dict[int, int]


def search(bids: Levels, asks: Levels, last: int | None) -> tuple[int, int] | None:
    """Look at every tick of the book."""
    candidates = []
    for price in range(min((*bids, *asks), default=0), max((*bids, *asks), default=0) + 1, TICK):
        wanted = sum(lots for level, lots in bids.items() if level >= price)
        offered = sum(lots for level, lots in asks.items() if level <= price)
        candidates.append((min(wanted, offered), -abs(wanted - offered), price))
    volume, surplus, _ = max(candidates, default=(0, 0, 0))
    if not volume:
        return None
    prices = [price for lots, least, price in candidates if (lots, least) == (volume, surplus)]
    if last is None:
        return (prices[0] + prices[-1]) // 2 // TICK * TICK, volume
    return min(prices, key=lambda price: abs(price - last)), volume


def random_levels(choose: random.Random, width: int) -> Levels:
    """At most five levels within so many ticks."""
    return {
        choose.randrange(20, 20 + width) * TICK: choose.randrange(1, 6)
        for _ in range(choose.randrange(6))
    }


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js on this machine")
def test_the_page_finds_the_price_of_an_auction_that_a_search_finds() -> None:
    """Of random books, with and without a last price, crossed or not."""
    choose = random.Random(39)
    books: list[tuple[Levels, Levels, int | None]] = []
    for _ in range(BOOKS):
        width = choose.choice((3, 12, 40))
        bids, asks = (random_levels(choose, width) for _ in range(2))
        last = choose.choice((None, choose.randrange(15, 25 + width) * TICK))
        books.append((bids, asks, last))
    sent = [
        {
            "bids": [[str(price), str(lots)] for price, lots in bids.items()],
            "asks": [[str(price), str(lots)] for price, lots in asks.items()],
            "last": last,
            "tick": TICK,
        }
        for bids, asks, last in books
    ]
    modules = {f"core/{path.name}": path.read_text("utf-8") for path in STATIC.glob("core/*.js")}
    run = subprocess.run(
        ["node", "--input-type=module", "-e", bundle(modules | {"main.js": ENTRY}, "main.js")],
        input=json.dumps(sent), capture_output=True, text=True, check=True, timeout=NODE_TIMEOUT_S,
    )  # fmt: skip
    found = [None if each is None else tuple(each) for each in json.loads(run.stdout)]
    assert found == [search(*book) for book in books]
    assert sum(each is not None for each in found) > BOOKS // 3
