"""The twin's clock: everything of an instant in the order INDEX, MARK, LIQUIDATION, ARRIVAL, and its state in words."""

from collections import deque
from collections.abc import Sequence

from tests.reference.accounts import Venue
from tests.reference.book import BUY, SELL
from tests.reference.liquidation import find_victims, receive_engine_order, work_queue
from tests.reference.marks import step_index, step_mark

PH_INDEX, PH_MARK, PH_LIQUIDATION, PH_ARRIVAL = -70, -60, -40, -30


def open_venue(v: Venue) -> None:
    """The first index is the first mark."""
    for m, path in zip(v.markets, v.paths, strict=True):
        m.index = m.mark = path[0]


def next_event(v: Venue) -> tuple[int, int, int]:
    """(time, phase, market) of what comes next."""
    events = [((v.step + 1) * v.index_every, PH_INDEX, 0)]
    events += [(m.mark_due, PH_MARK, m.number) for m in v.markets]
    events += [(m.liquidation_due, PH_LIQUIDATION, m.number) for m in v.markets if m.liquidation_due is not None]
    if v.under_way:
        v.under_way = deque(sorted(v.under_way, key=lambda one: (one[0], one[2].number)))
        events.append((v.under_way[0][0], PH_ARRIVAL, 0))
    return min(events)


def run_until(v: Venue, t: int, phase: int) -> None:
    """Let everything happen that comes before (t, phase)."""
    while True:
        event = next_event(v)
        if event[:2] >= (t, phase):
            return
        v.now, kind, market = event
        if kind == PH_INDEX:
            step_index(v)
        elif kind == PH_MARK:
            step_mark(v, v.markets[market])
            find_victims(v, v.markets[market])
        elif kind == PH_ARRIVAL:
            receive_engine_order(v)
        else:
            work_queue(v, v.markets[market])


def adopt_queues(v: Venue, queues: Sequence[Sequence[int]], under_water: set[int]) -> None:
    """Take over the order in which the kernel found its victims: only who they are is a rule.

    An account that stands in several markets may be found by any of them, and may be saved by the next one's mark of
    the same instant; whoever is `under_water` after all of them must have been found.
    """
    mine = {number for m in v.markets for number in m.queue}
    theirs = {number for queue in queues for number in queue}
    assert theirs <= mine, f"the kernel queued {theirs - mine}, who meet their margin"
    assert mine & under_water <= theirs, f"the kernel missed {mine & under_water - theirs}, who are under water"
    for number in mine - theirs:
        v.accounts[number].queued = False
    for m, queue in zip(v.markets, queues, strict=True):
        m.queue.clear()
        m.queue.extend(queue)


def state(v: Venue) -> dict[str, object]:
    """Everything that both worlds must agree on, in an order that both can tell."""
    return {
        "accounts": [(a.number, a.cash, a.fees_paid, a.funding_received, a.queued, a.liquidations) for a in v.accounts],
        "positions": [
            (a.number, k, p.lots, p.open_buy, p.open_sell, p.entry)
            for a in v.accounts
            for k, p in sorted(a.positions.items())
        ],
        "orders": [
            (m.number, side, o.number, o.price, o.account, o.size, o.remaining)
            for m in v.markets
            for side in (BUY, SELL)
            for o in m.book.orders(side)
        ],
        "markets": [
            (m.number, *map(m.book.best, (BUY, SELL)), m.index, m.mark, m.last, m.volume, m.open_interest)
            for m in v.markets
        ],
        "queues": [list(m.queue) for m in v.markets],
        "under_way": sorted((due, order.number, order.account) for due, _, order in v.under_way),
        "counts": [v.counts[name] for name in ("orders", "cancels", "rejects", "trades", "liquidations")],
        "flows": sorted((key, atoms) for key, atoms in v.flows.items() if atoms),
        "order_number": v.order_number,
    }
