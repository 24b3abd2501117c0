"""Every bound that both services share, named with its unit; relations are checked at import.

Limits of one service alone are settings of that service.
"""

# Lua numbers are IEEE doubles: integers are exact up to 2^53, so no product may exceed 2^53.
EXACT_INTEGER_MAX = 2**53

# Latest moment of a recording in microseconds since 1970 UTC (in 2255), because Lua counts in it.
RECORDED_TIME_US_MAX = EXACT_INTEGER_MAX

# Decimal text at the edge: more digits than any instrument can use are refused unread.
DECIMAL_DIGITS_MAX = 18
DECIMAL_FRACTION_DIGITS_MAX = 12

# Amounts of an asset count in units of 10^-decimals; most venues print eight.
ASSET_DECIMALS = 8
ASSET_DECIMALS_MAX = 12

# Units of an asset in one account, or in all accounts together: half of the range of a 64-bit
# integer, so that adding the incoming amount of open orders never overflows.
BALANCE_UNITS_MAX = 2**62

# A fee rate counts in millionths of the received amount; the highest is a tenth.
FEE_MILLIONTHS = 1_000_000
FEE_PPM_MAX = 100_000

# How far the clock of Redis may be from what a gateway expects before commands are refused.
CLOCK_JUMP_S_MAX = 60
CLOCK_JUMP_US_MAX = CLOCK_JUMP_S_MAX * 1_000_000

# Processes of one service that share a port.
WORKERS_MAX = 64

# Accounts of a venue; an audit reads all accounts in one step.
ACCOUNTS_MAX = 100_000

# Time for which a repeated transfer reference is recognised.
TRANSFER_REFERENCE_KEPT_S = 86_400
TRANSFER_REFERENCE_CHARACTERS_MAX = 64

SYMBOL_CHARACTERS_MAX = 32
ASSET_CHARACTERS_MAX = 16
ACCOUNT_CHARACTERS_MAX = 64
CLIENT_ORDER_ID_CHARACTERS_MAX = 64
ORDER_ID_DIGITS_MAX = 16
INSTRUMENTS_MAX = 1_000

# Longest line of a text file that a command reads. The longest line of our own files is the header
# of a journal, which has all instruments.
INSTRUMENT_JSON_CHARACTERS_MAX = 4_096
FILE_LINE_CHARACTERS_MAX = 2 * INSTRUMENTS_MAX * INSTRUMENT_JSON_CHARACTERS_MAX
INSTRUMENT_FILE_BYTES_MAX = FILE_LINE_CHARACTERS_MAX
# A file with a password, a master secret or a public key.
SECRET_FILE_BYTES_MAX = 65_536

# Makers that one command meets at most: those of its order and of the stops that it fires. The
# rest of the order expires; the rest of the stops runs in the next command (docs/matching.md).
MAKERS_PER_COMMAND_MAX = 10_000

# Makers that one fill-or-kill order counts at most before it trades. An order that is killed takes
# nothing from the book, so that the same makers could be counted again and again at no cost.
FOK_MAKERS_MAX = 500

# Orders that one command reads at most to find the price of an auction; a read costs about a tenth
# of a fill.
AUCTION_READS_MAX = 20_000

# Shortest time between two indicative prices of a market, for each INDICATIVE_READS orders that the
# last search read, so that the searches of a market take a small share of Redis' time.
INDICATIVE_INTERVAL_S = 1.0
INDICATIVE_READS = 1_000

# Open orders of one account in one instrument, unless the instrument file says otherwise.
OPEN_ORDERS_MAX = 10_000

# Stop orders that one command runs at most, cascades included; the next command runs the rest.
STOPS_PER_COMMAND_MAX = 1_000

# Orders canceled or expired by one call; a larger job takes several calls.
ORDERS_PER_SWEEP_MAX = 500

# Commands kept in the journal; 235 bytes of Redis memory each for short limit orders.
JOURNAL_COMMANDS_MAX = 1_000_000

# Newest fills that an order has in its record and in an answer; `GET /v1/fills?order_id=` has all
# that the account's log keeps.
ORDER_FILLS_SHOWN_MAX = 100
# A record is trimmed at each trade whose number is a multiple of this number, so that a record has
# at most this many fills more.
ORDER_FILLS_TRIM_TRADES = 64

# Orders of one batch request.
BATCH_ORDERS_MAX = 100

# Items of one page of a list, and records read to fill one page when filters pass few.
PAGE_ITEMS_MAX = 500
PAGE_RECORDS_MAX = 2_000
# Fills of all orders of a page, balances and limits of all accounts of a page: a page ends when one
# more item would pass them.
PAGE_FILLS_MAX = 2_000
PAGE_BALANCES_MAX = 5_000
# Ids that the answer to a cancel-all shows; `canceled_count` counts all canceled orders.
CANCELED_SHOWN_MAX = 10_000

# The longest order and fill as JSON, with the longest names and the most digits.
ORDER_JSON_BYTES_MAX = 1_536
FILL_JSON_BYTES_MAX = 512
# The longest answer: a batch of orders, each with as many fills as are shown.
ANSWER_BYTES_MAX = 8 * 1024 * 1024

