"""Which runs of a made-up study are finished."""

from pathlib import Path

from marketsim.analysis.run_data.finished_runs import factual_arms, finished_runs
from tests.analysis.studies import made_up

ARMS = "{arms: [factual, frictionless, {id: calm, set: {clock.warmup: 1min}}], measures: [volatility]}"


def test_whole_runs_of_the_arms_that_ended_well_are_finished(tmp_path: Path) -> None:
    runs = [
        {"cell": 0, "replication": 0, "arm": "factual"},
        {"cell": 0, "replication": 1, "arm": "factual", "status": "failed"},
        {"cell": 0, "replication": 0, "arm": "frictionless"},
        {"cell": 0, "replication": 0, "arm": "factual", "fork": {"at_ns": 5}},
        {"cell": 0, "replication": 0, "arm": "calm"},
    ]
    study = made_up(tmp_path, ARMS, runs)
    assert factual_arms(study) == {"factual"}
    assert finished_runs(study, {"factual"})["run_id"].to_list() == ["run0"]
    assert sorted(finished_runs(study, {"factual", "frictionless"})["run_id"]) == ["run0", "run2"]
