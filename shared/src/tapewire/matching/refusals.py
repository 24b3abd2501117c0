"""The error replies of the commands and their exceptions: one table."""

from typing import NoReturn

from tapewire.errors import (
    AccountBlocked,
    Conflict,
    DuplicateClientOrderId,
    InstrumentConflict,
    InvalidField,
    MarketBroken,
    OrderClosed,
    OrderNotFound,
    RedisUnavailable,
    StaleInstrument,
    StopsPending,
    TapewireError,
    UncrossPending,
    UnknownAccount,
    UnknownSymbol,
)

_EXCEPTIONS: dict[str, TapewireError] = {
    "UNKNOWN_SYMBOL": UnknownSymbol(
        "symbol is not traded here; GET /v1/instruments lists the symbols."
    ),
    "DUPLICATE_CLIENT_ORDER_ID": DuplicateClientOrderId(
        "client_order_id was used before, for an order with another body."
    ),
    "ORDER_NOT_FOUND": OrderNotFound("No order of yours has this order_id."),
    "ORDER_CLOSED": OrderClosed("The order is closed already: filled, canceled or expired."),
    "ORDER_IN_LIST": Conflict(
        "order_in_list", "The order belongs to an order list: cancel the list and place another."
    ),
    "INSTRUMENT_CONFLICT": InstrumentConflict(
        "Redis holds this instrument with another base, quote, tick_size or lot_size; "
        "use another symbol or an empty Redis:"
    ),
    "ASSET_CONFLICT": InstrumentConflict(
        "Redis holds this asset with other decimals; say base_decimals or quote_decimals as it is "
        "there, or use an empty Redis:"
    ),
    "UNKNOWN_ACCOUNT": UnknownAccount("No account of this name has been opened."),
    "UNKNOWN_ASSET": InvalidField("asset", "unknown_asset", "asset is traded in no instrument."),
    "ACCOUNTS_LIMIT": Conflict("accounts_limit", "The venue has as many accounts as it may."),
    "SUPPLY_LIMIT": Conflict("supply_limit", "The venue has as much of this asset as it may:"),
    "DUPLICATE_REFERENCE": Conflict(
        "duplicate_reference", "reference was used before, for another transfer of the account."
    ),
    "ACCOUNT_BLOCKED": AccountBlocked("The account is blocked: it may only cancel."),
    "ORDER_SIZE_LIMIT": Conflict(
        "order_size_limit", "quantity is more than one order of the account may have."
    ),
    "ORDER_NOTIONAL_LIMIT": Conflict(
        "order_notional_limit", "price x quantity is more than one order of the account may have."
    ),
    "POSITION_LIMIT": Conflict(
        "position_limit", "With its open orders the account would pass its position limit."
    ),
    "BALANCE_LIMIT": Conflict(
        "balance_limit", "The account has as much of an asset as can be counted."
    ),
    "INSUFFICIENT_FUNDS": Conflict(
        "insufficient_funds", "The account has not enough available for this."
    ),
    "STOPS_PENDING": StopsPending(
        "Fired stop orders of this market run first; send the order again."
    ),
    "MARKET_BROKEN": MarketBroken(
        "The data of this market contradict each other, so it is halted. The operator of the venue "
        "learns what to do from: tapewire doctor. Market:"
    ),
    "UNCROSS_PENDING": UncrossPending("The market uncrosses its auction; send the request again."),
    "CLOCK_JUMPED": RedisUnavailable(
        "The clock of Redis has jumped. Nothing was done. Have a time service put it right, or if "
        "it is right: tapewire clock set-right"
    ),
    "STALE_INSTRUMENT": StaleInstrument("The instrument has changed."),
    "MARKET_HALTED": Conflict("market_halted", "The market is halted."),
    "MARKET_CANCEL_ONLY": Conflict("market_cancel_only", "The market only takes cancels now."),
    "MARKET_AUCTION": Conflict(
        "market_auction",
        "The market collects orders for an auction: only limit and stop orders may wait for it.",
    ),
    "MARKET_POST_ONLY": Conflict(
        "market_post_only", "The market only takes orders with post_only now."
    ),
    "OPEN_ORDERS_LIMIT": Conflict(
        "open_orders_limit", "The account has as many open orders in this symbol as it may."
    ),
    "PRICE_OUT_OF_BAND": Conflict(
        "price_out_of_band", "price is too far from the last trade of the symbol."
    ),
    "STOP_WOULD_TRIGGER": Conflict(
        "stop_would_trigger", "stop_price is reached already: the order would trigger at once."
    ),
    "POST_ONLY_WOULD_TAKE": Conflict(
        "post_only_would_take", "The order would trade at once, but is post_only."
    ),
    "EXPIRE_IN_PAST": InvalidField(
        "expire_at", "out_of_range", "expire_at must be later than now."
    ),
    "AMEND_BELOW_EXECUTED": InvalidField(
        "quantity", "out_of_range", "quantity must be more than the executed quantity."
    ),
    "NOTIONAL_TOO_SMALL": InvalidField(
        "quantity", "notional_too_small", "price x quantity is below the minimum of the instrument."
    ),
    "PRICE_FORBIDDEN": InvalidField(
        "price", "price_forbidden", "The order has no price to change."
    ),
    "STOP_PRICE_FORBIDDEN": InvalidField(
        "stop_price", "stop_price_forbidden", "The order does not wait for a stop price."
    ),
}


def refuse(reply: str) -> NoReturn:
    """Raise the exception of an error reply of a command."""
    raise find_refusal(reply)


def find_refusal(reply: str) -> TapewireError:
    """The exception of an error reply, or of a code in a reply."""
    code, _, detail = reply.removeprefix("ERR ").partition(" ")
    known = _EXCEPTIONS.get(code)
    if known is None:
        return TapewireError(f"the matching command failed: {reply}")
    if isinstance(known, InvalidField):
        return InvalidField(known.field or "", known.code, str(known))
    if isinstance(known, Conflict):
        return Conflict(known.code, f"{known} {detail}".rstrip())
    return type(known)(f"{known} {detail}".rstrip())
