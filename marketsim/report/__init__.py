"""Report: one self-contained HTML page for one finished run, or for one study.

Lives here: the header and the sections of a page, the charts (`charts`), how they get into a page (`embedding`) and a
notebook (`notebook`), and how numbers are written for a reader. Not here: live objects, anything that changes a run's
tables, measures. Instead: the dictionary of columns and the reader of a run are in `datasets`; measures and
comparisons are in `analysis`; what a terminal prints is in `cli`. Importing this room loads neither Altair nor polars.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["answer_of_study", "write_report", "write_study_report"]

ADVICE = "copy the folder to where pages may be written"


def write_report(run_directory: Path) -> Path:
    """Write `report.html` into a finished run's directory and return its path; a report that is there is replaced.

    Reads `manifest.json`, `resolved.json` and `tables/*.parquet` of that directory and nothing else. The page is one
    file that needs no network; a script in it draws its charts, which without script stand as drawings (SVG). Raises
    `UsageError` where there is no run.
    """
    from marketsim.report.page import render_page
    from marketsim.report.record import RunRecord

    record = RunRecord.open(Path(run_directory))
    return _written(record.run.path, render_page(record))


def write_study_report(study_directory: Path) -> Path:
    """Write `report.html` into a study's folder and return its path; an unfinished study gets what there is so far.

    Reads the study's own files only. Raises `UsageError` where there is no study.
    """
    from marketsim.datasets.study import Study
    from marketsim.report.study_page import render_study

    study = Study(study_directory)
    return _written(study.path, render_study(study))


def answer_of_study(study_directory: Path) -> list[str]:
    """The sentences that a study's page begins with: what its registered outcome says to its title, or why nothing."""
    from marketsim.datasets.study import Study
    from marketsim.report.study_answer import answer_of
    from marketsim.report.study_record import StudyRecord

    return list(answer_of(StudyRecord(Study(study_directory))).sentences)


def _written(folder: Path, page: str) -> Path:
    from marketsim.datasets.store import remove_stale, write_whole

    path = folder / "report.html"
    remove_stale(folder)
    write_whole(path, lambda aside: aside.write_text(page, encoding="utf-8", newline="\n"), ADVICE)
    return path
