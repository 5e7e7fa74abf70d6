"""Stories of a levered crowd in one crash: everybody who is ruined is closed, and who has to wait is counted."""

from pathlib import Path

import polars as pl
import pytest

from marketsim.report import write_report
from marketsim.scenario.sentences import in_sentences
from marketsim.simulation.running import run
from tests.simulation.worlds import FREE, MINUTE, NOISE, RETAIL, SECOND, STILL, world

CROWD = 2_000
CRASH = 20 * MINUTE
DELAY = SECOND // 100
FALL = [{"at": "20min", "kind": "jump", "underlying": "BTC", "size": "-30%"}]
# At 5 to 25 times its capital, a fall of 30 % leaves nobody above zero: 1 - 5 x .3 < 0.
LEVERED = {
    **RETAIL, "id": "levered", "count": CROWD, "rate": "1/d", "capital": "1 kUSDT",
    "start": {"leverage": {"uniform": ["5", "25"]}, "long_share": "100%"},
}  # fmt: skip


def crash(tmp_path: Path, *, duration: str = "25min", liquidation: dict[str, object] | None = None):
    """The crowd, a few noise traders and a fund that one account ruins; mark every second."""
    market = {**FREE, "insurance_fund": "1 USDT", **({"liquidation": liquidation} if liquidation else {})}
    made = world(index=STILL, market=market, traders=[NOISE, LEVERED], events=FALL, duration=duration)
    return run(made, out=tmp_path, report=write_report)


def test_everybody_whom_a_crash_ruins_is_closed_in_the_same_second(tmp_path: Path) -> None:
    done = crash(tmp_path)
    liquidations = done.table("liquidations").filter(cohort="levered")
    first = liquidations.filter(t_ns=CRASH, t_order_ns=CRASH + DELAY)
    assert first["account"].n_unique() == CROWD
    accounts = done.table("accounts").filter(cohort="levered")
    assert accounts["end_equity_atoms"].min() >= 0
    assert done.manifest["liquidations_queued"] == {"BTC-PERP": 0}
    assert done.manifest["conservation"]["residual_atoms"] == 0
    assert "still waited for liquidation" not in (done.path / "report.html").read_text(encoding="utf-8")


def test_a_bound_on_accounts_a_step_leaves_a_queue_that_the_manifest_and_the_report_count(tmp_path: Path) -> None:
    # A run ends before its last instant: 20:00 to 21:39 are 100 mark steps; 700 of the 2,000 are taken up, 1,300 wait.
    done = crash(tmp_path, duration="21min40s", liquidation={"per_step": 7})
    rows = done.table("liquidations").filter(cohort="levered")
    steps = rows.group_by("t_ns").len().sort("t_ns")
    assert steps["t_ns"].to_list() == [CRASH + k * SECOND for k in range(100)]
    assert set(steps["len"].to_list()) == {7}
    assert rows["account"].n_unique() == 700
    assert done.manifest["liquidations_queued"] == {"BTC-PERP": 1_300}
    owing = done.table("accounts").filter(pl.col("cohort") == "levered", pl.col("end_equity_atoms") < 0)
    assert owing.height == 1_300
    page = (done.path / "report.html").read_text(encoding="utf-8")
    assert "still waited for liquidation at the end: 1,300 in BTC-PERP" in page
    assert done.manifest["conservation"]["residual_atoms"] == 0


@pytest.mark.parametrize("word", ["all", 10**30])
def test_a_bound_that_binds_nobody_changes_nothing(tmp_path: Path, word: object) -> None:
    one, other = crash(tmp_path / "a"), crash(tmp_path / "b", liquidation={"per_step": word})
    tables = one.manifest["tables"]
    assert {name: each["content_sha256"] for name, each in other.manifest["tables"].items()} == {
        name: each["content_sha256"] for name, each in tables.items()
    }
    assert (one.manifest["scenario_sha256"] == other.manifest["scenario_sha256"]) is (word == "all")


def test_orders_of_the_engine_come_with_their_delay_and_who_waits_for_one_at_the_end_is_counted(tmp_path: Path) -> None:
    done = crash(tmp_path / "a", liquidation={"delay": "30ms"})
    rows = done.table("liquidations").filter(cohort="levered")
    assert set(rows["t_order_ns"] - rows["t_ns"]) == {30_000_000}
    assert rows.filter(t_ns=CRASH)["account"].n_unique() == CROWD
    sold = done.table("trades").filter(taker_purpose="liquidation")
    assert not sold.is_empty()
    assert set(sold["t_ns"] % SECOND) == {30_000_000}
    assert done.table("accounts").filter(cohort="levered")["end_equity_atoms"].min() >= 0
    assert done.manifest["liquidations_queued"] == {"BTC-PERP": 0}
    assert done.manifest["conservation"]["residual_atoms"] == 0

    cut = crash(tmp_path / "b", duration="20min1s", liquidation={"delay": "1h"})
    assert cut.table("liquidations").is_empty()
    assert cut.manifest["liquidations_queued"] == {"BTC-PERP": CROWD}


def test_without_a_delay_of_its_own_an_engine_has_the_contracts_10_ms() -> None:
    one, other = (world(market={**FREE, "liquidation": said}) for said in ({"fee": "1.25%"}, {"delay": "10ms"}))
    assert one.sha256() == other.sha256()
    assert "which reach the book 10ms after the mark step" in in_sentences(one)
    at_once = world(market={**FREE, "liquidation": {"delay": "0ms"}})
    assert at_once.sha256() != one.sha256()
    assert "which trade within the mark step" in in_sentences(at_once)
