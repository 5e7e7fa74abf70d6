"""A study made up by hand: runs that are manifests alone, and measures that read terms written in them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from marketsim.datasets.run import Run
from marketsim.datasets.study import PLAN, Study, create_study
from marketsim.errors import ResultError
from marketsim.scenario.resolve import load_text

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


@dataclass
class Made:
    """A measure whose terms stand in the manifests under its name; of pairs, the factual's and the counterfactual's."""

    name: str
    unit: str = "share"
    is_of_pair: bool = False

    @property
    def of_run(self):
        return None if self.is_of_pair else self._read

    @property
    def of_pair(self):
        return self._read_both if self.is_of_pair else None

    def _read(self, run: Run) -> list[dict[str, Any]]:
        terms = run.manifest["made"].get(self.name)
        if terms is None:
            raise ResultError(f"{self.name} needs what was not recorded")
        return terms

    def _read_both(self, factual: Run, counterfactual: Run) -> list[dict[str, Any]]:
        pairs = zip(self._read(factual), self._read(counterfactual), strict=True)
        return [{"day": f["day"], "num": f["x"] * (f["x"] - c["x"]), "den": f["x"] ** 2} for f, c in pairs]

    @staticmethod
    def value(terms: Sequence[dict[str, Any]]) -> float | None:
        den = sum(term["den"] for term in terms)
        return sum(term["num"] for term in terms) / den if den else None


def mean_term(x: float, day: int = 0) -> list[dict[str, Any]]:
    """One observation, of which the measure is the mean."""
    return [{"day": day, "num": x, "den": 1.0}]


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
        (folder / "manifest.json").write_text(json.dumps(row))
    return found


def pairs(factual: Sequence[float], arm: Sequence[float], measure: str, arm_id: str = "frictionless", cell: int = 0):
    """Runs of both arms whose outcome by replication is as given."""
    return [
        {"cell": cell, "replication": r, "arm": a, "made": {measure: mean_term(x)}}
        for a, values in (("factual", factual), (arm_id, arm))
        for r, x in enumerate(values)
    ]
