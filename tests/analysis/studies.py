"""A study made up by hand: runs that are manifests alone, and measures that read terms written in them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from marketsim.analysis.measures.family import (
    MeanOfReplications,
    PairMeasure,
    RatioOfSums,
    Reset,
    RunMeasure,
    Term,
    unread,
)
from marketsim.datasets.run import Run
from marketsim.datasets.study import PLAN, Study, create_study
from marketsim.errors import ResultError
from marketsim.scenario import load_text
from tests.datasets.manifests import write_manifest

WORLD = """
schema: marketsim/1
name: made-up
clock: {duration: 1h}
seed: 7
underlyings: [{id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr}}]
markets: [{id: M, underlying: BTC}]
traders: [{id: noise, kind: noise, market: M, count: 10, capital: 20 kUSDT}]
study: STUDY
"""


def written(run: Run, name: str) -> list[dict[str, Any]]:
    """The terms that stand in a manifest under a measure's name."""
    terms = run.manifest["made"].get(name)
    if terms is None:
        raise ResultError(f"{name} needs what was not recorded")
    return terms


class MadeOfRuns(RatioOfSums, RunMeasure):
    """A measure of single runs whose terms stand in the manifests under its name."""

    unit, if_nothing = "share", "nothing happened"

    def __init__(self, name: str, keeps_collapsed: bool = False) -> None:
        self.name, self.keeps_collapsed = name, keeps_collapsed

    def terms(self, run: Run) -> list[Term]:
        return [Term(each["day"], each["num"], each["den"]) for each in written(run, self.name)]


class Gap(MeanOfReplications, PairMeasure):
    """A push: the weighed mean of the arm's numbers less the baseline's, at the resets of `resets`."""

    unit, if_nothing, verb, window = "bps", "there was no reset", "pushed", "at the last fill"

    def __init__(self, name: str) -> None:
        self.name = name

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        of_arm, of_versus, at = (written(run, self.name) for run in (arm, versus, resets or arm))
        found = []
        for a, v, reset in zip(of_arm, of_versus, at, strict=True):
            if reset["weight"] is None:
                found.append(unread(0, a.get("market")))
                continue
            what = Reset(2e8, reset["weight"], 0.012, "USDT")
            found.append(Term(0, reset["weight"] * (a["x"] - v["x"]), reset["weight"], a.get("market"), reset=what))
        return found


class MadeOfPairs(RatioOfSums, PairMeasure):
    """A price share whose moves stand in the manifests under its name."""

    unit, if_nothing = "share", "nothing happened"

    def __init__(self, name: str) -> None:
        self.name = name

    def terms(self, arm: Run, versus: Run, resets: Run | None = None) -> list[Term]:
        pairs = zip(written(arm, self.name), written(versus, self.name), strict=True)
        return [Term(f["day"], f["x"] * (f["x"] - c["x"]), f["x"] ** 2) for f, c in pairs]


def mean_term(x: float, day: int = 0, count: float = 1.0) -> list[dict[str, Any]]:
    """One observation, of which the measure is the mean; count 0: nothing was observed."""
    return [{"day": day, "num": x, "den": count}]


def moves(*x: float) -> list[dict[str, Any]]:
    """Moves of windows, each of a day of its own."""
    return [{"day": day, "x": each} for day, each in enumerate(x)]


def made_up(out: Path, study: str, runs: Sequence[dict[str, Any]], design: pl.DataFrame | None = None) -> Study:
    """A study of runs given as dicts: cell, replication, arm, perhaps status and fork, and `made` terms."""
    rows = [{"status": "ok", **run, "run_id": f"run{number}"} for number, run in enumerate(runs)]
    planned = [{name: row[name] for name in PLAN} for row in rows if "fork" not in row]
    cells = pl.DataFrame({"cell": sorted({row["cell"] for row in rows})}) if design is None else design
    scenario = load_text(WORLD.replace("STUDY", study))
    found = create_study(out, scenario, cells, pl.DataFrame(planned, schema=PLAN), "code")
    for row in rows:
        folder = found.path / "runs" / row["run_id"]
        folder.mkdir()
        write_manifest(folder, **row)
    return found


def pairs(factual: Sequence[float], arm: Sequence[float], measure: str, arm_id: str = "frictionless", cell: int = 0):
    """Runs of both arms whose outcome by replication is as given."""
    return [
        {"cell": cell, "replication": r, "arm": a, "made": {measure: mean_term(x)}}
        for a, values in (("factual", factual), (arm_id, arm))
        for r, x in enumerate(values)
    ]
