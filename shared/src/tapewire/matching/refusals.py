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
from tapewire.limits import ACCOUNTS_MAX

_EXCEPTIONS: dict[str, TapewireError] = {
    "UNKNOWN_SYMBOL": UnknownSymbol(
        "symbol is not traded here; GET /v1/instruments lists the symbols."
    ),
    "DUPLICATE_CLIENT_ORDER_ID": DuplicateClientOrderId(
        "client_order_id belongs to an earlier order with another body; choose another id."
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
        "Redis holds this asset with other decimals; use the same base_decimals or quote_decimals, "
        "or an empty Redis:"
    ),
    "UNKNOWN_ACCOUNT": UnknownAccount(
        "The venue has no account of this name; a deposit opens an account."
    ),
    "UNKNOWN_ASSET": InvalidField(
        "asset", "unknown_asset", "No instrument of the venue has this asset."
    ),
    "ACCOUNTS_LIMIT": Conflict(
        "accounts_limit", f"The venue has its maximum of {ACCOUNTS_MAX:,} accounts."
    ),
    "SUPPLY_LIMIT": Conflict(
        "supply_limit", "All accounts together would have more than 2^62 units of the asset:"
    ),
    "DUPLICATE_REFERENCE": Conflict(
        "duplicate_reference", "reference was used before, for another transfer of the account."
    ),
    "ACCOUNT_BLOCKED": AccountBlocked("The account is blocked: it may only cancel."),
    "ORDER_SIZE_LIMIT": Conflict(
        "order_size_limit",
        "quantity exceeds order_quantity_max of the instrument or of the account.",
    ),
    "ORDER_NOTIONAL_LIMIT": Conflict(
        "order_notional_limit",
        "price x quantity exceeds order_notional_max of the instrument or of the account.",
    ),
    "POSITION_LIMIT": Conflict(
        "position_limit",
        "The position, open buy orders included, would exceed position_max of the instrument or of "
        "the account.",
    ),
    "BALANCE_LIMIT": Conflict(
        "balance_limit", "The account would have more than 2^62 units of an asset."
    ),
    "INSUFFICIENT_FUNDS": Conflict(
        "insufficient_funds",
        "The available balance is too small; amounts that open orders hold are not available.",
    ),
    "STOPS_PENDING": StopsPending(
        "Fired stop orders of this market run first; send the order again."
    ),
    "MARKET_BROKEN": MarketBroken(
        "The data of this market contradict each other, so it is halted. The operator of the venue "
        "gets advice from: tapewire doctor. Market:"
    ),
    "UNCROSS_PENDING": UncrossPending("The market uncrosses its auction; send the request again."),
    "CLOCK_JUMPED": RedisUnavailable(
        "The clock of Redis has jumped. Nothing was done. Correct the clock with a time service; "
        "if the clock is right, run: tapewire clock set-right"
    ),
    "STALE_INSTRUMENT": StaleInstrument("The instrument has changed."),
    "MARKET_HALTED": Conflict(
        "market_halted", "The market is halted; it accepts no orders, amendments or cancels."
    ),
    "MARKET_CANCEL_ONLY": Conflict(
        "market_cancel_only",
        "The market accepts only cancels and amendments to a smaller quantity now.",
    ),
    "MARKET_AUCTION": Conflict(
        "market_auction",
        "The market collects orders for an auction: it accepts limit orders with gtc or gtd, and "
        "stop orders.",
    ),
    "MARKET_POST_ONLY": Conflict(
        "market_post_only", "The market accepts only orders with post_only now."
    ),
    "OPEN_ORDERS_LIMIT": Conflict(
        "open_orders_limit",
        "The account has open_orders_max open orders in this symbol; cancel an order first.",
    ),
    "PRICE_OUT_OF_BAND": Conflict(
        "price_out_of_band",
        "price is farther from the last trade than price_band_bps of the instrument allows.",
    ),
    "STOP_WOULD_TRIGGER": Conflict(
        "stop_would_trigger",
        "The last trade has reached stop_price: the order would fire at once. A sell stop and a "
        "buy take-profit fire at or below stop_price, a buy stop and a sell take-profit at or "
        "above stop_price.",
    ),
    "POST_ONLY_WOULD_TAKE": Conflict(
        "post_only_would_take",
        "The order is post_only and would trade at once; choose a price that does not cross the "
        "book.",
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
        "stop_price",
        "stop_price_forbidden",
        "The order has no stop price, or its stop has fired.",
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
