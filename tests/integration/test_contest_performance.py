"""Performance and leaderboard against a calculation of their own: from fills and deposits."""

import math
import random
from fractions import Fraction
from typing import Any

import httpx
import pytest

from tests.support.running.gateway_pair import Desk

ACCOUNTS = ("ann", "ben", "cem", "dee")
# Base and quote assets have 8 decimals.
UNITS = 10**8


def units(text: str) -> int:
    """A decimal of at most 8 digits behind the point, in units."""
    exact = Fraction(text) * UNITS
    assert exact.denominator == 1
    return exact.numerator


def fills_of(client: httpx.Client, account: str) -> list[dict[str, Any]]:
    """Every fill of an account, oldest first."""
    fills: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client.get(f"/v1/fills?limit=500{cursor}", headers={"X-Account": account}).json()
        fills += page["fills"]
        if page["next_cursor"] is None:
            return fills[::-1]
        cursor = f"&cursor={page['next_cursor']}"


def expected(
    fills: list[dict[str, Any]], deposits: dict[str, int], prices: dict[str, Fraction]
) -> dict[str, Any]:
    """Equity, gain, fees and volume in units of USD, by adding up what every fill moved."""
    moved: dict[str, int] = {}
    fees: dict[str, int] = {}
    volume = Fraction()
    for fill in fills:
        base, quote = fill["symbol"].split("-")
        sign = 1 if fill["side"] == "buy" else -1
        quantity = units(fill["quantity"])
        amount = Fraction(fill["price"]) * quantity
        assert amount.denominator == 1
        moved[base] = moved.get(base, 0) + sign * quantity
        moved[quote] = moved.get(quote, 0) - sign * int(amount)
        fee = units(fill["fee"])
        moved[fill["fee_asset"]] -= fee
        fees[fill["fee_asset"]] = fees.get(fill["fee_asset"], 0) + fee
        volume += amount

    def worth(amounts: dict[str, int]) -> Fraction:
        return sum((prices[asset] * held for asset, held in amounts.items()), Fraction())

    return {
        "gain": math.floor(worth(moved)),
        "equity": math.floor(worth(moved) + worth(deposits)),
        "deposits": math.floor(worth(deposits)),
        "fees": math.floor(worth(fees)),
        "volume": math.floor(volume),
        "trades": len(fills),
    }


