"""crowding.parquet of studies whose runs and probes are written by hand."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim.analysis.crowding.probe_impact import PROBES
from marketsim.analysis.crowding.study_crowding import study_crowding
from marketsim.datasets import provenance
from marketsim.datasets.study import Study
from tests.analysis.crowding.test_crowding_number import ISSUED, probe
from tests.analysis.studies import made_up
from tests.analysis.tables import HOUR, PERP, hand_run, quotes, rebalance

SHA = "0" * 64


def studied(place: Path, spec: str, *forks: dict[str, float] | None) -> Study:
    """Factual and frictionless runs of a replication, whole (None) and forked, with the probes of the whole one."""
    told: list[dict[str, Any]] = [
        {"cell": 0, "replication": 0, "arm": arm, **({} if fork is None else {"fork": fork})}
        for fork in forks
        for arm in ("factual", "frictionless")
    ]
    study = made_up(
        place, f"{{{spec} measures: [crowding_number_0s], probe: {{horizons: [0s]}}, replications: 1}}", told
    )
    for number, run in enumerate(told):
        hand_run(
            study.path / "runs" / f"run{number}",
            record={"quotes": "change"},
            issued=ISSUED,
            traders=[{"id": "crowd", "kind": "noise"}],
            instruments=[{**PERP, "lot": 2.0}],
            rebalances=[rebalance(0, "UP", HOUR, HOUR, 5)],
            quotes=quotes("PERP", (0, 100.0), (HOUR - 1, 105.0)),
            manifest={"seed": 1, "scenario_sha256": SHA, **run, "run_id": f"run{number}"},
        )
    (study.path / "probes").mkdir()
    rows = [probe(0, 105.0), probe(+1, 109.2), probe(-1, 102.9)]
    for whole in (
        "run0",
        provenance.run_id(SHA, 1, 0, "factual"),
    ):  # forks find the run that they are of by its identity
        pl.DataFrame(rows, schema=PROBES, orient="row").write_parquet(study.path / "probes" / f"{whole}.parquet")
    return study


def test_a_study_of_whole_runs_is_read_from_them(tmp_path: Path) -> None:
    """K = 6 x 1000, lambda = .042 / 1050, of one reset."""
    (row,) = study_crowding(studied(tmp_path, "", None)).to_dicts()
    assert (row["cell"], row["market"], row["moved"], row["horizon"], row["horizon_s"]) == (
        0,
        "PERP",
        "PERP",
        "0s",
        0.0,
    )
    assert (row["k_usdt"], row["crowding_number"]) == (pytest.approx(6_000), pytest.approx(0.24))
    assert row["impact_per_usdt_buy"] == row["impact_per_usdt"] == pytest.approx(0.042 / 1_050)
    assert row["impact_per_usdt_sell"] == pytest.approx(0.021 / 1_050)
    assert (row["resets"], row["bounds"], row["unread"], row["response"]) == (1, 0, 0, 1.0)


def test_a_study_of_forks_is_read_from_those_without_a_jump_and_from_no_whole_run(tmp_path: Path) -> None:
    fork = {"at_ns": HOUR, "from_ns": HOUR - 2, "until_ns": 6 * HOUR}
    (row,) = study_crowding(studied(tmp_path, "fork: {horizon: 1h},", None, fork, {**fork, "jump": 0.05})).to_dicts()
    assert (row["resets"], row["crowding_number"]) == (1, pytest.approx(0.24))
