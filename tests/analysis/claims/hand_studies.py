"""Studies whose holdings are written by hand, a row of `holding.parquet` for each holder."""

from pathlib import Path
from typing import Any

import polars as pl

from marketsim.analysis.holding.token_against_perpetual import COLUMNS
from marketsim.datasets.study import PLAN, Study
from tests.analysis.claims.hand_tables import token
from tests.analysis.studies import made_up
from tests.analysis.tables import Rows, hand_run

STUDY = "{arms: [frictionless, factual], replications: 6, over: {clock.duration: [1h, 3h]}, measures: [volatility]}"
DESIGN = pl.DataFrame({"cell": [0, 1], "clock.duration": ["1h", "3h"]})


def holding(cell: int, replication: int, **changes: Any) -> dict[str, Any]:
    """A holder's row: what is not said is 0, and never happened."""
    place = {"cell": cell, "replication": replication, "arm": "factual"}
    never = ("account", "cohort", "stop_loss", "perp_stopped_ns", "perp_liquidated_ns")
    blank = dict.fromkeys(COLUMNS, 0) | dict.fromkeys(never, None)
    return {**place, **blank, "token": "UP", "match": "capital", "cash_in_atoms": 1_000_000, **changes}


def hand_study(
    out: Path, rows: Rows | None, runs: dict[tuple[int, int], dict[str, Rows]], design: pl.DataFrame = DESIGN
) -> Study:
    """A study with these rows in `holding.parquet` (None: without it), and these tables of its factual runs."""
    cells = [(0, 0), *runs]
    study = made_up(out, STUDY, [{"cell": c, "replication": r, "arm": "factual"} for c, r in cells], design)
    for number, ((cell, replication), tables) in enumerate(runs.items(), 1):
        manifest = {"cell": cell, "replication": replication, "arm": "factual", "run_id": f"run{number}"}
        hand_run(
            study.path / "runs" / f"run{number}", issued=[token("UP"), token("DOWN", -3)], manifest=manifest, **tables
        )
    _forget(study)
    if rows is not None:
        schema = {name: dtype for name, dtype in PLAN.items() if name != "run_id"} | COLUMNS
        pl.DataFrame(list(rows), schema=schema).write_parquet(study.path / "holding.parquet")
    return study


def _forget(study: Study) -> None:
    """The first run, which only made the plan whole, is not there yet."""
    (study.path / "runs" / "run0" / "manifest.json").unlink()
