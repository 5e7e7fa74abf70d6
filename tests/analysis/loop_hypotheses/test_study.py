"""A registered study of a venue where theory is exact: its tables, its page, and a registration that cannot be met."""

import json
from pathlib import Path

import polars as pl
import pytest

import marketsim
from marketsim import scenario
from marketsim.errors import UsageError
from tests.simulation.loop_worlds import document
from tests.simulation.test_loop import case_of

EXPECTED = """
analysis = "reset loop"
horizon = "0s"
margins = {H1 = 0.1, H2 = 0.1, H3 = 0.1, H4 = 0.1, ways = 0.1, size = 0.1, sign = 0.1}
[cells]
columns = ["way", "level", "size", "sign"]
rows = [["assets", 0.8, 0.001, "up"], ["assets", 0.8, 0.001, "up"]]
"""


def world(folder: Path):
    """Lambda .8, twelve children after a rise of .1 %, sized once and anew, in two replications."""
    study = {
        "arms": ["factual", "frictionless"], "replications": 2, "measures": ["multiplier_0s", "orders_ratio"],
        "over": {"tokens.*.execution.resize": ["never", "each_child"]}, "probe": {"horizons": ["0s"]},
        "registration": "expected.toml",
    }  # fmt: skip
    whole = document(case_of("3", "4/5", "1/1000", n=12), record={"quotes": "1s", "marks": "1s"}, study=study)
    return scenario.load_text(json.dumps(whole), folder=folder, name="exact")


def test_a_registered_study_says_what_became_of_its_hypotheses(tmp_path: Path) -> None:
    (tmp_path / "expected.toml").write_text(EXPECTED, encoding="utf-8")
    study = marketsim.sweep(world(tmp_path), out=tmp_path / "out", workers=1)
    cells = pl.read_parquet(study.path / "loop_cells.parquet")
    assert cells["rule"].to_list() == ["once", "children"]
    assert cells["multiplier"].to_list() == pytest.approx([1.8, 2.92358], rel=5e-3)
    assert cells["multiplier_predicted"].to_list() == pytest.approx([1.8, 2.92358], rel=5e-3)
    assert cells["orders_ratio"].to_list() == pytest.approx([1.0, 2.40448], rel=5e-3)
    found = {row["hypothesis"]: row for row in pl.read_parquet(study.path / "hypotheses.parquet").iter_rows(named=True)}
    for name in ("H1", "H2", "H3 once", "H3", "H4"):
        assert found[name]["estimate"] == pytest.approx(1.0, abs=1e-2), name
        assert found[name]["verdict"] == "too few"
    assert found["H2 rival"]["estimate"] == pytest.approx(1.92358 / 4, rel=2e-2)  # 1 / (1 - .8) would push 4 r
    page = (study.path / "report.html").read_text(encoding="utf-8")
    assert "Registered hypotheses" in page
    assert "the kernel applied to the orders sent" in page


def test_a_registration_that_the_study_cannot_meet_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "expected.toml").write_text(EXPECTED.replace(', ["assets", 0.8, 0.001, "up"]]', "]"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"cells\.rows: was 1 rows; allowed: one for each of the study's 2 cells"):
        marketsim.sweep(world(tmp_path), out=tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()
