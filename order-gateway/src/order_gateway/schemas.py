"""The REST bodies, as clients see them. Decimals are text, and so are identifiers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from tapewire.json_text import NumberText
from tapewire.limits import CLIENT_ORDER_ID_CHARACTERS_MAX

DECIMAL_PATTERN = r"^[0-9]+(\.[0-9]+)?$"


def _text_of_number(value: object) -> object:
    return value.text if isinstance(value, NumberText) else value


DecimalInput = Annotated[
    str,
    BeforeValidator(_text_of_number),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": DECIMAL_PATTERN}, {"type": "number"}],
            "description": "A plain positive decimal, best as a string; a number without exponent "
            "is taken digit by digit",
        }
    ),
]
DecimalOutput = Annotated[str, Field(pattern=DECIMAL_PATTERN)]
ClientOrderId = Annotated[
    str,
    Field(
        pattern=rf"^[A-Za-z0-9._:\-]{{1,{CLIENT_ORDER_ID_CHARACTERS_MAX}}}$",
        description="A name of your choice, unique in your account: the same name with the same "
        "body gives the order that was placed first, so a request may be sent again safely",
    ),
]
Timestamp = Annotated[
    str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", description="Venue time, UTC")
]
SideText = Literal["buy", "sell"]
OrderTypeText = Literal["limit", "market", "ioc", "fok"]
TimeInForceText = Literal["gtc", "ioc", "fok"]


class OrderRequest(BaseModel):
    """An order to place."""

    model_config = ConfigDict(extra="forbid", strict=True)

    symbol: Annotated[str, Field(description="An instrument of `GET /v1/instruments`")]
    side: SideText
    order_type: Annotated[
        OrderTypeText,
        Field(description="`ioc` and `fok` are limit orders with that time in force"),
    ]
    quantity: DecimalInput
    price: DecimalInput | None = None
    time_in_force: Annotated[
        TimeInForceText | None,
        Field(description="`gtc` (default of a limit order), `ioc` or `fok`"),
    ] = None
    client_order_id: ClientOrderId | None = None


class FillReply(BaseModel):
    """One execution of the order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    trade_id: str
    seq: Annotated[int, Field(ge=1, description="Number of the trade within its symbol")]
    price: DecimalOutput
    quantity: DecimalOutput
    liquidity: Literal["maker", "taker"]
    timestamp: Timestamp


class OrderReply(BaseModel):
    """An order as it stands."""

    model_config = ConfigDict(extra="forbid", strict=True)

    order_id: str
    client_order_id: str | None
    symbol: str
    side: SideText
    order_type: OrderTypeText
    time_in_force: TimeInForceText
    price: Annotated[DecimalOutput | None, Field(description="Absent value for a market order")]
    quantity: DecimalOutput
    executed_quantity: DecimalOutput
    remaining_quantity: Annotated[
        DecimalOutput, Field(description="quantity - executed_quantity, also when it is closed")
    ]
    cumulative_quote_quantity: Annotated[
        DecimalOutput, Field(description="Sum of price x quantity of all fills, exact")
    ]
    status: Literal["new", "partially_filled", "filled", "canceled", "expired"]
    fills: list[FillReply]
    timestamp: Annotated[Timestamp, Field(description="When the venue took the order in, UTC")]
    updated_timestamp: Annotated[Timestamp, Field(description="Its last change, UTC")]


class InstrumentReply(BaseModel):
    """What is traded and in which steps."""

    model_config = ConfigDict(extra="forbid", strict=True)

    symbol: str
    base: str
    quote: str
    tick_size: DecimalOutput
    lot_size: DecimalOutput
    min_quantity: DecimalOutput
    max_quantity: DecimalOutput
    max_price: DecimalOutput
    min_notional: DecimalOutput


class InstrumentsReply(BaseModel):
    """Every instrument of the venue."""

    model_config = ConfigDict(extra="forbid", strict=True)

    instruments: list[InstrumentReply]


ORDER_EXAMPLES: dict[str, Any] = {
    "limit": {
        "summary": "Buy 0.5 BTC at 60000.00 or better, and wait for the rest",
        "value": {
            "symbol": "BTC-USDT",
            "side": "buy",
            "order_type": "limit",
            "quantity": "0.5",
            "price": "60000.00",
            "client_order_id": "my-1",
        },
    },
    "market": {
        "summary": "Sell 0.5 BTC at the best prices there are",
        "value": {
            "symbol": "BTC-USDT",
            "side": "sell",
            "order_type": "market",
            "quantity": "0.5",
        },
    },
    "ioc": {
        "summary": "Buy what there is now at 60000.00 or better",
        "value": {
            "symbol": "BTC-USDT",
            "side": "buy",
            "order_type": "ioc",
            "quantity": "0.5",
            "price": "60000.00",
        },
    },
    "fok": {
        "summary": "Buy all 0.5 BTC now at 60000.00 or better, or nothing",
        "value": {
            "symbol": "BTC-USDT",
            "side": "buy",
            "order_type": "limit",
            "time_in_force": "fok",
            "quantity": "0.5",
            "price": "60000.00",
        },
    },
}

FILLED_EXAMPLE: dict[str, Any] = {
    "order_id": "42",
    "client_order_id": "my-1",
    "symbol": "BTC-USDT",
    "side": "buy",
    "order_type": "limit",
    "time_in_force": "gtc",
    "price": "60000.00",
    "quantity": "0.50000",
    "executed_quantity": "0.20000",
    "remaining_quantity": "0.30000",
    "cumulative_quote_quantity": "11999.8000000",
    "status": "partially_filled",
    "fills": [
        {
            "trade_id": "BTC-USDT-7",
            "seq": 7,
            "price": "59999.00",
            "quantity": "0.20000",
            "liquidity": "taker",
            "timestamp": "2026-01-31T12:00:00.000001Z",
        }
    ],
    "timestamp": "2026-01-31T12:00:00.000001Z",
    "updated_timestamp": "2026-01-31T12:00:00.000001Z",
}
CANCELED_EXAMPLE = FILLED_EXAMPLE | {
    "status": "canceled",
    "updated_timestamp": "2026-01-31T12:00:05.250000Z",
}
INSTRUMENT_EXAMPLE = {
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
