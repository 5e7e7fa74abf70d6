"""The results folder: whole runs and studies, their pages, and nothing else that lies on this machine."""

from pathlib import Path

import pytest

from marketsim.ui.results import report_page, stored_results


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    results = tmp_path / "results"
    for place, names in {
        "w/run1": ["manifest.json", "report.html"],
        "w/.run2.ab.building": ["manifest.json", "report.html"],
        "w/study1": ["study.json", "report.html"],
        "w/study1/runs/run3": ["manifest.json", "report.html"],
        "w/run4": ["manifest.json"],
    }.items():
        (results / place).mkdir(parents=True)
        for name in names:
            (results / place / name).touch()
    (tmp_path / "elsewhere" / "x").mkdir(parents=True)
    (tmp_path / "elsewhere" / "x" / "report.html").touch()
    return results


def test_runs_and_studies_are_listed_and_what_is_in_the_making_is_not(folder: Path) -> None:
    listed = {(one.kind, one.place, one.has_report) for one in stored_results(folder)}
    assert listed == {("run", "w/run1", True), ("study", "w/study1", True), ("run", "w/run4", False)}
    assert stored_results(folder / "absent") == []


@pytest.mark.parametrize(
    "place", ["../elsewhere/x", "w/run4", "w/.run2.ab.building", "w/../w/run1", "/etc", "", "w/run1/report.html"]
)
def test_no_other_file_is_a_page(folder: Path, place: str) -> None:
    assert report_page(folder, "w/run1") == folder / "w/run1/report.html"
    assert report_page(folder, place) is None