DEAD_MAN_TIMEOUT_S_MAX = 86_400

# Widest price band: ten times the last price. Exact arithmetic does not depend on the band.
PRICE_BAND_BPS_MAX = 100_000
OPEN_ORDERS_BOUND_MAX = 1_000_000

NOTICE_CHARACTERS_MAX = 500
ROUND_NAME_CHARACTERS_MAX = 64
# A round may name every instrument.
VENUE_EVENT_BYTES_MAX = 65_536
# Events kept of one account: its orders, fills and changes of balances. An order that rests and is
# canceled is two events, so that at least about 10,000 orders stay listed.
ACCOUNT_LOG_EVENTS_MAX = 20_000

# Candles kept of each base interval of a symbol.
CANDLES_MAX = 10_000

# A function library that no gateway has used for this time is removed from Redis. A gateway notes
# its use with each connection, and at this interval.
LIBRARY_UNUSED_S = 3_600
LIBRARY_NOTED_S = 600

# Trades kept per symbol for refill and resume; about 350 bytes of Redis memory each.
REPLAY_LOG_TRADES_MAX = 100_000

# Closed orders stay readable this long, then leave Redis memory.
CLOSED_ORDER_KEPT_S = 86_400

# API keys of a venue, including revoked and expired keys that are still listed.
API_KEYS_MAX = 10_000
API_KEY_LABEL_CHARACTERS_MAX = 64
# How long a revoked or expired key stays listed.
API_KEY_KEPT_S = 30 * 86_400
API_KEY_DAYS_MAX = 3_650

# How long a process trusts a key it has read, so that a request needs no extra round trip.
KEY_CACHE_S = 1.0
KEYS_CACHED_MAX = 10_000
# Interval between two checks of the key of an open connection.
KEY_RECHECK_S = 1.0
# Longest wait for the `authenticate` message of a connection without a key.
AUTHENTICATE_TIMEOUT_S = 5.0

REQUEST_BODY_BYTES_MAX = 65_536
# Request line and headers; a larger head is answered 431.
REQUEST_HEAD_BYTES_MAX = 16_384
# All bytes of a request, so that one-byte chunks and trailers are bounded as well.
REQUEST_BYTES_MAX = 1_048_576
TRADE_MESSAGE_BYTES_MAX = 4_096
# Longest text of one price level in a book update, of one change of an order in an account event,
# and of one fill there: names of 64 characters and integers of 16 digits, with separators.
BOOK_LEVEL_BYTES_MAX = 64
ORDER_CHANGE_BYTES_MAX = 768
EXECUTION_BYTES_MAX = 96
# Derived from the budget of a command: each maker and each stop touches one level at most, and an
# account may own the taker, every maker and every stop. Each stop and each canceled order may end
# the other order of its list; one that a maker ends counts as a maker.
BOOK_MESSAGE_BYTES_MAX = (
    MAKERS_PER_COMMAND_MAX + 3 * STOPS_PER_COMMAND_MAX + 2 * ORDERS_PER_SWEEP_MAX
) * BOOK_LEVEL_BYTES_MAX
ACCOUNT_MESSAGE_BYTES_MAX = (
    MAKERS_PER_COMMAND_MAX * (ORDER_CHANGE_BYTES_MAX + 2 * EXECUTION_BYTES_MAX)
    + (3 * STOPS_PER_COMMAND_MAX + 2 * ORDERS_PER_SWEEP_MAX) * ORDER_CHANGE_BYTES_MAX
)
# Pairs of account and symbol that one search for due timers looks at.
TIMER_LOOKUPS_MAX = 50_000
# Rounds of waiting stops that a gateway runs before it answers an order with 503 `stops_pending`.
STOP_ROUNDS_MAX = 4

# Orders waiting in one gateway for the next round trip to Redis; beyond it clients get 503.
PENDING_COMMANDS_MAX = 10_000
COMMANDS_PER_ROUND_TRIP_MAX = 256

if BATCH_ORDERS_MAX * (
    ORDER_JSON_BYTES_MAX + ORDER_FILLS_SHOWN_MAX * FILL_JSON_BYTES_MAX
) > ANSWER_BYTES_MAX or (
    PAGE_ITEMS_MAX * ORDER_JSON_BYTES_MAX
    + (PAGE_FILLS_MAX + ORDER_FILLS_SHOWN_MAX) * FILL_JSON_BYTES_MAX
    > ANSWER_BYTES_MAX
):
    raise AssertionError("the largest batch and the largest page must fit in an answer")
if PENDING_COMMANDS_MAX < COMMANDS_PER_ROUND_TRIP_MAX:
    raise AssertionError("a full round trip must fit in the queue")
if REQUEST_HEAD_BYTES_MAX + 8 * REQUEST_BODY_BYTES_MAX > REQUEST_BYTES_MAX:
    raise AssertionError("the largest request must fit, in whatever chunks it comes")
if 10**DECIMAL_DIGITS_MAX <= EXACT_INTEGER_MAX:
    raise AssertionError("decimal text must be able to reach the exact-integer bound")
