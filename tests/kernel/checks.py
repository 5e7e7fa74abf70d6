"""What must be true of every world at every instant, looked at from outside and without its own shortcuts."""

from typing import Any

import numpy as np

from marketsim.kernel import codes, layout
from marketsim.kernel.world import World
from marketsim.venues.margin import MarginTier, TierTable, liquidation_trigger_ticks

FREE_SLOT = -1


def check_world(world: World, after_mark: bool = False) -> None:
    """All checks; `after_mark`: nothing has traded since the last mark step, so nobody may be under water unseen."""
    check_conserved(world)
    for market in range(world.get("n_markets")):
        check_book(world, market)
        check_open_interest(world, market)
        check_triggers(world, market, after_mark)
    check_orders(world)
    check_spot(world)


def check_conserved(world: World) -> None:
    """No atom was made or lost, and every lot somebody is long somebody else is short."""
    assert world.check_conserved() == 0
    for market in range(world.get("n_markets")):
        of_market = world.positions[: world.get("n_positions")]["market"] == market
        assert int(world.positions[: world.get("n_positions")]["lots"][of_market].sum()) == 0


def check_open_interest(world: World, market: int) -> None:
    """Open interest is what all but `outside` are long in a perpetual; coins held are none."""
    positions = world.positions[: world.get("n_positions")]
    outside = world.accounts["bits"][positions["account"]] & codes.ACC_OUTSIDE != 0
    counted = positions["lots"][(positions["market"] == market) & ~outside]
    counted = counted[:0] if world.market_int(market, "kind") == codes.SPOT else counted
    assert int(counted[counted > 0].sum()) == world.market_int(market, "open_interest")


def check_spot(world: World) -> None:
    """Nobody sells coins he has not; bids keep their cost; who stands in spot markets alone owes nothing."""
    spot = [k for k in range(world.get("n_markets")) if world.market_int(k, "kind") == codes.SPOT]
    positions = world.spot_positions[: world.get("n_positions")]
    levered = set(positions["account"][~np.isin(positions["market"], spot)].tolist())
    live = world.orders[(world.orders["order_id"] != 0) & (world.orders["side"] == codes.BUY)]
    for number, p in enumerate(positions):
        account = world.accounts[p["account"]]
        if int(p["market"]) not in spot or int(account["bits"]) & codes.ACC_NO_MARGIN:
            continue
        assert 0 <= int(p["open_sell"]) <= int(p["lots"])
        bids = live[live["position"] == number]
        assert int(p["reserved_ticklots"]) == int((bids["remaining_lots"] * bids["price_ticks"]).sum())
        assert int(p["account"]) in levered or int(account["cash_atoms"]) >= 0


def margin_equity(world: World, account: int) -> int:
    """Cash and perpetuals at mark: coins are no collateral."""
    held = world.positions[: world.get("n_positions")]
    total = int(world.accounts[account]["cash_atoms"])
    for p in held[held["account"] == account]:
        m = world.markets[p["market"]]
        if int(m["kind"]) != codes.SPOT:
            total += int(p["lots"]) * int(m["mark_ticks"]) * int(m["atoms"])
    return total


def resting(world: World, market: int, side: int) -> list[int]:
    """Order records of one side in the order in which they would trade, links checked on the way."""
    m = world.markets[market]
    levels = world._kept[int(m["levels"])]
    prices, _ = world.book_levels(market, side == codes.BUY)
    found: list[int] = []
    for price in prices.tolist():
        level = levels[price & (int(m["window"]) - 1)]
        queue = chain(world, int(level["head"]), int(level["tail"]))
        assert queue
        assert int(level["lots"]) == sum(int(world.orders[i]["remaining_lots"]) for i in queue)
        assert all(int(world.orders[i]["price_ticks"]) == price for i in queue)
        assert not any(int(world.orders[i]["bits"]) & codes.F_FAR for i in queue)
        found += queue
    assert len(prices) == int(m["bid_levels" if side == codes.BUY else "ask_levels"])
    name = "far_bid" if side == codes.BUY else "far_ask"
    far = chain(world, int(m[name]), int(m[name + "_last"]))
    floor, top = int(m["floor"]), int(m["floor"]) + int(m["window"])
    for i in far:
        assert int(world.orders[i]["bits"]) & codes.F_FAR
        price = int(world.orders[i]["price_ticks"])
        assert price < floor if side == codes.BUY else price >= top
    return found + far


def chain(world: World, head: int, tail: int) -> list[int]:
    """Records from head to tail."""
    found, before = [], -1
    while head >= 0:
        assert int(world.orders[head]["prev"]) == before
        found.append(head)
        before, head = head, int(world.orders[head]["next"])
    assert before == tail
    return found


def check_book(world: World, market: int) -> None:
    """Levels, bitmap, best prices, queues and far lists agree; bids below asks; prices sorted, best first."""
    m = world.markets[market]
    levels, bitmap = world._kept[int(m["levels"])], world._kept[int(m["bitmap"])]
    bits = np.unpackbits(bitmap.view(np.uint8), bitorder="little").astype(bool)
    assert np.array_equal(bits, levels["head"] >= 0)
    assert np.array_equal(bits, levels["lots"] > 0)
    assert int(bits.sum()) == int(m["bid_levels"]) + int(m["ask_levels"])
    for side, best, none in ((codes.BUY, "best_bid", codes.NO_BID), (codes.SELL, "best_ask", codes.NO_ASK)):
        records = resting(world, market, side)
        prices = [int(world.orders[i]["price_ticks"]) for i in records]
        assert prices == sorted(prices, reverse=side == codes.BUY)
        assert int(m[best]) == (prices[0] if prices else none)
        for i in records:
            order = world.orders[i]
            assert (int(order["side"]), int(order["market"])) == (side, market)
            assert 0 < int(order["remaining_lots"]) <= int(order["size_lots"])
    assert int(m["best_bid"]) < int(m["best_ask"])


