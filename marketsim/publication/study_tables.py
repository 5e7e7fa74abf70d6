"""The study's own tables as they are published: design, runs and effects."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from marketsim.analysis.study_effects.effect_row import MEANINGS
from marketsim.datasets.run import Run
from marketsim.errors import ResultError
from marketsim.publication.published_tables import PublishedColumn, PublishedTable, Type
from marketsim.publication.sources import StudySources

_FAILED = "the run failed"
_COLLAPSED = "a market was without a mid for more than 1 % of the time, or its insurance fund was used up"
_RUNS: tuple[tuple[PublishedColumn, type[pl.DataType]], ...] = (
    (PublishedColumn("run_id", "text", "", "identity of the run"), pl.String),
    (PublishedColumn("cell", "int64", "id", "cell of the design, as in `design`"), pl.Int64),
    (PublishedColumn("replication", "int64", "id", "replication: its runs have common random numbers"), pl.Int64),
    (PublishedColumn("arm", "text", "", "arm of the study"), pl.String),
    (
        PublishedColumn("fork_ns", "int64", "ns", "instant at which it was forked, from the start", "a whole run"),
        pl.Int64,
    ),
    (PublishedColumn("status", "text", "", "how it ended", values=("ok", "failed")), pl.String),
    (PublishedColumn("reason", "text", "", "why it failed, or that it collapsed", "it did neither"), pl.String),
    (
        PublishedColumn(
            "collapsed",
            "bool",
            "",
            f"whether {_COLLAPSED}; that it left the baseline's price is told of pairs of runs, in `effects`",
            "the run failed, or recorded too little to tell",
        ),
        pl.Boolean,
    ),
    (PublishedColumn("seed", "int64", "", "root of its random streams"), pl.Int64),
    (PublishedColumn("scenario_sha256", "text", "", "identity of its world"), pl.String),
    (PublishedColumn("started_utc", "text", "UTC", "when it was started"), pl.String),
    (PublishedColumn("wall_s", "float64", "s", "wall time it took"), pl.Float64),
    (PublishedColumn("micro_events", "int64", "count", "messages and wake-ups it simulated"), pl.Int64),
    (PublishedColumn("residual_atoms", "int64", "atoms", "what conservation lacks: 0, exactly"), pl.Int64),
    (PublishedColumn("content_sha256", "text", "", "hashes of the content of its tables, JSON", _FAILED), pl.String),
)


def own_tables(sources: StudySources) -> Iterator[tuple[PublishedTable, pl.DataFrame]]:
    """Each table of the study: what it means, and its rows."""
    yield _design(sources)
    yield _runs(sources)
    yield _effects(sources)


def _design(sources: StudySources) -> tuple[PublishedTable, pl.DataFrame]:
    frame = sources.study.design().select("cell", *(axis.path for axis in sources.axes))
    columns = [PublishedColumn("cell", "int64", "id", "cell of the design")]
    for axis in sources.axes:
        text = f"{axis.column.name}_text"
        frame = frame.rename({axis.path: text}).with_columns(
            pl.Series(axis.column.name, axis.values, pl.Float64 if axis.column.dtype == "float64" else pl.String)
        )
        columns.append(
            PublishedColumn(text, "text", "", f"`{axis.path}` as scenario files write it", "the key is absent")
        )
        columns.append(PublishedColumn.of(axis.column))
    description = "A row per cell of the design: what each varied path is set to."
    table = PublishedTable("design", description, tuple(columns), ("cell",), ("cell",))
    return table, frame.select(column.name for column in columns)


def _runs(sources: StudySources) -> tuple[PublishedTable, pl.DataFrame]:
    import json

    rows = []
    for row in sources.rows:
        manifest = Run(row["path"]).manifest
        is_collapsed = sources.collapsed.get(row["run_id"])
        hashes = {name: table["content_sha256"] for name, table in sorted(manifest["tables"].items())}
        rows.append(
            {
                **{name: row[name] for name in ("run_id", "cell", "replication", "arm", "fork_ns", "status")},
                "reason": row["reason"] or (f"collapsed: {_COLLAPSED}" if is_collapsed else None),
                "collapsed": is_collapsed,
                "seed": manifest["seed"],
                "scenario_sha256": manifest["scenario_sha256"],
                "started_utc": manifest["started_utc"],
                "wall_s": float(manifest["wall_s"]),
                "micro_events": int(manifest["counts"]["micro_events"]),
                "residual_atoms": int(manifest["conservation"]["residual_atoms"]),
                "content_sha256": json.dumps(hashes) if row["status"] == "ok" else None,
            }
        )
    frame = pl.DataFrame(rows, schema={column.name: kind for column, kind in _RUNS}, orient="row")
    description = "A row per run, failed and collapsed ones too, with the reason."
    columns = tuple(column for column, _ in _RUNS)
    return PublishedTable("runs", description, columns, ("run_id", "cell", "arm"), ("cell", "replication")), frame


def _effects(sources: StudySources) -> tuple[PublishedTable, pl.DataFrame]:
    """The effects as the study's page has them (docs/contract.md#inference)."""
    try:
        frame = sources.study.effects()
    except ResultError:
        frame = pl.DataFrame(schema={"cell": pl.Int64, "measure": pl.String, "arm": pl.String})
    types: dict[pl.DataType, Type] = {pl.Int64(): "int64", pl.Float64(): "float64", pl.Boolean(): "bool"}
    columns = tuple(
        PublishedColumn(name, types.get(dtype, "text"), *MEANINGS.get(name, ("", name.replace("_", " "), "unknown")))
        for name, dtype in frame.schema.items()
    )
    description = "What an arm has that another has not, with intervals, a row per cell, market, measure and two arms."
    keys = tuple(name for name in ("cell", "market", "measure", "arm", "versus", "jump") if name in frame.columns)
    return PublishedTable("effects", description, columns, keys, ("cell",)), frame
