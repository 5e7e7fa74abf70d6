"""Fundamentalists: slices, capacities of their own, and refilling, worked by hand."""

from typing import Any

import numpy as np

from tests.kernel.checks import check_world
from tests.kernel.rule_worlds import RuleWorld

ALWAYS = 2**32
PLAIN = dict(close=0.0, slice_ticklots=1e18, refill_threshold=0, adopts=0.0, sees_latent=0)
TABLES = dict(threshold_table=[0.01], capacity_table=[100 * 10_000.0], error_table=np.zeros(4_096))


def market(reference: float = 0.0, latent: float = 0.0, count: int = 1, **changed: Any) -> RuleWorld:
    """Bids for 1,000 lots at 10,200, 2 % above the index; thresholds of 1 %, a capacity of 100 lots."""
    own = dict(reference=reference, base_lots=0)
    world = RuleWorld("fundamentalist", {**PLAIN, **TABLES, **changed}, own, latent=latent, count=count)
    world.offer(1_000, 10_200)
    return world


def test_a_capacity_is_used_in_slices() -> None:
    m = market(slice_ticklots=30 * 10_000.0)
    held = []
    while m.now < 200 * 10**9 and (not held or held[-1] > -100):
        m.advance(m.now / 1e9 + 0.05)
        if not held or m.lots() != held[-1]:
            held.append(m.lots())
    m.advance(60)
    assert [*held, m.lots()] == [0, -30, -60, -90, -100, -100]
    check_world(m.world)


def test_each_has_a_capacity_of_its_own() -> None:
    m = market(count=3, threshold_table=[0.01, 0.03, 0.01], capacity_table=[100 * 10_000.0, 10**7, 7 * 10_000.0])
    m.advance(30)
    assert [m.lots(k) for k in range(3)] == [-100, 0, -7]  # the second waits for 3 %


def test_who_refills_counts_the_capacity_from_the_position_there_is() -> None:
    m = market(refill_threshold=ALWAYS)
    m.offer(-10, 10_400)
    m.advance(30)
    assert m.lots() == -1_000  # a hundred at each wake-up, until nobody bids
    # The bid is gone: a trader that does not refill would buy back, this one has nothing to buy back.
    m.offer(-500, 9_990)
    m.advance(60)
    assert m.lots() == -1_000


def test_a_refill_takes_half_of_the_deviation_into_the_reference() -> None:
    # bid 10,200, ask 10,300: the mid is 2.5 % above the index; half of it is a reference of 10,125, whose threshold is
    # 10,226, above the bid
    m = market(refill_threshold=ALWAYS, adopts=0.5)
    m.advance(0.000001)
    m.offer(-10, 10_300)
    m.advance(30)
    assert m.lots() == 0
    own = m.world.rules[0].own_column(m.world.members(0), "reference")  # type: ignore[union-attr]
    assert own.tolist() == [0.0125]


def test_the_reference_moves_the_threshold() -> None:
    low, high = market(reference=0.0099), market(reference=0.011)  # thresholds of 10,199 and 10,211 against 10,200
    low.advance(30)
    high.advance(30)
    assert (low.lots(), high.lots()) == (-100, 0)


def test_the_latent_fundamental_may_be_the_reference() -> None:
    near, far = market(latent=10_100.0, sees_latent=1), market(latent=10_090.0, sees_latent=1)
    near.advance(30)
    far.advance(30)
    assert (near.lots(), far.lots()) == (0, -100)  # a bid at 10,200 is not beyond 10,201; it is beyond 10,190.9
