"""Orders and instruments as text: exact, and as documented."""

import json
from dataclasses import replace

from order_gateway.replies import render_instrument, render_instruments, render_order
from order_gateway.schemas import InstrumentReply, InstrumentsReply, OrderReply
from tapewire.instruments import packaged_instruments, parse_instruments
from tapewire.types import (
    Account,
    Fill,
    Liquidity,
    Lots,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)

BITCOIN = packaged_instruments()[Symbol("BTC-USDT")]
ORDER = Order(
    order_id=OrderId("42"),
    account=Account("demo"),
    symbol=Symbol("BTC-USDT"),
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    status=OrderStatus.PARTIALLY_FILLED,
    price_ticks=Ticks(6_000_000),
    quantity_lots=Lots(50_000),
    executed_lots=Lots(30_001),
    executed_notional=5_999_900 * 20_000 + 6_000_000 * 10_001,
    client_order_id="my-1",
    created_us=1_769_860_800_000_001,
    updated_us=1_769_860_805_250_000,
    fills=(
        Fill(7, Ticks(5_999_900), Lots(20_000), Liquidity.TAKER, 1_769_860_800_000_001),
        Fill(9, Ticks(6_000_000), Lots(10_001), Liquidity.MAKER, 1_769_860_805_250_000),
    ),
)


def test_an_order_is_rendered_with_the_decimals_of_its_instrument() -> None:
    """Every member of the contract, nothing rounded, nothing more."""
    text = render_order(ORDER, BITCOIN)
    assert json.loads(text) == {
        "order_id": "42",
        "client_order_id": "my-1",
        "symbol": "BTC-USDT",
        "side": "buy",
        "order_type": "limit",
        "time_in_force": "gtc",
        "price": "60000.00",
        "quantity": "0.50000",
        "executed_quantity": "0.30001",
        "remaining_quantity": "0.19999",
        "cumulative_quote_quantity": "18000.4000000",
        "status": "partially_filled",
        "fills": [
            {
                "trade_id": "BTC-USDT-7",
                "seq": 7,
                "price": "59999.00",
                "quantity": "0.20000",
                "liquidity": "taker",
                "timestamp": "2026-01-31T12:00:00.000001Z",
            },
            {
                "trade_id": "BTC-USDT-9",
                "seq": 9,
                "price": "60000.00",
                "quantity": "0.10001",
                "liquidity": "maker",
                "timestamp": "2026-01-31T12:00:05.250000Z",
            },
        ],
        "timestamp": "2026-01-31T12:00:00.000001Z",
        "updated_timestamp": "2026-01-31T12:00:05.250000Z",
    }
    OrderReply.model_validate_json(text)


def test_a_market_order_has_no_price_and_a_nameless_one_no_name() -> None:
    """Both are null, so that every order has the same members."""
    market = replace(ORDER, price_ticks=None, client_order_id=None, fills=())
    reply = OrderReply.model_validate_json(render_order(market, BITCOIN))
    assert (reply.price, reply.client_order_id, reply.fills) == (None, None, [])


def test_steps_of_more_than_one_unit_are_counted_back() -> None:
    """Ticks of 0.25 and lots of 10: price, quantity and amount have the steps multiplied in."""
    shares = parse_instruments(
        """
        [[instrument]]
        symbol = "ACME"
        base = "ACME"
        quote = "USD"
        tick_size = "0.25"
        lot_size = "10"
        min_quantity = "10"
        max_quantity = "1000"
        """,
        "x",
    )[Symbol("ACME")]
    order = replace(
        ORDER,
        symbol=Symbol("ACME"),
        price_ticks=Ticks(401),
        quantity_lots=Lots(3),
        executed_lots=Lots(2),
        executed_notional=802,
        fills=(),
    )
    reply = json.loads(render_order(order, shares))
    assert reply["price"] == "100.25"
    assert (reply["quantity"], reply["remaining_quantity"]) == ("30", "10")
    assert reply["cumulative_quote_quantity"] == "2005.00"


def test_large_amounts_stay_exact() -> None:
    """Amounts beyond 2^53 units are integers here, so no digit is lost."""
    amount = 2**53 - 1
    reply = json.loads(render_order(replace(ORDER, executed_notional=amount), BITCOIN))
    assert reply["cumulative_quote_quantity"] == "900719925.4740991"


def test_instruments_are_rendered_in_the_words_of_the_file() -> None:
    """What an instrument file says comes back with all decimals."""
    assert json.loads(render_instrument(BITCOIN)) == {
        "symbol": "BTC-USDT",
        "base": "BTC",
        "quote": "USDT",
        "tick_size": "0.01",
        "lot_size": "0.00001",
        "min_quantity": "0.00001",
        "max_quantity": "100.00000",
        "max_price": "9007199.25",
        "min_notional": "5.0000000",
    }
    InstrumentReply.model_validate_json(render_instrument(BITCOIN))
    everything = render_instruments(packaged_instruments().values())
    assert len(InstrumentsReply.model_validate_json(everything).instruments) == 3
