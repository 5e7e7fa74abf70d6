"""The gallery: each shipped study and claim made anew, as a page with its question, answer and figure."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from marketsim.errors import ResultError
from marketsim.figures import write_figures
from marketsim.files import SHIPPED
from marketsim.scenario import Scenario, load
from marketsim.scenario.shipped import catalogue
from marketsim.site.gallery_page import Entry, index_page, page

FOLDERS = ("studies", "claims")
"""Folders of the shipped scenarios that the gallery shows."""

COSTS: Mapping[str, str] = {
    "blind": "32 runs of eight hours, some minutes; it makes a blind dataset and has no answer of its own",
    "clock-game": "about six minutes on two cores; its quick profile is made here",
    "clock-game-near": "about six minutes on two cores",
    "crowding": "144 runs of four hours and their probes, ten minutes or so on two cores",
    "crowding-loop": "2,400 runs and their probes, about two hours on two cores; its quick profile is made here",
    "crowding-sunshine": "an hour or more on two cores; its quick profile is made here",
    "interventions": "about six minutes on two cores; its quick profile is made here",
    "robustness": "about ten minutes on two cores; its quick profile is made here",
    "robustness-alt": "about a minute on two cores, to stand beside `robustness`",
    "robustness-v1": "about a minute on two cores, to stand beside `robustness`",
    "robustness-v2": "about a minute on two cores, to stand beside `robustness`",
}
"""Studies that are named with what they cost, and not made."""


@dataclass(frozen=True)
class Shown:
    """A shipped scenario of the gallery: its name, and what it is."""

    name: str
    file: Path
    scenario: Scenario = field(repr=False)

    @property
    def is_claim(self) -> bool:
        """Whether it puts a claim to the test."""
        return self.scenario.claim is not None


def shown() -> list[Shown]:
    """The newest version of every shipped study and claim, in the order of the catalogue."""
    found = []
    for name, versions in catalogue().items():
        newest = versions[max(versions)]
        if newest.file.parent.name in FOLDERS:
            found.append(Shown(name, newest.file, load(f"{SHIPPED}{name}")))
    return found


def build_gallery(folder: Path, only: Collection[str] = ()) -> Path:
    """Make every study and claim that is not too large below a folder, and a site of them; its start page.

    only: names of the shown ones, where not all are wanted. Runs that are there already are taken as they stand.
    Raises EnvironmentLackError without Sphinx, ResultError where a page has a fault.
    """
    from marketsim.site.build import html_of

    results, source, html = folder / "results", folder / "source", folder / "html"
    for old in (source, html):
        shutil.rmtree(old, ignore_errors=True)
    source.mkdir(parents=True)
    entries = [_entry(each, results, source) for each in shown() if not only or each.name in only]
    (source / "index.md").write_text(index_page(entries), encoding="utf-8")
    html_of(source, html, folder / "doctrees", root_doc="index")
    for entry in entries:
        if entry.report is not None:
            (html / "reports").mkdir(exist_ok=True)
            shutil.copyfile(entry.report, html / "reports" / f"{entry.name}.html")
    return html / "index.html"


def _entry(each: Shown, results: Path, source: Path) -> Entry:
    """What a study or claim says, with its page and figure written; of one that is not made, what it costs."""
    title = each.scenario.title or each.name
    if each.name in COSTS:
        return Entry(each.name, title, each.is_claim, cost=COSTS[each.name])
    made = _made(each, results)
    entry = Entry(
        each.name, title, each.is_claim, answer=_answer(each, made), figure=_figure(made, source, each.name),
        report=made / "report.html", command="run" if each.scenario.study is None else "sweep",
    )  # fmt: skip
    (source / f"{each.name}.md").write_text(page(entry), encoding="utf-8")
    return entry


def _made(each: Shown, results: Path) -> Path:
    """The folder of its run or study."""
    import marketsim

    name = f"{SHIPPED}{each.name}"
    made: Any = marketsim.run if each.scenario.study is None else marketsim.sweep
    return Path(made(name, out=results).path)


def _answer(each: Shown, made: Path) -> list[str]:
    """What came out, in sentences: the verdict on a claim, or what the registered outcome says."""
    if each.is_claim:
        from marketsim.analysis.claims.verdicts import verdict

        found = verdict(made)
        return [f"{str(found.outcome).capitalize()}: {found.sentence}"]
    from marketsim.report import answer_of_study

    return answer_of_study(made)


def _figure(made: Path, source: Path, name: str) -> str | None:
    """The name of its picture's file beside its page, the first publication figure; None where nothing can be drawn."""
    with TemporaryDirectory() as folder:
        try:
            written = write_figures(made, folder, formats=("svg",), widths=(7.0,))
        except ResultError:
            return None
        file = next(each for each in written.figures[0]["files"] if each.endswith(".svg"))
        shutil.copyfile(Path(folder, file), source / f"{name}.svg")
    return f"{name}.svg"
