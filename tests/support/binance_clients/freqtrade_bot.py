"""freqtrade: `freqtrade trade` runs live for RUN_S with a strategy; the steps are read afterwards.

The program runs in the environment of freqtrade. freqtrade keeps its orders in a SQLite database,
and the steps compare that database with what the venue has for the same account.
"""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.support.binance_clients.steps import addresses, report, step

NAME = "freqtrade"
RUN_S, STOP_TIMEOUT_S, LOOK_INTERVAL_S = 300, 60, 2
STOPPED_SYMBOL, STOPPED_PAIR = "ETH-USDT", "ETH/USDT"
STRATEGIES = Path(__file__).with_name("strategies")
LOG_CHARACTERS_MAX = 6_000
INTERRUPTED_STATUS = 130
"""The exit status of freqtrade after SIGINT, when it has cleaned up."""

QUANTITY_ERROR_MAX = 1e-9


def main() -> None:
    """Five minutes of trading."""
    gateway, gateway_socket, _, feed = addresses()
    urls = {
        "public": f"{gateway}/api/v3", "private": f"{gateway}/api/v3", "sapi": f"{gateway}/sapi/v1",
        "ws": {"spot": f"{feed}/ws", "ws-api": {"spot": f"{gateway_socket}/ws-api/v3"}},
    }  # fmt: skip
    with TemporaryDirectory() as name, httpx.Client(base_url=gateway, trust_env=False) as venue:
        folder = Path(name)
        (folder / "config.json").write_text(json.dumps(configuration(urls)), "utf-8")
        status, log = trade(folder, venue)
        sys.stderr.write(log[-LOG_CHARACTERS_MAX:])
        judge(folder / "trades.sqlite", venue, status, log)


def configuration(urls: dict[str, Any]) -> dict[str, Any]:
    """The configuration of freqtrade: live, spot, orders at the best prices of the book."""
    pricing = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return {
        "dry_run": False, "trading_mode": "spot", "initial_state": "running",
        "stake_currency": "USDT", "stake_amount": 200, "max_open_trades": 3,
        "cancel_open_orders_on_exit": True,
        "unfilledtimeout": {"entry": 15, "exit": 15, "unit": "seconds"},
        "entry_pricing": pricing, "exit_pricing": pricing,
        "exchange": {
            "name": "binanceus", "key": NAME, "secret": NAME,
            "pair_whitelist": ["BTC/USDT", "ETH/USDT", "SOL/USDT"],
            "ccxt_config": {"urls": {"api": urls}},
        },
        "pairlists": [{"method": "StaticPairList"}],
        "internals": {"process_throttle_secs": 2},
    }  # fmt: skip


def trade(folder: Path, venue: httpx.Client) -> tuple[int, str]:
    """Run freqtrade for RUN_S and stop it; returns its exit status and its log."""
    command = [
        sys.executable, "-m", "freqtrade", "trade", f"--config={folder / 'config.json'}",
        f"--userdir={folder}", f"--db-url=sqlite:///{folder / 'trades.sqlite'}",
        f"--strategy-path={STRATEGIES}", "--strategy=QuickTurns",
    ]  # fmt: skip
    log_path = folder / "log.txt"
    with log_path.open("wb") as log:
        bot = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            end = time.monotonic() + RUN_S
            while bot.poll() is None and time.monotonic() < end:
                fire_stops(venue)
                time.sleep(LOOK_INTERVAL_S)
            bot.send_signal(signal.SIGINT)
            status = bot.wait(STOP_TIMEOUT_S)
        finally:
            bot.kill()
            bot.wait()
    return status, log_path.read_text("utf-8", "replace")


def fire_stops(venue: httpx.Client) -> None:
    """Trade at the price of each stop order that freqtrade has open for STOPPED_SYMBOL."""
    found = venue.get(
        "/v1/orders", params={"symbol": STOPPED_SYMBOL, "status": "open"}, headers=as_account(NAME)
    )
    for order in found.json()["orders"]:
        if order.get("stop_price") is None or order["side"] != "sell":
            continue
        # A bid that the stop order is filled from; then a sale that sweeps the book down to it.
        body = {"symbol": STOPPED_SYMBOL, "order_type": "limit", "price": order["stop_price"]}
        for account, side, quantity in (("floor", "buy", "20"), ("sweeper", "sell", "15")):
            reply = venue.post(
                "/v1/orders", json={**body, "side": side, "quantity": quantity},
                headers=as_account(account),
            )  # fmt: skip
            reply.raise_for_status()
        venue.delete("/v1/orders", headers=as_account("sweeper"))


def as_account(account: str) -> dict[str, str]:
    """The header that names an account of an open venue."""
    return {"X-Account": account}


def judge(database: Path, venue: httpx.Client, status: int, log: str) -> None:
    """What the database of freqtrade says, and whether the venue says the same."""
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        orders = [dict(row) for row in connection.execute("select * from orders order by id")]
        trades = [dict(row) for row in connection.execute("select * from trades order by id")]
    sides = {
        side: [order for order in orders if order["ft_order_side"] == side]
        for side in ("buy", "sell", "stoploss")
    }
    closed = {row["exit_reason"]: row for row in trades if not row["is_open"]}
    sys.stdout.write(f"freqtrade: {len(orders)} orders, {len(trades)} trades, {list(closed)}\n")

    def filled(side: str, kind: str) -> list[dict[str, Any]]:
        return [
            order
            for order in sides[side]
            if order["order_type"] == kind and order["status"] == "closed" and order["filled"]
        ]

    known = {order["order_id"]: order for order in venue_orders(venue)}
    step("limit order", lambda: filled("buy", "limit"))
    step("market order", lambda: filled("sell", "market"))
    # freqtrade deletes a trade whose only order ended without a fill.
    step("cancel order", lambda: ended_unfilled(known.values()))
    step("stop limit order", lambda: sides["stoploss"])
    step("stop fires", lambda: closed["stoploss_on_exchange"], bool)
    step("read order", lambda: all(same_order(order, known) for order in orders))
    errors = [line for line in log.splitlines() if " - ERROR - " in line or "Traceback" in line]
    stopped = status == INTERRUPTED_STATUS
    report("five minutes live", None if stopped and not errors else str((status, errors)))
    step("cancel all", lambda: not is_open(venue))


def venue_orders(venue: httpx.Client) -> list[dict[str, Any]]:
    """All orders that the account had at the venue."""
    found: list[dict[str, Any]] = []
    params: dict[str, str] = {"limit": "500"}
    while True:
        page = venue.get("/v1/orders", params=params, headers=as_account(NAME)).json()
        found += page["orders"]
        if page.get("next_cursor") is None:
            return found
        params["cursor"] = page["next_cursor"]


def ended_unfilled(orders: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entry orders that freqtrade canceled after their timeout."""
    return [
        order
        for order in orders
        if order["status"] == "canceled" and order["side"] == "buy" and not order["fills"]
    ]


def same_order(order: dict[str, Any], known: dict[str, dict[str, Any]]) -> bool:
    """Whether an order of the database has the quantity that the venue executed for it."""
    executed = float(known[order["order_id"]]["executed_quantity"])
    return abs(executed - (order["filled"] or 0)) < QUANTITY_ERROR_MAX


def is_open(venue: httpx.Client) -> list[str]:
    """Entry and exit orders that are open; freqtrade leaves stop orders to protect positions."""
    return [
        order["order_id"]
        for order in venue_orders(venue)
        if order["status"] in {"new", "partially_filled"} and order.get("stop_price") is None
    ]


if __name__ == "__main__":
    main()
