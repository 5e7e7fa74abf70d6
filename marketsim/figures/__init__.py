"""Figures: publication figures of one finished run, or of one study, each with its table and its caption.

Lives here: what each figure shows (a picture: panels of named series, and a caption), how a picture is drawn, and the
files. A picture is made of numbers before anything is drawn, so its table holds exactly what is shown. Not here:
measures and intervals (`analysis`), the reader of a run or a study (`datasets`), the page (`report`). Matplotlib is
imported in `drawing`, `marks` and `rendering` only, and importing this room loads neither it nor polars.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from marketsim.errors import EnvironmentLackError, ResultError, UsageError

if TYPE_CHECKING:
    from marketsim.figures.drawn import Drawn
    from marketsim.figures.files import Written

__all__ = ["FORMATS", "WIDTHS", "write_figures"]

FORMATS = ("pdf", "svg", "png")
WIDTHS = (3.4, 7.0)
"""Inches: one column of a journal, and two."""
INSTALL = 'pip install "marketsim-lab[figures]"'


def write_figures(
    path: str | Path,
    out: str | Path | None = None,
    *,
    formats: Sequence[str] = FORMATS,
    widths: Sequence[float] = WIDTHS,
) -> Written:
    """Draw the figures of a run or study, or of a folder that holds exactly one, and write them with their tables.

    out: the folder they go to, default `figures` in the run's or study's own; a set that an earlier call left there is
    replaced once the new one is whole. formats, widths [inch]: each figure is written in all of them. Raises
    `EnvironmentLackError` without matplotlib, `UsageError` where there is no run or study, `ResultError` where it is
    damaged or has nothing to draw.
    """
    _require_matplotlib()
    for was in [*(form for form in formats if form not in FORMATS), *(width for width in widths if not 1 < width < 40)]:
        raise UsageError(f"a figure's format or width was {was!r}; allowed: {', '.join(FORMATS)}; 1 to 40 inches")
    from marketsim.datasets.store import resolve_path
    from marketsim.figures.files import write_pictures

    found = resolve_path(path)
    drawn = _of_run(found.path) if found.kind == "run" else _of_study(found.path)
    if not drawn.pictures:
        why = "; ".join(f"{one.figure}: {one.reason}" for one in drawn.left_out)
        raise ResultError(f"{found.path} has nothing to draw: {why}")
    folder = found.path / "figures" if out is None else Path(out)
    return write_pictures(drawn, folder, formats=formats, widths=widths)


def _of_run(path: Path) -> Drawn:
    from marketsim.datasets.run import Run
    from marketsim.figures.of_run import run_pictures

    return run_pictures(Run(path))


def _of_study(path: Path) -> Drawn:
    from marketsim.datasets.study import Study
    from marketsim.figures.of_study import study_pictures

    return study_pictures(Study(path))


def _require_matplotlib() -> None:
    """Raise `EnvironmentLackError`, with the line that installs it, where matplotlib cannot be imported."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise EnvironmentLackError("figures are drawn with matplotlib, which is not installed", INSTALL) from error