def trade_at_random(desk: Desk, seed: int, symbols: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """A few hundred random commands of four accounts; returns what was deposited, by account."""
    choose = random.Random(seed)
    deposits: dict[str, dict[str, int]] = {name: {} for name in ACCOUNTS}
    for name in ACCOUNTS:
        # Opened with paper money, which counts as a deposit.
        answer = desk.here.get("/v1/account", headers={"X-Account": name})
        for balance in answer.json()["balances"]:
            if balance["asset"] in {"ACME", "BOLT", "USD"}:
                deposits[name][balance["asset"]] = units(balance["total"])
    for _ in range(250):
        name = choose.choice(ACCOUNTS)
        client = choose.choice((desk.here, desk.there))
        if choose.random() < 0.08:
            asset, way = (
                choose.choice(("ACME", "BOLT", "USD")),
                choose.choice(("deposit", "withdraw")),
            )
            amount = choose.randrange(1, 10**10)
            body = {"asset": asset, "amount": f"{amount / UNITS:.8f}"}
            answer = client.post(f"/v1/admin/accounts/{name}/{way}", json=body)
            assert answer.status_code == 200, answer.text
            exact = units(answer.json()["amount"])
            deposits[name][asset] += exact if way == "deposit" else -exact
            continue
        body = {
            "symbol": choose.choice(symbols), "side": choose.choice(("buy", "sell")),
            "order_type": "limit", "quantity": str(choose.randrange(1, 40)),
            "price": f"{100 + choose.randrange(-5, 6)}.{choose.randrange(100):02}",
            "self_trade_prevention": choose.choice(("none", "expire_taker", "decrement")),
        }  # fmt: skip
        answer = client.post("/v1/orders", json=body, headers={"X-Account": name})
        assert answer.status_code == 201, answer.text
    return deposits


@pytest.mark.parametrize("seed", [1, 2])
def test_performance_is_what_fills_and_deposits_add_up_to(desk: Desk, seed: int) -> None:
    """Of random trading with fees in two markets, over two gateways; the leaderboard ranks it."""
    symbols = ("ACME-USD", "BOLT-USD")
    for symbol, fees in zip(symbols, ((200, 500), (0, 1_000)), strict=True):
        desk.add_instrument(symbol, base=symbol[:4], maker_fee_ppm=fees[0], taker_fee_ppm=fees[1])
    deposits = trade_at_random(desk, seed, symbols)
    prices = {"USD": Fraction(1)}
    for symbol in symbols:
        newest = max(
            (fill for name in ACCOUNTS for fill in fills_of(desk.here, name)
             if fill["symbol"] == symbol),
            key=lambda fill: fill["seq"],
        )  # fmt: skip
        prices[symbol[:4]] = Fraction(newest["price"])
    gains = {}
    for name in ACCOUNTS:
        wanted = expected(fills_of(desk.here, name), deposits[name], prices)
        found = desk.there.get(
            "/v1/account/performance?asset=USD", headers={"X-Account": name}
        ).json()
        assert found["complete"]
        assert found["valued_in"] == "USD"
        assert units(found["equity"]) == wanted["equity"]
        assert units(found["deposits"]) == wanted["deposits"]
        assert units(found["pnl"]) == wanted["gain"]
        assert units(found["fees"]) == wanted["fees"]
        assert units(found["volume"]) == wanted["volume"]
        assert found["trades"] == wanted["trades"]
        made = sum(
            units(market["realised"]) + units(market["unrealised"]) for market in found["markets"]
        )
        # Gains of positions less fees are what the account has made, up to a unit of rounding each.
        assert abs(made - wanted["fees"] - wanted["gain"]) <= len(symbols) + 2
        gains[name] = wanted["gain"]
    board = desk.here.get("/v1/leaderboard?asset=USD").json()
    ranked = sorted(gains, key=lambda name: (-gains[name], name))
    assert [row["name"] for row in board["ranks"]] == ranked
    assert [units(row["pnl"]) for row in board["ranks"]] == [gains[name] for name in ranked]


def test_a_trade_is_worth_nothing_to_both_together(desk: Desk) -> None:
    """Without fees what one has made the other has lost, whatever the price is."""
    desk.add_instrument("ACME-USD")
    for account, side, price in (("ann", "sell", "100.00"), ("ben", "buy", "100.00"),
                                 ("cem", "sell", "105.00"), ("dee", "buy", "105.00")):  # fmt: skip
        body = {"symbol": "ACME-USD", "side": side, "order_type": "limit", "quantity": "10",
                "price": price}  # fmt: skip
        desk.here.post("/v1/orders", json=body, headers={"X-Account": account})
    ranks = desk.here.get("/v1/leaderboard?asset=USD").json()["ranks"]
    assert [(row["rank"], row["name"], row["pnl"]) for row in ranks] == [
        (1, "ben", "50.00000000"), (2, "cem", "0.00000000"), (2, "dee", "0.00000000"),
        (4, "ann", "-50.00000000"),
    ]  # fmt: skip
    # In the middle of the book, which has one bid and one ask, ben has made less.
    for side, price in (("buy", "90.00"), ("sell", "100.00")):
        body = {"symbol": "ACME-USD", "side": side, "order_type": "limit", "quantity": "1",
                "price": price}  # fmt: skip
        desk.here.post("/v1/orders", json=body, headers={"X-Account": "dee"})
    path = "/v1/account/performance?price=mid&asset=USD"
    found = desk.here.get(path, headers={"X-Account": "ben"}).json()
    assert found["pnl"] == "-50.00000000"
    assert found["markets"][0]["average_price"] == "100.00"
    assert found["markets"][0]["position"] == "10"
