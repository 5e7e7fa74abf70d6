"""Which of the varied values matter: the indices of `study.sensitivity` in a sentence, drawn, and in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from marketsim.report import markup, numbers
from marketsim.report.charts import Named, intervals_by_name
from marketsim.report.embedding import figure
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.study_record import StudyRecord

_ABOUT = {
    "S1": "share of the variance that the value explains by itself",
    "ST": "share that it explains by itself and together with the others",
    "mu_star": "mean size of what a move of the value does, counted for its whole range",
    "mu": "the same with its sign",
    "sigma": "how much that depends on where the values stand: 0 where the effect is linear and acts alone",
}
_DRAWN = {"sobol": ("S1", "ST"), "morris": ("mu_star",)}
_NEGLIGIBLE = 0.001
_RANKING = {"sobol": "ST", "morris": "mu_star"}

Row = dict[str, Any]


def sensitivity(record: StudyRecord) -> Markup:
    """The indices of every varied path, the most important first; or why there are none; nothing if not asked for."""
    title, found = "Sensitivity", record.sensitivity
    if record.study.spec.sensitivity is None:
        return Markup("")
    if found is None:
        waiting = "Indices are computed when every run is done or has failed."
        return markup.section("sensitivity", title, markup.empty(waiting))
    pieces: list[Markup] = []
    for rows in by_market(found):
        if rows[0]["note"] is not None:
            pieces.append(markup.empty(f"There are no indices: {rows[0]['note']}."))
            continue
        pieces += [
            figure(indices_chart(rows), _caption(rows[0])),
            markup.table(_COLUMNS, [_cells(row) for row in rows]),
            markup.paragraph(_basis(rows[0]), kind="note"),
        ]
    return markup.section("sensitivity", title, *pieces)


def indices_chart(rows: Sequence[Row]) -> Any:
    """The indices of one market's rows, with intervals."""
    drawn = [
        Named(row["path"], row["estimate"], row["lo"], row["hi"], row["index"])
        for row in rows
        if row["index"] in _DRAWN[row["method"]]
    ]
    return intervals_by_name(drawn, _axis(rows[0]))


def sensitivity_sentences(record: StudyRecord) -> list[str]:
    """What matters most, and what least, in each market; none before there are indices."""
    found = record.sensitivity
    return [] if found is None else [_sentence(rows) for rows in by_market(found) if rows[0]["note"] is None]


def by_market(found: pl.DataFrame) -> list[list[Row]]:
    """The rows of each market, the most important path first."""
    markets = found["market"].unique(maintain_order=True).to_list()
    every = [found.filter(pl.col("market").eq_missing(pl.lit(market, pl.String))) for market in markets]
    return [_ranked(mine) for mine in every]


def _ranked(found: pl.DataFrame) -> list[Row]:
    rows = list(found.iter_rows(named=True))
    ranking = _RANKING[rows[0]["method"]]
    ranks = {row["path"]: -(row["estimate"] or 0.0) for row in rows if row["index"] == ranking}
    return sorted(rows, key=lambda row: ranks.get(row["path"], 0.0))


def _sentence(rows: Sequence[Row]) -> str:
    """What matters most, and what least."""
    of, order = {(row["path"], row["index"]): row for row in rows}, list(dict.fromkeys(row["path"] for row in rows))
    top, last, what = order[0], order[-1], _outcome(rows[0])
    if rows[0]["method"] == "sobol":
        alone, with_others = _percent(of[top, "S1"]), _percent(of[top, "ST"])
        told = f"Over these ranges {top} explains {alone} of the variance of {what} by itself, {with_others} with the "
        told += "values it acts together with"
        least = f"; {last} explains {_percent(of[last, 'ST'])}, the least"
    else:
        told = f"Moved over its whole range, {top} changes {what} by {_size(of[top, 'mu_star'])} in the mean"
        least = f"; {last} changes it by {_size(of[last, 'mu_star'])}, the least"
    return f"{told}{least if last != top else ''}."


def _outcome(row: Row) -> str:
    of = [] if row["versus"] is None else [f"{row['arm']} against {row['versus']}"]
    of += [] if row["market"] is None else [row["market"]]
    return f"{row['measure']} ({', '.join(of)})" if of else str(row["measure"])


def _percent(row: Row) -> str:
    if abs(row["estimate"]) < _NEGLIGIBLE:
        return "under 0.1 %"
    lo, hi = (None if row[end] is None else 100 * row[end] for end in ("lo", "hi"))
    return numbers.with_interval(100 * row["estimate"], lo, hi, "%")


def _size(row: Row) -> str:
    return numbers.with_interval(row["estimate"], row["lo"], row["hi"], row["unit"] or "")


def _axis(row: Row) -> str:
    if row["method"] == "sobol":
        return f"share of the variance of {row['measure']}"
    return f"effect on {row['measure']} over the whole range" + (f" [{row['unit']}]" if row["unit"] else "")


def _caption(row: Row) -> str:
    indices = {"sobol": "Sobol indices", "morris": "Elementary effects (Morris)"}[row["method"]]
    return f"{indices} of {_outcome(row)}, with 95 % intervals: {_ABOUT[_DRAWN[row['method']][0]]}."


_COLUMNS = [
    words("Varied"), words("Index"), Heading("Estimate"), Heading("Low", "of the 95 % interval"),
    Heading("High", "of the 95 % interval"), words("What it says"),
]  # fmt: skip


def _cells(row: Row) -> list[object]:
    width = None if row["lo"] is None or row["hi"] is None else row["hi"] - row["lo"]
    is_share = row["method"] == "sobol"  # to three decimals: what is less is nothing
    figures = (
        f"{row[name] + 0.0:.3f}".replace("-", numbers.MINUS) if is_share else numbers.resolved(row[name], width)
        for name in ("estimate", "lo", "hi")
    )
    return [row["path"], row["index"], *figures, _ABOUT[row["index"]]]


def _basis(row: Row) -> str:
    """What the indices are computed from, and what they are not."""
    things = "base points" if row["method"] == "sobol" else "trajectories"
    lost = f"; {row['left_out']} with a cell that has no outcome were left out" if row["left_out"] else ""
    return (
        f"From {row['samples']} {things}{lost}. All cells share their replications: what is explained is the variance "
        "of the estimate over the ranges, not the luck of a replication. Other ranges have other indices. Intervals "
        f"resample {things}."
    )
