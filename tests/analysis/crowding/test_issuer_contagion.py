"""Co-triggers, impulse responses and cascades on tables written by hand."""

from math import exp
from pathlib import Path
from typing import Any

import pytest

from marketsim.analysis.crowding.issuer_contagion import co_triggers, impulse_responses
from marketsim.analysis.crowding.liquidation_cascades import cascades
from marketsim.datasets.run import Run
from tests.analysis.tables import HOUR, MINUTE, S, hand_run, quotes, rebalance

ISSUED = [{"id": "UP", "issuer": "alpha"}, {"id": "DOWN", "issuer": "beta"}, {"id": "LONE", "issuer": "gamma"}]


def emergency(number: int, token: str, t_ns: int, lots: int) -> dict[str, Any]:
    return rebalance(number, token, t_ns, t_ns, lots, trigger="emergency")


def test_co_triggers_count_resets_within_a_minute_of_each_other(tmp_path: Path) -> None:
    rows = [
        rebalance(0, "UP", HOUR, HOUR, 5),
        rebalance(1, "DOWN", HOUR, HOUR, 5),
        emergency(2, "UP", 2 * HOUR, -5),
        emergency(3, "DOWN", 2 * HOUR + MINUTE, 3),
        emergency(4, "UP", 3 * HOUR, -5),
        emergency(5, "DOWN", 3 * HOUR + MINUTE + 1, -5),
        emergency(6, "LONE", 5 * HOUR, -5),
    ]
    found = co_triggers(hand_run(tmp_path / "r", issued=ISSUED, rebalances=rows))
    by_pair = {(row["token"], row["other"]): row for row in found.to_dicts()}
    assert len(by_pair) == 6
    one = by_pair["UP", "DOWN"]
    assert [one[name] for name in ("resets", "together", "same_side", "set_off")] == [3, 2, 1, 1]
    assert by_pair["LONE", "UP"]["together"] == 0
    assert one["by_chance"] == pytest.approx(3 * (1 - exp(-3 * 2 / 360)))


@pytest.fixture
def chained(tmp_path: Path) -> tuple[Run, Run]:
    """Alpha sells 10 and buys 10; each time beta follows with 4 of the same side after 30 s, and the mid with 1 %."""
    mids = [(0, 100.0), (HOUR + 5 * S, 99.0), (2 * HOUR + 5 * S, 99.0 * 1.01)]
    rows = [
        emergency(0, "UP", HOUR, -10),
        emergency(1, "DOWN", HOUR, -1),
        emergency(2, "DOWN", HOUR + 30 * S, -4),
        emergency(3, "UP", 2 * HOUR, 10),
        emergency(4, "DOWN", 2 * HOUR + 30 * S, 4),
    ]
    alone = [emergency(0, "UP", HOUR, -10), emergency(1, "DOWN", HOUR + 40 * S, -1)]
    f = hand_run(tmp_path / "f", issued=ISSUED, rebalances=rows, quotes=quotes("PERP", *mids))
    c = hand_run(tmp_path / "c", issued=ISSUED, rebalances=alone, quotes=quotes("PERP", (0, 100.0)))
    return f, c


def test_an_impulse_response_is_what_another_issuer_decides_afterwards_less_the_counterfactual(
    chained: tuple[Run, Run],
) -> None:
    """(4 + 4) x 100 over two orders; in the counterfactual 1 x 100 after the first alone."""
    rows = impulse_responses(*chained, horizons_ns=(10 * S, MINUTE)).filter(issuer="alpha", responder="beta").to_dicts()
    assert [(row["horizon_ns"], row["orders"], row["response"]) for row in rows] == [
        (10 * S, 2, 0.0),
        (MINUTE, 2, 400.0),
    ]
    assert [row["control"] for row in rows] == [0.0, 50.0]
    assert [row["effect"] for row in rows] == [0.0, 350.0]


def test_the_price_responds_in_the_direction_of_the_order(chained: tuple[Run, Run]) -> None:
    """ln(100 / 99) after the sale, ln 1.01 after the purchase."""
    rows = impulse_responses(chained[0], horizons_ns=(MINUTE,))
    (price,) = rows.filter(rows["responder"].is_null(), issuer="alpha").to_dicts()
    assert price["response"] == pytest.approx((0.01005033585 + 0.00995033085) / 2)
    assert (price["control"], price["effect"]) == (None, None)


def test_an_order_whose_horizon_ends_behind_the_run_does_not_count(chained: tuple[Run, Run]) -> None:
    rows = impulse_responses(chained[0], horizons_ns=(4 * HOUR + 1,)).filter(issuer="alpha", responder="beta")
    assert rows["orders"].to_list() == [1]


def test_cascades_are_listed_by_what_they_liquidated(tmp_path: Path) -> None:
    rows = [
        {"t_ns": t, "market": "PERP", "account": a, "size_lots": n, "mark_price": 100.0, "cascade": c, "parent": p,
         "deleveraged_lots": d, "insurance_atoms": i}
        for t, a, n, c, p, d, i in (
            (HOUR, 1, 2, 0, -1, 0, 5), (2 * HOUR, 2, 7, 1, -1, 0, -1), (2 * HOUR + S, 3, 1, 1, 1, 1, -2),
            (2 * HOUR + S, 3, -1, 1, 2, 0, 0),
        )
    ]  # fmt: skip
    found = cascades(hand_run(tmp_path / "r", liquidations=rows)).to_dicts()
    assert [row["cascade"] for row in found] == [1, 0]
    assert found[0] == {
        "market": "PERP", "cascade": 1, "t0_ns": 2 * HOUR, "t1_ns": 2 * HOUR + S, "liquidations": 3, "accounts": 2,
        "with_parent": 2, "notional": 900.0, "deleveraged_lots": 1, "insurance_atoms": -3,
    }  # fmt: skip


def test_a_run_without_tokens_has_no_responses(tmp_path: Path) -> None:
    run = hand_run(tmp_path / "r", quotes=quotes("PERP", (0, 100.0)))
    assert (co_triggers(run).height, impulse_responses(run).height, cascades(run).height) == (0, 0, 0)


def test_decisions_of_the_warm_up_set_nothing_off(tmp_path: Path) -> None:
    """Two pairs came together: one at the last instant of the warm-up, one as it ends."""
    rows = [
        emergency(0, "UP", HOUR - 1, -5), emergency(1, "DOWN", HOUR - 1, -5),
        emergency(2, "UP", HOUR, -5), emergency(3, "DOWN", HOUR, -5),
    ]  # fmt: skip
    run = hand_run(tmp_path / "r", warmup="1h", issued=ISSUED, rebalances=rows)
    assert co_triggers(run)["resets"].to_list() == [1, 1]
    # of the five hours that are measured, two minutes around each decision
    assert co_triggers(run)["by_chance"].to_list() == pytest.approx([1 - exp(-2 / 300)] * 2)
