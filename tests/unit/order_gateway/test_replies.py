"""Orders and instruments as text: exact, and as documented."""

import json
import re
from dataclasses import replace

from order_gateway.catalogue import Market
from order_gateway.field_types import CLIENT_ORDER_ID_PATTERN
from order_gateway.replies import encode, instrument_reply, instruments_reply
from order_gateway.schemas import InstrumentReply, InstrumentsReply
from tapewire.limits import (
    ASSET_CHARACTERS_MAX,
    BALANCE_UNITS_MAX,
    CLIENT_ORDER_ID_CHARACTERS_MAX,
    EXACT_INTEGER_MAX,
    FILL_JSON_BYTES_MAX,
    ORDER_FILLS_SHOWN_MAX,
    ORDER_ID_DIGITS_MAX,
    ORDER_JSON_BYTES_MAX,
    SYMBOL_CHARACTERS_MAX,
)
from tapewire.values.instrument_entry import InstrumentEntry, build_instrument
from tapewire.values.instruments import packaged_instruments, parse_instruments
from tapewire.values.types import (
    Account,
    AccountFill,
    Fill,
    Instrument,
    Liquidity,
    Lots,
    MarketState,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)
from tapewire.wire.orders import (
    AccountFillReply,
    OrderReply,
    account_fill_reply,
    order_reply,
)
from tests.support.structures import read_exactly

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
        Fill(7, Ticks(5_999_900), Lots(20_000), Liquidity.TAKER, 1_769_860_800_000_001, 10_000),
        Fill(9, Ticks(6_000_000), Lots(10_001), Liquidity.MAKER, 1_769_860_805_250_000),
    ),
)


def render_order(order: Order, instrument: Instrument) -> str:
    """An order as a client gets it."""
    return encode(order_reply(order, instrument)).decode()


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
        "reason": None,
        "fills": [
            {
                "trade_id": "BTC-USDT-7",
                "seq": 7,
                "price": "59999.00",
                "quantity": "0.20000",
                "liquidity": "taker",
                "fee": "0.00010000",
                "fee_asset": "BTC",
                "timestamp": "2026-01-31T12:00:00.000001Z",
            },
            {
                "trade_id": "BTC-USDT-9",
                "seq": 9,
                "price": "60000.00",
                "quantity": "0.10001",
                "liquidity": "maker",
                "fee": "0.00000000",
                "fee_asset": "BTC",
                "timestamp": "2026-01-31T12:00:05.250000Z",
            },
        ],
        "fills_truncated": False,
        "timestamp": "2026-01-31T12:00:00.000001Z",
        "updated_timestamp": "2026-01-31T12:00:05.250000Z",
        "post_only": False,
        "self_trade_prevention": "none",
        "prevented_quantity": "0.00000",
        "display_quantity": None,
        "stop_price": None,
        "triggered_timestamp": None,
        "cancel_id": None,
        "list_id": None,
        "quote_quantity": None,
        "expire_at": None,
    }
    read_exactly(text, OrderReply)


def test_no_name_that_a_client_may_give_breaks_the_text() -> None:
    """Replies are written out, so every character of a name must stand for itself in JSON."""
    names = [chr(code) for code in range(256) if re.fullmatch(CLIENT_ORDER_ID_PATTERN, chr(code))]
    assert len(names) == 66
    for name in names:
        text = render_order(replace(ORDER, client_order_id=name), BITCOIN)
        assert json.loads(text)["client_order_id"] == name


def test_a_market_order_has_no_price_and_a_nameless_one_no_name() -> None:
    """Both are null, so that every order has the same members."""
    market = replace(ORDER, price_ticks=None, client_order_id=None, fills=())
    reply = read_exactly(render_order(market, BITCOIN), OrderReply)
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


def test_the_longest_order_is_within_its_bound() -> None:
    """Longest names, most digits, every option: what an answer may have follows from it."""
    entry = InstrumentEntry(
        symbol="S" * SYMBOL_CHARACTERS_MAX,
        base="B" * ASSET_CHARACTERS_MAX,
        quote="Q" * ASSET_CHARACTERS_MAX,
        tick_size="0.000001",
        lot_size="0.000001",
        min_quantity="0.000001",
        max_quantity="1000",
        base_decimals=12,
        quote_decimals=12,
    )
    instrument = build_instrument(entry, {})
    ticks, lots, time_us = Ticks(EXACT_INTEGER_MAX), Lots(EXACT_INTEGER_MAX), EXACT_INTEGER_MAX
    fill = Fill(EXACT_INTEGER_MAX, ticks, lots, Liquidity.MAKER, time_us, BALANCE_UNITS_MAX)
    order = Order(
        order_id=OrderId("9" * ORDER_ID_DIGITS_MAX),
        account=Account("a"),
        symbol=instrument.symbol,
        side=Side.SELL,
        order_type=OrderType.STOP_LIMIT,
        time_in_force=TimeInForce.GTC,
        status=OrderStatus.PARTIALLY_FILLED,
        price_ticks=ticks,
        quantity_lots=lots,
        executed_lots=lots,
        executed_notional=EXACT_INTEGER_MAX,
        client_order_id="c" * CLIENT_ORDER_ID_CHARACTERS_MAX,
        created_us=time_us,
        updated_us=time_us,
        fills=(fill,) * ORDER_FILLS_SHOWN_MAX,
        prevented_lots=lots,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        display_lots=lots,
        stop_price_ticks=ticks,
        triggered_us=time_us,
        quote_notional=EXACT_INTEGER_MAX,
        expire_us=time_us,
        reason="insufficient_liquidity",
    )
    bare = len(render_order(replace(order, fills=()), instrument))
    assert bare <= ORDER_JSON_BYTES_MAX
    whole = len(render_order(order, instrument))
    assert whole - bare <= ORDER_FILLS_SHOWN_MAX * FILL_JSON_BYTES_MAX


