"""Accounts: what orders hold, what trades move, what fees take, what is refused.

A lot of BTC-USDT is 1,000 units of BTC, a tick x lot 10 units of USDT.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tapewire import keys
from tapewire.errors import AccountBlocked, Conflict, InvalidField, UnknownAccount
from tapewire.matching.command_limits import MatchingLimits
from tapewire.matching.treasury import Treasury
from tapewire.packed.layout import COMMAND_LIMITS
from tapewire.values.account_types import AccountState, Balance
from tapewire.values.bounds import AS_INSTRUMENT
from tapewire.values.types import (
    Account,
    Amendment,
    Lots,
    OrderCommand,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
)
from tests.support.venue import ALICE, BOB, BTC, Venue, open_venue, order_command

FEES = Account(keys.FEE_ACCOUNT)
CAROL = Account("carol")
USDT = 1_000_000
BITCOIN = 1_000_000
CHECKED = MatchingLimits(funds_checked=True)


@pytest_asyncio.fixture
async def funded(redis_url: str) -> AsyncIterator[Venue]:
    """A venue that checks funds; alice and bob have a million units of BTC and of USDT each."""
    async with open_venue(redis_url, limits=CHECKED) as venue:
        for account in (ALICE, BOB):
            await treasury(venue).deposit(account, "USDT", USDT)
            await treasury(venue).deposit(account, "BTC", BITCOIN)
        yield venue


def treasury(venue: Venue) -> Treasury:
    return Treasury(venue.engine)


async def balance(venue: Venue, account: Account, asset: str) -> tuple[int, int]:
    """Available and held."""
    record = await venue.queries.account(account)
    found = record.balances.get(asset, Balance())
    return found.available, found.held


async def totals(venue: Venue) -> dict[str, int]:
    """The sum over all accounts, by asset."""
    sums: dict[str, int] = {}
    for name in await venue.queries.accounts():
        for asset, found in (await venue.queries.account(name)).balances.items():
            sums[asset] = sums.get(asset, 0) + found.total
    return sums


def stop_command(side: Side, stop_price: int, account: Account) -> OrderCommand:
    """A stop order of ten lots without a price."""
    return replace(
        order_command(side, 10, account=account),
        order_type=OrderType.STOP,
        time_in_force=TimeInForce.GTC,
        stop_price_ticks=Ticks(stop_price),
    )


async def refused(venue: Venue, code: str, side: Side, lots: int, *more: object) -> None:
    """An order is refused by this code, and nothing at all has changed."""
    before = await venue.dump()
    with pytest.raises(Conflict) as refusal:
        await venue.submit(side, lots, *more)  # type: ignore[arg-type]
    assert refusal.value.code == code
    assert await venue.dump() == before


async def test_a_buy_holds_its_price_and_a_sell_its_quantity(funded: Venue) -> None:
    """A cancel gives it all back."""
    bid = await funded.buy(7, 100)
    assert await balance(funded, ALICE, "USDT") == (USDT - 7_000, 7_000)
    ask = await funded.sell(3, 200)
    assert await balance(funded, ALICE, "BTC") == (BITCOIN - 3_000, 3_000)
    incoming = (await funded.queries.account(ALICE)).balances
    assert (incoming["BTC"].incoming, incoming["USDT"].incoming) == (7_000, 6_000)
    await funded.cancel(bid)
    await funded.cancel(ask)
    assert await balance(funded, ALICE, "USDT") == (USDT, 0)
    assert await balance(funded, ALICE, "BTC") == (BITCOIN, 0)
    record = (await funded.queries.account(ALICE)).balances
    assert record["BTC"].incoming == record["USDT"].incoming == 0


async def test_a_better_price_is_given_back_at_the_fill(funded: Venue) -> None:
    """A buy at 100 that meets 90 pays 90, and what is left of it holds 100 each."""
    await funded.sell(4, 90, account=BOB)
    order = await funded.buy(10, 100)
    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert await balance(funded, ALICE, "USDT") == (USDT - 4 * 900 - 6_000, 6_000)
    assert await balance(funded, ALICE, "BTC") == (BITCOIN + 4_000, 0)
    assert await balance(funded, BOB, "USDT") == (USDT + 3_600, 0)
    assert await balance(funded, BOB, "BTC") == (BITCOIN - 4_000, 0)


async def test_what_is_not_there_is_refused_before_anything_changes(funded: Venue) -> None:
    """To the last unit: exactly all of it is good, one lot more is not."""
    await refused(funded, "insufficient_funds", Side.BUY, 1_001, 100)
    await refused(funded, "insufficient_funds", Side.SELL, 1_001, 100)
    await refused(funded, "insufficient_funds", Side.SELL, 1_001)
    await funded.buy(1_000, 100)
    await refused(funded, "insufficient_funds", Side.BUY, 1, 1)
    await funded.sell(1_000, 200)
    await refused(funded, "insufficient_funds", Side.SELL, 1, 300)


async def test_a_market_buy_spends_what_there_is(funded: Venue) -> None:
    """The buy stops where the next lot cannot be paid; without money for a lot it is refused."""
    await funded.sell(600, 100, account=BOB)
    await funded.sell(400, 150, account=BOB)
    order = await funded.buy(1_000)
    assert (order.status, order.reason) == (OrderStatus.EXPIRED, "insufficient_funds")
    assert order.executed_lots == 600 + 266
    assert await balance(funded, ALICE, "USDT") == (1_000, 0)
    await refused(funded, "insufficient_funds", Side.BUY, 1)


async def test_a_sale_by_amount_sells_no_more_than_there_is(funded: Venue) -> None:
    """The amount wants 1,500 lots; there are 1,000."""
    await treasury(funded).deposit(BOB, "USDT", USDT)
    await funded.buy(2_000, 100, account=BOB)
    command = replace(
        order_command(Side.SELL, 1, order_type=OrderType.MARKET),
        quantity_lots=None, quote_notional=150_000,
    )  # fmt: skip
    order = (await funded.engine.place(command)).order
    assert (order.executed_lots, order.reason) == (1_000, "insufficient_funds")
    assert await balance(funded, ALICE, "BTC") == (0, 0)


async def test_fees_come_out_of_what_is_received(funded: Venue) -> None:
    """Rounded against the payer, collected on the fee account, shown with each fill."""
    await funded.engine.control_market(BTC, maker_fee_ppm=100, taker_fee_ppm=333)
    await funded.sell(7, 101, account=BOB)
    order = await funded.buy(7, 101)
    # 7,000 units of BTC x 333 ppm = 2.331; 7,070 units of USDT x 100 ppm = 0.707.
    assert [fill.fee_units for fill in order.fills] == [3]
    assert await balance(funded, ALICE, "BTC") == (BITCOIN + 7_000 - 3, 0)
    assert await balance(funded, BOB, "USDT") == (USDT + 7_070 - 1, 0)
    assert await balance(funded, FEES, "BTC") == (3, 0)
    assert await balance(funded, FEES, "USDT") == (1, 0)
    assert await totals(funded) == await funded.queries.supply() == {
        "BTC": 2 * BITCOIN, "USDT": 2 * USDT,
    }  # fmt: skip
    page = await funded.queries.fills(BOB, None, 10)
    assert [item.fill.fee_units for _, items in page.commands for item in items] == [1]


async def pay_fees(venue: Venue, slices: list[int]) -> tuple[list[int], list[int]]:
    """What a buy of 12 lots and its makers pay, if the makers are of these sizes."""
    for lots in slices:
        await venue.sell(lots, 101, account=BOB)
    order = await venue.buy(12, 101)
    makers = [
        await venue.order(str(int(order.order_id) - n), BOB) for n in range(1, len(slices) + 1)
    ]
    return (
        [fill.fee_units for fill in order.fills],
        [sum(fill.fee_units for fill in maker.fills) for maker in makers],
    )


async def test_the_fee_of_an_order_does_not_depend_on_its_makers(funded: Venue) -> None:
    """The fee is rounded up once per order, however many fills the order has."""
    await funded.engine.control_market(BTC, maker_fee_ppm=0, taker_fee_ppm=333)
    # 12,000 units of BTC x 333 ppm = 3.996.
    assert await pay_fees(funded, [12]) == ([4], [0])
    assert await pay_fees(funded, [1] * 12) == ([1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0], [0] * 12)
    assert await pay_fees(funded, [5, 7]) == ([2, 2], [0, 0])


async def test_the_fee_of_a_maker_does_not_depend_on_its_takers(funded: Venue) -> None:
    """An iceberg that was amended, taken, and rests again pays as much as one fill would."""
    await funded.engine.control_market(BTC, maker_fee_ppm=333, taker_fee_ppm=1_000)
    await funded.buy(1, 101, account=BOB)
    iceberg = replace(order_command(Side.SELL, 15, 101), display_lots=Lots(2))
    order_id = (await funded.engine.place(iceberg)).order.order_id
    await funded.engine.amend(ALICE, order_id, Amendment(quantity_lots=Lots(13), revision=1))
    for _ in range(12):
        await funded.buy(1, 101, account=BOB)
    order = await funded.order(order_id)
    assert order.status is OrderStatus.FILLED
    # 1,010 units of USDT x 1,000 ppm + 12 x 1,010 x 333 ppm = 5.04596.
    assert sum(fill.fee_units for fill in order.fills) == 6
    assert order.fee_credit_millionths == 954_040
    assert [fill.fee_units for fill in order.fills[:4]] == [2, 0, 0, 1]


async def test_a_journal_of_format_1_is_replayed_by_its_own_rule(funded: Venue) -> None:
    """Limits without `fees_per_order` round the fee of each fill, and leave no credit."""
    await funded.engine.control_market(BTC, maker_fee_ppm=0, taker_fee_ppm=333)
    limits = COMMAND_LIMITS.read(funded.engine._limits)
    funded.engine._limits = COMMAND_LIMITS.write(
        limits._replace(fees_per_order="0", fok_makers_max="0")
    )
    assert limits.fees_per_order == "1"
    assert len(funded.engine._limits.split("|")) == len(limits) - 2
    assert await pay_fees(funded, [5, 7]) == ([2, 3], [0, 0])
    assert (await funded.order("3")).fee_credit_millionths == 0


async def test_an_order_keeps_the_fees_under_which_it_was_placed(funded: Venue) -> None:
    """The account's own rate goes before the instrument's, until it is taken back."""
    await treasury(funded).set_account(BOB, maker_fee_ppm=50_000)
    await funded.sell(10, 100, account=BOB)
    await treasury(funded).set_account(BOB, maker_fee_ppm=AS_INSTRUMENT)
    await funded.sell(10, 100, account=BOB)
    await funded.engine.control_market(BTC, maker_fee_ppm=100_000)
    await funded.buy(20, 100)
    fills = [(await funded.order(str(number), BOB)).fills[0].fee_units for number in (1, 2)]
    assert fills == [500, 0]


async def test_a_stop_buy_without_a_price_pays_when_it_is_set_off(funded: Venue) -> None:
    """A waiting stop buy holds nothing, a waiting stop sell its quantity."""
    placed = (await funded.engine.place(stop_command(Side.BUY, 120, ALICE))).order
    assert await balance(funded, ALICE, "USDT") == (USDT, 0)
    await funded.engine.place(stop_command(Side.SELL, 80, BOB))
    assert await balance(funded, BOB, "BTC") == (BITCOIN - 10_000, 10_000)
    await treasury(funded).deposit(CAROL, "BTC", BITCOIN)
    await treasury(funded).deposit(CAROL, "USDT", USDT)
    await funded.sell(5, 120, account=CAROL)
    await funded.sell(50, 125, account=CAROL)
    await funded.buy(5, 120, account=BOB)
    done = await funded.order(placed)
    assert (done.status, done.executed_notional) == (OrderStatus.FILLED, 1_250)
    assert await balance(funded, ALICE, "USDT") == (USDT - 12_500, 0)


async def test_an_amendment_moves_the_hold(funded: Venue) -> None:
    """More than there is beside the hold is refused, and the order stays as it was."""
    order = await funded.buy(500, 100)
    engine = funded.engine
    await engine.amend(ALICE, order.order_id, Amendment(quantity_lots=Lots(200)))
    assert await balance(funded, ALICE, "USDT") == (USDT - 200_000, 200_000)
    await engine.amend(ALICE, order.order_id, Amendment(price_ticks=Ticks(500)))
    assert await balance(funded, ALICE, "USDT") == (0, USDT)
    before = await funded.dump()
    with pytest.raises(Conflict, match="available balance is too small"):
        await engine.amend(ALICE, order.order_id, Amendment(quantity_lots=Lots(201)))
    assert await funded.dump() == before


async def test_what_self_trade_prevention_takes_out_is_released(funded: Venue) -> None:
    """By decrement at once; the rest of the order keeps its hold."""
    await funded.sell(10, 100)
    command = replace(
        order_command(Side.BUY, 4, 100), self_trade_prevention=SelfTradePrevention.DECREMENT
    )
    await funded.engine.place(command)
    assert await balance(funded, ALICE, "BTC") == (BITCOIN - 6_000, 6_000)
    assert await balance(funded, ALICE, "USDT") == (USDT, 0)


async def test_limits_of_an_account(funded: Venue) -> None:
    """Order size, notional, open orders, position with open buys counted."""
    limits = treasury(funded).set_account_limits
    await limits(ALICE, BTC, order_lots_max=100, order_notional_max=5_000)
    await refused(funded, "order_size_limit", Side.BUY, 101, 1)
    await refused(funded, "order_notional_limit", Side.BUY, 51, 100)
    await limits(ALICE, BTC, order_notional_max=0, position_lots_max=1_050, open_orders_max=2)
    await funded.buy(50, 100)
    await refused(funded, "position_limit", Side.BUY, 1, 100)
    await funded.sell(100, 300, account=BOB)
    by_amount = replace(
        order_command(Side.BUY, 1, order_type=OrderType.MARKET),
        quantity_lots=None, quote_notional=300,
    )  # fmt: skip
    with pytest.raises(Conflict, match="would exceed position_max"):
        await funded.engine.place(by_amount)
    await funded.sell(50, 200)
    await refused(funded, "open_orders_limit", Side.SELL, 1, 200)
    await funded.buy(50, 100, account=BOB)


async def test_a_blocked_account_may_only_cancel(funded: Venue) -> None:
    """Also smaller amendments are allowed; unblocked, everything is."""
    order = await funded.buy(50, 100)
    await treasury(funded).set_account(ALICE, state=AccountState.BLOCKED)
    with pytest.raises(AccountBlocked):
        await funded.buy(1, 100)
    await funded.engine.amend(ALICE, order.order_id, Amendment(quantity_lots=Lots(40)))
    await funded.cancel(order)
    await treasury(funded).set_account(ALICE, state=AccountState.ACTIVE)
    await funded.buy(1, 100)


async def test_transfers(funded: Venue) -> None:
    """Once per reference; withdrawn is only what is available; supply follows."""
    bank = treasury(funded)
    assert (await bank.deposit(CAROL, "BTC", 500, reference="a")).available_units == 500
    again = await bank.deposit(CAROL, "BTC", 500, reference="a")
    assert (again.available_units, again.replayed) == (500, True)
    with pytest.raises(Conflict, match="another transfer"):
        await bank.deposit(CAROL, "BTC", 501, reference="a")
    with pytest.raises(Conflict, match="available balance is too small"):
        await bank.withdraw(CAROL, "BTC", 501)
    with pytest.raises(UnknownAccount):
        await bank.withdraw(Account("nobody"), "BTC", 1)
    with pytest.raises(InvalidField, match="No instrument"):
        await bank.deposit(CAROL, "DOGE", 1)
    with pytest.raises(Conflict, match="units of the asset"):
        await bank.deposit(CAROL, "BTC", 2**62)
    assert (await bank.withdraw(CAROL, "BTC", 500)).available_units == 0
    assert (await funded.queries.supply())["BTC"] == 2 * BITCOIN


async def test_balances_beyond_two_to_the_53_stay_exact(funded: Venue) -> None:
    """Beyond what a double holds Redis adds itself."""
    for _ in range(3):
        await treasury(funded).deposit(CAROL, "BTC", 2**53 - 1)
    order = await funded.sell(1, 100, account=CAROL)
    assert await balance(funded, CAROL, "BTC") == (3 * (2**53 - 1) - 1_000, 1_000)
    await funded.cancel(order, CAROL)
    assert await balance(funded, CAROL, "BTC") == (3 * (2**53 - 1), 0)


async def test_without_checks_an_account_may_go_below_zero(venue: Venue) -> None:
    """An unknown account is opened empty, and its position is kept."""
    await venue.sell(10, 100, account=BOB)
    await venue.buy(10, 100)
    assert await balance(venue, ALICE, "USDT") == (-10_000, 0)
    assert await balance(venue, BOB, "BTC") == (-10_000, 0)
    assert await totals(venue) == {"BTC": 0, "USDT": 0}


async def test_an_account_must_be_opened_where_paper_money_is_not_given(redis_url: str) -> None:
    """What a client of a venue with keys would meet."""
    async with open_venue(redis_url) as venue:
        venue.engine.paper_money = None
        with pytest.raises(UnknownAccount):
            await venue.buy(1, 100)
        assert await treasury(venue).open_account(ALICE)
        assert not await treasury(venue).open_account(ALICE)
        await venue.buy(1, 100)