def check_orders(world: World) -> None:
    """Records rest in one book or wait in the free list; what rests is in its position's sums and its trader's slot."""
    live: list[int] = []
    for market in range(world.get("n_markets")):
        live += resting(world, market, codes.BUY) + resting(world, market, codes.SELL)
    assert len(live) == len(set(live)) == world.get("live_orders")
    assert set(live) == set(np.flatnonzero(world.orders["order_id"] != 0).tolist())
    free, i = set(), world.get("free_order")
    while i >= 0:
        assert i not in free
        free.add(i)
        i = int(world.orders[i]["next"])
    assert free == set(range(world.get("orders_capacity"))) - set(live)
    sums: dict[tuple[int, int], int] = {}
    for i in live:
        order = world.orders[i]
        assert int(world.positions[order["position"]]["account"]) == int(order["account"])
        assert int(world.positions[order["position"]]["market"]) == int(order["market"])
        key = int(order["position"]), int(order["side"])
        sums[key] = sums.get(key, 0) + int(order["remaining_lots"])
        assert order["slot"] < 0 or int(world.slots[order["slot"]]) == i
    for number, position in enumerate(world.positions[: world.get("n_positions")].tolist()):
        names = layout.POSITION.names or ()
        assert position[names.index("open_buy")] == sums.get((number, codes.BUY), 0)
        assert position[names.index("open_sell")] == sums.get((number, codes.SELL), 0)
    slots = world.slots[world.slot_numbers]
    owned = slots[slots >= 0].tolist()
    assert len(owned) == len(set(owned))
    assert all(int(world.slots[world.orders[i]["slot"]]) == i for i in owned)


def tiers_of(world: World, market: int) -> TierTable:
    """The kernel's tiers as the venue's formulas take them."""
    rows = world._kept[int(world.markets[market]["tiers"])]
    caps: list[int | None] = [*(int(row["floor_atoms"]) for row in rows[1:]), None]
    return tuple(
        MarginTier(cap, None, int(row["maintenance"]), int(row["amount_atoms"]))
        for cap, row in zip(caps, rows, strict=True)
    )


def requirement(world: World, account: int) -> int:
    """Maintenance margin of an account at mark, by the venue's formula."""
    from marketsim.venues.margin import maintenance_margin_atoms

    held = world.positions[: world.get("n_positions")]
    total = 0
    for p in held[(held["account"] == account) & (held["lots"] != 0)]:
        m = world.markets[p["market"]]
        if int(m["kind"]) == codes.SPOT:
            continue
        notional = abs(int(p["lots"])) * int(m["mark_ticks"]) * int(m["atoms"])
        total += maintenance_margin_atoms(notional, tiers_of(world, int(p["market"])))
    return total


def check_triggers(world: World, market: int, after_mark: bool = False) -> None:
    """Every levered position waits where the mark will pass no later than at its exact liquidation tick."""
    m = world.markets[market]
    check_trigger_lists(world, market)
    if world.market_int(market, "kind") == codes.SPOT:
        return
    tiers = tiers_of(world, market)
    for p in world.positions[: world.get("n_positions")]:
        account = world.accounts[p["account"]]
        if int(p["market"]) != market or int(p["lots"]) == 0 or int(account["bits"]) & codes.ACC_NO_MARGIN:
            continue
        if int(account["state"]) == codes.S_QUEUED:
            assert int(p["bucket"]) == -1
            continue
        if after_mark:
            number = int(p["account"])
            assert margin_equity(world, number) >= requirement(world, number), f"account {number} is under water"
        if int(account["n_positions"]) == 1:
            lots = int(p["lots"])
            exact = liquidation_trigger_ticks(int(account["cash_atoms"]), lots, int(m["atoms"]), tiers)
            check_trigger(m, p, exact)


def check_trigger(m: Any, p: Any, exact: int | None) -> None:
    """A long waits between its exact trigger and the mark, a short the other way; far away it need not wait at all."""
    mark, low, high = int(m["mark_ticks"]), int(m["box_low"]), int(m["box_high"])
    is_long, bucket = int(p["lots"]) > 0, int(p["bucket"])
    if bucket < 0:
        assert exact is None or (exact < low if is_long else exact > high)
        return
    if exact is None:
        return

    def of(price: int) -> int:
        return min(max((price - low) >> int(m["bucket_shift"]), 0), int(m["buckets"]) - 1)

    if is_long:
        assert of(min(exact, mark)) <= bucket <= of(mark)
        assert int(p["trigger_ticks"]) >= exact
    else:
        assert of(mark) <= bucket - int(m["buckets"]) <= of(max(exact, mark))
        assert int(p["trigger_ticks"]) <= exact


def check_trigger_lists(world: World, market: int) -> None:
    """The lists and the positions' own notes of them agree."""
    m = world.markets[market]
    seen = set()
    for name, first in (("long_heads", 0), ("short_heads", int(m["buckets"]))):
        for b, head in enumerate(world._kept[int(m[name])].tolist()):
            before, i = -1, head
            while i >= 0:
                p = world.positions[i]
                assert (int(p["bucket"]), int(p["prev"]), int(p["market"])) == (first + b, before, market)
                assert (int(p["lots"]) > 0) == (first == 0)
                seen.add(i)
                before, i = i, int(p["next"])
    filed = (world.positions["bucket"] >= 0) & (world.positions["market"] == market)
    assert seen == set(np.flatnonzero(filed[: world.get("n_positions")]).tolist())
