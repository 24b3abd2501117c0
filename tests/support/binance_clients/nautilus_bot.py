"""nautilus_trader: a live node whose strategy reads the market, and places and cancels orders.

The node connects, subscribes to trades and to the book, and gets every event of its orders through
its own order engine. A step is reported when the strategy hears of the result.
"""

import asyncio
from decimal import Decimal
from typing import Any

from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LoggingConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.enums import BookType, OrderSide, OrderStatus
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.trading.strategy import Strategy

from tests.support.binance_clients.steps import FAR_BELOW, QUANTITY, addresses, report

NAME = "nautilus"
INSTRUMENT = InstrumentId.from_str(f"BTCUSDT.{BINANCE}")
RUN_TIMEOUT_S = 90
WANTED = (
    "markets", "balances", "stream: trades", "stream: book", "limit order", "cancel order",
    "user stream: cancel", "market order", "user stream: fill", "user stream: balances",
)  # fmt: skip


class Turns(Strategy):
    """Places an order far from the market, cancels it, then buys at the market."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(strategy_id="turns-1"))
        self.seen: set[str] = set()
        self.done = asyncio.Event()
        self.resting: Any = None
        self.bought: Any = None

    def saw(self, call: str) -> None:
        """Report a step once; the end is when all have been seen."""
        if call not in self.seen:
            self.seen.add(call)
            report(call, None)
        if self.seen >= set(WANTED):
            self.done.set()

    def on_start(self) -> None:
        """Instrument and account are there before a strategy starts; then the streams."""
        if self.cache.instrument(INSTRUMENT) is not None:
            self.saw("markets")
        account = self.portfolio.account(INSTRUMENT.venue)
        if account is not None and account.balance_free(account.currencies()[0]).as_decimal() > 0:
            self.saw("balances")
        self.subscribe_trade_ticks(INSTRUMENT)
        self.subscribe_order_book_deltas(INSTRUMENT, BookType.L2_MBP)

    def on_order_book_deltas(self, _: Any) -> None:
        """The engine keeps a book of the deltas."""
        book = self.cache.order_book(INSTRUMENT)
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if bid is not None and ask is not None and bid < ask:
            self.saw("stream: book")

    def on_trade_tick(self, _: Any) -> None:
        """The first trade begins the orders."""
        self.saw("stream: trades")
        if self.resting is None:
            instrument = self.cache.instrument(INSTRUMENT)
            self.resting = self.order_factory.limit(
                INSTRUMENT,
                OrderSide.BUY,
                instrument.make_qty(Decimal(QUANTITY)),
                instrument.make_price(Decimal(FAR_BELOW)),
            )
            self.submit_order(self.resting)

    def on_order_accepted(self, event: Any) -> None:
        """The order rests: cancel it."""
        if event.client_order_id == self.resting.client_order_id:
            self.saw("limit order")
            self.cancel_order(self.resting)

    def on_order_canceled(self, _: Any) -> None:
        """Then buy at the market."""
        self.saw("cancel order")
        self.saw("user stream: cancel")
        instrument = self.cache.instrument(INSTRUMENT)
        quantity = instrument.make_qty(Decimal(QUANTITY))
        self.bought = self.order_factory.market(INSTRUMENT, OrderSide.BUY, quantity)
        self.submit_order(self.bought)

    def on_order_filled(self, event: Any) -> None:
        """The whole quantity has to be filled."""
        self.saw("user stream: fill")
        if self.cache.order(event.client_order_id).status == OrderStatus.FILLED:
            self.saw("market order")

    def on_event(self, _: Any) -> None:
        """What the node knows of its account after the fill."""
        account = self.portfolio.account(INSTRUMENT.venue)
        if self.bought is not None and self.bought.is_closed and account.event_count > 1:
            self.saw("user stream: balances")

    def on_order_rejected(self, event: Any) -> None:
        """No order may be refused."""
        report(f"order refused: {event.reason}", str(event))
        self.done.set()


async def run(node: TradingNode, strategy: Turns) -> None:
    """Run the node until the strategy has seen everything, for at most RUN_TIMEOUT_S."""
    task = asyncio.create_task(node.run_async())
    try:
        await asyncio.wait_for(strategy.done.wait(), RUN_TIMEOUT_S)
    except TimeoutError:
        for call in WANTED:
            if call not in strategy.seen:
                report(call, f"not seen within {RUN_TIMEOUT_S} s")
    finally:
        await node.stop_async()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def main() -> None:
    """Build a node for both addresses."""
    gateway, gateway_socket, _, feed = addresses()
    provider = InstrumentProviderConfig(load_ids=frozenset({INSTRUMENT}))
    keys: dict[str, Any] = {
        "api_key": NAME, "api_secret": NAME, "base_url_http": gateway,
        "instrument_provider": provider,
    }  # fmt: skip
    node = TradingNode(
        TradingNodeConfig(
            trader_id=TraderId("TESTER-001"),
            logging=LoggingConfig(log_level="INFO", log_colors=False),
            data_clients={BINANCE: BinanceDataClientConfig(**keys, base_url_ws=feed)},
            exec_clients={
                BINANCE: BinanceExecClientConfig(**keys, base_url_ws=f"{gateway_socket}/ws-api/v3")
            },
        )
    )
    strategy = Turns()
    node.trader.add_strategy(strategy)
    node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
    node.add_exec_client_factory(BINANCE, BinanceLiveExecClientFactory)
    node.build()
    try:
        node.get_event_loop().run_until_complete(run(node, strategy))
    finally:
        node.dispose()


if __name__ == "__main__":
    main()
