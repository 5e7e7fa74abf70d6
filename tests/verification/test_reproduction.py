"""All runs of a study with every kind of arm, in several cells and replications, with forks and probes, made again."""

from pathlib import Path

import pytest

import marketsim as ms
from marketsim.scenario.schema import Scenario
from tests.experiments.reproducing import every_arm, forks

SIZES = "500 kUSDT, 2 MUSDT"


@pytest.mark.parametrize("study", [every_arm(2, SIZES), forks(2, SIZES)], ids=["every_arm", "forks"])
def test_every_run_of_a_study_is_made_again(study: Scenario, tmp_path: Path) -> None:
    swept = ms.sweep(study, workers=2, out=tmp_path, report=False)
    assert swept.failed_runs == []
    differing = {path: found.differing for path in swept.runs()["path"] if not (found := ms.reproduce(path)).is_same}
    assert differing == {}


def test_every_whole_run_of_a_study_is_what_run_makes_of_it(tmp_path: Path) -> None:
    swept = ms.sweep(every_arm(2, SIZES), workers=2, out=tmp_path / "swept", report=False)
    for row in swept.plan().iter_rows(named=True):
        stored = swept.run(row["cell"], row["replication"], row["arm"])
        chosen = {key: row[key] for key in ("cell", "replication", "arm")}
        made = ms.run(every_arm(2, SIZES), out=tmp_path / "one", report=False, **chosen)
        hashes = [
            {name: table["content_sha256"] for name, table in run.manifest["tables"].items()} for run in (stored, made)
        ]
        assert hashes[0] == hashes[1], chosen
