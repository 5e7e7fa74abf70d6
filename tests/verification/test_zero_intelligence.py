"""The crowding benchmark that depends on nobody's parameter table: a zero-intelligence book and one fund."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.verification.results import write_table
from tests.verification.zero_intelligence import mids

CROWDING = (0.0, 0.25, 0.5, 0.75, 0.9, 1.1, 2.0)
EVERY = (20.0, 100.0)
SEEDS = range(16)
DURATION = 6_000.0
HORIZON = 400.0


@pytest.mark.parametrize("every", EVERY)
def test_a_fund_in_a_zero_intelligence_book_raises_variance_until_the_market_runs_away(
    every: float, say: Callable[[str], None]
) -> None:
    rows = []
    for crowding in CROWDING:
        runs = [mids(crowding, every, DURATION, seed) for seed in SEEDS]
        step = max(1, int(HORIZON / every))
        moves = np.concatenate([np.array(path)[step:] - np.array(path)[:-step] for path, _ in runs if len(path) > step])
        rows.append({"every": every, "crowding": crowding, "variance": float(np.mean(moves**2)),
                     "runaway": float(np.mean([gone for _, gone in runs]))})  # fmt: skip
    calm = rows[0]["variance"]
    for row in rows:
        row["variance_ratio"] = row["variance"] / calm
        say(f"T_r {every:g}, Lambda0 {row['crowding']:g}: variance x {row['variance_ratio']:.2f}, "
            f"runaway {row['runaway']:.2f}")  # fmt: skip
    write_table(f"zero_intelligence_{every:g}", rows)
    ratios = [row["variance_ratio"] for row in rows]
    assert 1 < ratios[2] < ratios[5] < ratios[6]
    # Without a fund some books of this length wander as far by luck alone.
    assert rows[-1]["runaway"] > rows[0]["runaway"] + 0.5
    assert rows[-2]["runaway"] > rows[0]["runaway"] + 0.2
