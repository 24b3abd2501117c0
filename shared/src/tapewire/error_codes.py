"""Every `code` of an error answer: its HTTP status and what it means, in one table.

Codes are API and never change their meaning. A code that is not here cannot be answered with;
docs/protocol.md shows the same table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """The meaning of a code; `title` is the same for every answer with this code."""

    status: int
    title: str


ERROR_CODES: Mapping[str, ErrorCode] = MappingProxyType(
    {
        # The request as a whole
        "malformed_json": ErrorCode(400, "The body is not JSON"),
        "invalid_body": ErrorCode(422, "The body is not a JSON object"),
        "unsupported_media_type": ErrorCode(415, "The body is not plain application/json"),
        "body_too_large": ErrorCode(413, "The body is over the limit"),
        "invalid_request": ErrorCode(422, "The request is not valid"),
        "not_found": ErrorCode(404, "No resource has this path"),
        "origin_not_allowed": ErrorCode(403, "This origin is not allowed"),
        "host_not_allowed": ErrorCode(421, "This host name is not allowed"),
        "request_timeout": ErrorCode(408, "The request was sent too slowly"),
        "headers_too_large": ErrorCode(431, "The request line and headers are over the limit"),
        "expectation_failed": ErrorCode(417, "The expectation of the request is not known"),
        "method_not_allowed": ErrorCode(405, "The path does not take this method"),
        "http_error": ErrorCode(400, "The request was refused"),
        # Its fields
        "unknown_field": ErrorCode(422, "A field is not known"),
        "duplicate_field": ErrorCode(422, "A field appears twice"),
        "missing_field": ErrorCode(422, "A field is missing"),
        "invalid_value": ErrorCode(422, "A field has an invalid value"),
        "invalid_decimal": ErrorCode(422, "A number is not a plain positive decimal"),
        "too_many_digits": ErrorCode(422, "A number has more digits than any instrument"),
        "out_of_range": ErrorCode(422, "A number is outside its bounds"),
        "invalid_account": ErrorCode(422, "The account name is not valid"),
        "invalid_order_id": ErrorCode(422, "The order id is not valid"),
        # The order
        "unknown_symbol": ErrorCode(404, "No instrument has this symbol"),
        "off_tick": ErrorCode(422, "The price is not a multiple of the tick size"),
        "off_lot": ErrorCode(422, "The quantity is not a multiple of the lot size"),
        "notional_too_small": ErrorCode(422, "Price x quantity is below the minimum"),
        "price_required": ErrorCode(422, "The order needs a price"),
        "price_forbidden": ErrorCode(422, "A market order takes no price"),
        "contradictory_time_in_force": ErrorCode(
            422, "order_type and time_in_force contradict each other"
        ),
        "order_not_found": ErrorCode(404, "The account has no such order"),
        "order_closed": ErrorCode(409, "The order is already filled, canceled or expired"),
        "order_in_list": ErrorCode(409, "The order belongs to an open order list"),
        "duplicate_client_order_id": ErrorCode(409, "The client order id belongs to another order"),
        "stop_price_forbidden": ErrorCode(422, "This order type takes no stop price"),
        "stop_price_required": ErrorCode(422, "The order needs a stop price"),
        "post_only_forbidden": ErrorCode(422, "The order cannot be post-only"),
        "display_quantity_forbidden": ErrorCode(422, "The order takes no display quantity"),
        "quote_quantity_forbidden": ErrorCode(422, "The order takes no amount of the quote asset"),
        "off_amount_step": ErrorCode(422, "The amount is not a multiple of tick size x lot size"),
        "fee_below_unit": ErrorCode(422, "The fee rate takes less than one unit of the asset"),
        "expire_at_required": ErrorCode(422, "The order needs an expiry time"),
        "expire_at_forbidden": ErrorCode(422, "The order takes no expiry time"),
        "nothing_to_amend": ErrorCode(422, "The amendment changes nothing"),
        "stop_would_trigger": ErrorCode(409, "The stop price has already been reached"),
        "post_only_would_take": ErrorCode(409, "The order is post-only and would trade at once"),
        "price_out_of_band": ErrorCode(409, "The price is too far from the last trade"),
        "open_orders_limit": ErrorCode(409, "The account has too many open orders"),
        # The account
        "unknown_account": ErrorCode(404, "No account of this name has been opened"),
        "account_blocked": ErrorCode(403, "The account may only cancel"),
        "insufficient_funds": ErrorCode(409, "The account has insufficient available funds"),
        "order_size_limit": ErrorCode(409, "The quantity is over the limit of the account"),
        "order_notional_limit": ErrorCode(409, "Price x quantity is over the limit of the account"),
        "position_limit": ErrorCode(409, "The position of the account would exceed its limit"),
        "balance_limit": ErrorCode(409, "The balance of the account would exceed its maximum"),
        "unknown_asset": ErrorCode(422, "No instrument has this asset"),
        "duplicate_reference": ErrorCode(409, "The reference belongs to another transfer"),
        "accounts_limit": ErrorCode(409, "The venue has its maximum of accounts"),
        "supply_limit": ErrorCode(409, "The supply of the asset would exceed its maximum"),
        # The market
        "market_halted": ErrorCode(409, "The market is halted"),
        "market_cancel_only": ErrorCode(
            409, "The market accepts only cancels and smaller quantities"
        ),
        "market_post_only": ErrorCode(409, "The market accepts only post-only orders"),
        "market_auction": ErrorCode(
            409, "The market accepts only orders that can wait for its auction"
        ),
        "instrument_conflict": ErrorCode(409, "The instrument is traded with other steps"),
        "instruments_limit": ErrorCode(409, "The venue has its maximum of instruments"),
        # The contest
        "round_running": ErrorCode(409, "A round is running"),
        "no_round": ErrorCode(409, "No round is scheduled or running"),
        "contest_busy": ErrorCode(409, "Another change of the round or an audit is running"),
        "no_results": ErrorCode(404, "The round has no results"),
        "leaderboard_hidden": ErrorCode(403, "The leaderboard is for administrators"),
        # Callers.
        "key_required": ErrorCode(401, "An API key is needed"),
        "key_invalid": ErrorCode(401, "The API key is invalid"),
        "key_revoked": ErrorCode(401, "The API key was revoked"),
        "key_expired": ErrorCode(401, "The API key has expired"),
        "permission_denied": ErrorCode(403, "The API key does not permit this"),
        "administration_is_local": ErrorCode(
            403, "An open venue is administered from its own machine"
        ),
        "account_mismatch": ErrorCode(400, "The named account is not the account of the key"),
        "key_not_found": ErrorCode(404, "No API key has this id"),
        "keys_limit": ErrorCode(409, "The venue has its maximum of API keys"),
        # The venue
        "rate_limited": ErrorCode(429, "Too many requests in too short a time"),
        "redis_unavailable": ErrorCode(503, "Redis cannot be reached; nothing was done"),
        "outcome_unknown": ErrorCode(503, "The answer of Redis was lost; repeat the request"),
        "connections_limit": ErrorCode(503, "Too many connections are open"),
        "overloaded": ErrorCode(503, "Too many commands are waiting; nothing was done"),
        "market_broken": ErrorCode(503, "The market is halted because its data are inconsistent"),
        "stops_pending": ErrorCode(503, "Fired stop orders run first; repeat the request"),
        "uncross_pending": ErrorCode(503, "The uncross runs first; repeat the request"),
        "stale_data": ErrorCode(503, "The data is being read again; retry"),
        "draining": ErrorCode(503, "The process is stopping; reconnect"),
        "clock_forbidden": ErrorCode(422, "The venue runs on its own clock"),
        "clock_not_started": ErrorCode(409, "The venue has no recorded time yet"),
        "internal_error": ErrorCode(500, "The service failed"),
    }
)
