"""Whether a pair of runs collapsed or ran away, on mids written by hand."""

from pathlib import Path

import pytest

from marketsim.analysis.measures.family import PairMeasure
from marketsim.analysis.measures.pair_state import PairState, is_collapsed, pair_state
from marketsim.analysis.measures.register import all_measures
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from tests.analysis.tables import HOUR, MINUTE, PERP, S, hand_run, quotes, rebalance

FINE = {"quotes": "10s"}


def mids(*missing: int, last: float = 100.0, snapshots: int = 1_000) -> list[dict]:
    """A mid of 100 every 10 s, missing at some snapshots, and one of `last` at the end."""
    rows = quotes("PERP", *((k * 10 * S, 100.0) for k in range(snapshots)), (snapshots * 10 * S, last))
    return [{**row, "mid": None} if k in missing else row for k, row in enumerate(rows)]


def run_of(place: Path, quoted: list[dict], **more: object) -> Run:
    return hand_run(place, duration=10_000 * S, record=FINE, quotes=quoted, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("missing", "collapsed"), [(10, False), (11, True)])
def test_a_market_without_a_mid_for_more_than_a_hundredth_of_the_time_has_collapsed(
    missing: int, collapsed: bool, tmp_path: Path
) -> None:
    run, other = run_of(tmp_path / "r", mids(*range(missing))), run_of(tmp_path / "c", mids())
    assert is_collapsed(run) == collapsed
    assert pair_state(run, other) == pair_state(other, run) == PairState(is_collapsed=collapsed)


@pytest.mark.parametrize(("last", "collapsed"), [(119.0, False), (121.0, True), (81.0, False), (79.0, True)])
def test_a_mid_that_leaves_the_baselines_by_more_than_a_fifth_has_collapsed(
    last: float, collapsed: bool, tmp_path: Path
) -> None:
    """Also where the index follows the price and has lost nothing: the run that went away tells nothing by itself."""
    arm, baseline = run_of(tmp_path / "r", mids(last=last)), run_of(tmp_path / "c", mids())
    assert not is_collapsed(arm)
    assert pair_state(arm, baseline).is_collapsed == collapsed
    share = all_measures()["collapse_share"]
    assert isinstance(share, PairMeasure)
    assert share.value(share.terms(arm, baseline)) == float(collapsed)


def fund(*equity: int) -> list[dict]:
    return [
        {"t_ns": k * HOUR, "cohort": "insurance", "kind": "ledger", "asset": "USDT", "equity_atoms": atoms}
        for k, atoms in enumerate(equity)
    ]


@pytest.mark.parametrize(
    ("equity", "collapsed"), [((5, 1, 6), False), ((5, 0, 6), True), ((5, -1), True), ((0, 0), False), ((0, 3), False)]
)
def test_an_insurance_fund_that_was_used_up_is_a_collapse_and_one_that_never_was_is_none(
    equity: tuple[int, ...], collapsed: bool, tmp_path: Path
) -> None:
    assert is_collapsed(run_of(tmp_path / "r", mids(), cohorts=fund(*equity))) == collapsed


def test_what_happened_in_the_warm_up_is_no_collapse(tmp_path: Path) -> None:
    early = hand_run(tmp_path / "r", duration=10_000 * S, warmup="20min", record=FINE, quotes=mids(*range(119)))
    assert not is_collapsed(early)


def test_a_token_whose_market_is_empty_is_no_collapse(tmp_path: Path) -> None:
    own = [{**row, "market": "UP", "mid": None} for row in mids()]
    instruments = [PERP, {**PERP, "market": "UP", "kind": "spot"}]
    issued = [{"id": "UP", "issuer": "alpha", "basket": {"PERP": "3"}}]
    assert not is_collapsed(run_of(tmp_path / "r", [*mids(), *own], instruments=instruments, issued=issued))


def test_a_collapse_cannot_be_seen_in_a_coarse_record(tmp_path: Path) -> None:
    run = hand_run(tmp_path / "r", record={"quotes": "none", "marks": "1h"})
    with pytest.raises(ResultError, match=r"a collapse needs a mid at least every 60 s; there are marks every 3600 s"):
        is_collapsed(run)
    assert pair_state(run, run) == PairState()


ISSUED = [{"id": "UP", "issuer": "alpha", "basket": {"PERP": "3"}}]


def pushed(place: Path, at_end: float, later: float, **more: object) -> tuple[Run, Run]:
    """A purchase at 1 h that stands so far above the baseline at its end and half an hour later."""
    f = quotes("PERP", (0, 100.0), (HOUR, 100.0 + at_end), (HOUR + 30 * MINUTE, 100.0 + later))
    every = [*f[:1], *f[1:]]
    rows = [rebalance(0, "UP", HOUR, HOUR, 5)]
    common = {"duration": 2 * HOUR, "record": {"quotes": "change"}, "issued": ISSUED}
    arm = hand_run(place / "f", quotes=every, rebalances=rows, **common, **more)  # type: ignore[arg-type]
    return arm, hand_run(place / "c", quotes=quotes("PERP", (0, 100.0)), **common)  # type: ignore[arg-type]


@pytest.mark.parametrize(("later", "runaway"), [(0.5, False), (1.0, False), (1.1, True)])
def test_a_push_that_is_larger_half_an_hour_later_runs_away(later: float, runaway: bool, tmp_path: Path) -> None:
    assert pair_state(*pushed(tmp_path, 1.0, later)) == PairState(is_runaway=runaway)


def test_an_order_that_met_its_cap_runs_away(tmp_path: Path) -> None:
    told = '{"orders": [{"id": 0, "lots": 3, "market": "PERP", "reason": "cap"}]}'
    events = [{"t_ns": HOUR, "event": "backlog", "subject": "UP", "detail": told}]
    assert pair_state(*pushed(tmp_path, 1.0, 0.5, events=events)).is_runaway
    other = [{**events[0], "detail": told.replace('"cap"', '"no_liquidity"')}]
    assert not pair_state(*pushed(tmp_path / "o", 1.0, 0.5, events=other)).is_runaway