def test_large_amounts_stay_exact() -> None:
    """Amounts beyond 2^53 units are integers here, so no digit is lost."""
    amount = 2**53 - 1
    reply = json.loads(render_order(replace(ORDER, executed_notional=amount), BITCOIN))
    assert reply["cumulative_quote_quantity"] == "900719925.4740991"


def test_an_order_says_that_it_has_more_fills() -> None:
    """What its fills sum up to is less than what it executed."""
    assert json.loads(render_order(ORDER, BITCOIN))["fills_truncated"] is False
    shown = json.loads(render_order(replace(ORDER, fills=ORDER.fills[1:]), BITCOIN))
    assert (shown["fills_truncated"], len(shown["fills"])) == (True, 1)


def test_every_option_is_shown() -> None:
    """What an order was placed with, and why it ended."""
    order = replace(
        ORDER,
        status=OrderStatus.EXPIRED,
        reason="self_trade",
        prevented_lots=Lots(9_999),
        display_lots=Lots(1_000),
        stop_price_ticks=Ticks(6_100_000),
        triggered_us=1_769_860_801_000_000,
        quote_notional=1_000_000_001,
        expire_us=1_769_860_900_000_000,
        post_only=True,
    )
    reply = read_exactly(render_order(order, BITCOIN), OrderReply)
    assert (reply.status, reply.reason) == ("expired", "self_trade")
    assert (reply.prevented_quantity, reply.remaining_quantity) == ("0.09999", "0.10000")
    assert (reply.display_quantity, reply.stop_price) == ("0.01000", "61000.00")
    assert reply.triggered_timestamp == "2026-01-31T12:00:01.000000Z"
    assert (reply.quote_quantity, reply.post_only) == ("100.0000001", True)
    assert reply.expire_at == "2026-01-31T12:01:40.000000Z"


def test_a_fill_of_an_account_names_its_order() -> None:
    """The same members as in the order, and whose they are."""
    item = AccountFill(ORDER.order_id, ORDER.symbol, ORDER.side, ORDER.fills[0])
    text = encode(account_fill_reply(item, BITCOIN)).decode()
    (inner, _) = json.loads(render_order(ORDER, BITCOIN))["fills"]
    assert json.loads(text) == {"order_id": "42", "symbol": "BTC-USDT", "side": "buy"} | inner
    read_exactly(text, AccountFillReply)


def test_a_seller_pays_its_fee_in_what_it_gets() -> None:
    """The quote asset, with its decimals, which are not those of a notional."""
    (fill, _) = json.loads(render_order(replace(ORDER, side=Side.SELL), BITCOIN))["fills"]
    assert (fill["fee"], fill["fee_asset"]) == ("0.00010000", "USDT")
    coarse = replace(BITCOIN, quote_decimals=7)
    (fill, _) = json.loads(render_order(replace(ORDER, side=Side.SELL), coarse))["fills"]
    assert (fill["fee"], fill["fee_asset"]) == ("0.0010000", "USDT")


def test_instruments_are_rendered_in_the_words_of_the_file() -> None:
    """What an instrument file says comes back with all decimals, beside what the market takes."""
    bounded = replace(
        BITCOIN,
        band_bps=250,
        order_notional_max=10_000_000_000,
        position_lots_max=25_000_000,
        taker_fee_ppm=500,
    )
    market = Market(bounded, MarketState.CANCEL_ONLY)
    assert json.loads(encode(instrument_reply(market))) == {
        "symbol": "BTC-USDT",
        "base": "BTC",
        "quote": "USDT",
        "tick_size": "0.01",
        "lot_size": "0.00001",
        "min_quantity": "0.00001",
        "max_quantity": "100.00000",
        "max_price": "900719.92",
        "min_notional": "5.0000000",
        "state": "cancel_only",
        "price_band_bps": 250,
        "open_orders_max": 10_000,
        "order_quantity_max": "0.00000",
        "order_notional_max": "1000.0000000",
        "position_max": "250.00000",
        "maker_fee_ppm": 0,
        "taker_fee_ppm": 500,
        "base_decimals": 8,
        "quote_decimals": 8,
    }
    read_exactly(encode(instrument_reply(market)), InstrumentReply)
    everything = read_exactly(encode(instruments_reply([market, market])), InstrumentsReply)
    assert len(everything.instruments) == 2
