"""The page of a study: what was asked, what the arms did, how crowded it was, what holders had, what failed."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import polars as pl

from marketsim.datasets.study import Study
from marketsim.report import markup
from marketsim.report.charts import BLUE, ORANGE, intervals
from marketsim.report.markup import Column, Markup, words
from marketsim.report.numbers import plain, scaled
from marketsim.report.page import document

ARMS = {
    "factual": "the world as declared",
    "frictionless": "the funds' orders fill at the mark, outside the book",
    "shadow": "rebalances are written down, not traded",
    "off": "there is no issuer, no token market, nobody who trades only there",
    "blind": "orders are sent, and nobody is informed of them",
    "phantom": "orders are announced, and not sent",
    "placebo_time": "the same orders at another time of the day",
    "placebo_sign": "the same orders with a random sign",
    "contrarian": "the same orders against the move",
}
_MOST_CELLS = 60


def render_study(study: Study) -> str:
    """The whole report of a study as one HTML page."""
    effects = _table(study, "effects")
    crowding = _table(study, "crowding")
    declared = study.declared
    parts = [
        _opening(study),
        _primary(study, effects, crowding),
        _effects(effects),
        _crowding(crowding),
        _holding(_table(study, "holding")),
        _cells(study),
        _failures(study),
    ]
    return document(str(study.scenario.get("title") or declared["name"]), markup.join(parts))


def _table(study: Study, name: str) -> pl.DataFrame | None:
    path = study.path / f"{name}.parquet"
    return pl.read_parquet(path) if path.is_file() else None


def _opening(study: Study) -> Markup:
    declared, spec, scenario = study.declared, study.spec, study.scenario
    states = study.runs()["status"].value_counts().sort("status").rows()
    arms = [[arm.id, arm.arm, ARMS[arm.arm], _words_of(arm)] for arm in spec.arms]
    return markup.join(
        [
            Markup(f"<header><h1>{markup.text(scenario.get('title') or declared['name'])}</h1>\n"),
            markup.facts(
                [
                    ("study", f"{declared['name']} {declared['study_id']}"),
                    ("cells", declared["cells"]),
                    ("replications", declared["replications"]),
                    ("seed", declared["seed"]),
                    ("runs", ", ".join(f"{count} {status}" for status, count in states)),
                    ("code", declared["versions"]["marketsim"]),
                ]
            ),
            Markup("</header>\n"),
            markup.section(
                "arms",
                "Arms",
                markup.paragraph(
                    "Arms and cells of one replication share all luck: the index, wake-ups, capital and listed events."
                ),
                markup.table([words("arm"), words("kind"), words("what it changes"), words("limits")], arms),
            ),
        ]
    )


def _words_of(arm: Any) -> str:
    told = [f"only {', '.join(arm.only)}"] if arm.only is not None else []
    told += [f"scope {', '.join(arm.scope)}"] if arm.arm == "frictionless" else []
    return "; ".join([*told, *(f"{path} = {value}" for path, value in arm.set.items())]) or "–"


# -- effects ----------------------------------------------------------------------------------------------------------


def _primary(study: Study, effects: pl.DataFrame | None, crowding: pl.DataFrame | None) -> Markup:
    """The outcome registered before the runs, over what the cells differ in."""
    name = study.spec.primary
    title = "Primary outcome"
    if name is None:
        return markup.section("primary", title, markup.empty("No outcome was registered before the runs."))
    rows = _differences(effects, name)
    if not rows:
        return markup.section("primary", title, markup.empty(f"{name}: nothing is computed of it yet."))
    places, axis = _places(study, crowding)
    drawn = [
        {"x": places[row["cell"]], "value": row["estimate"], "lo": row["lo"], "hi": row["hi"], "series": row["arm"]}
        for row in rows
        if row["estimate"] is not None and row["cell"] in places
    ]
    chart = (
        markup.figure(intervals(drawn, axis, name), f"{name} of each arm, with 95 % intervals, over {axis}.")
        if drawn
        else markup.empty("No cell has an estimate.")
    )
    return markup.section("primary", title, markup.paragraph(f"Registered before the runs: {name}."), chart)


def _differences(effects: pl.DataFrame | None, measure: str) -> list[dict[str, Any]]:
    if effects is None:
        return []
    return effects.filter((pl.col("measure") == measure) & pl.col("versus").is_not_null()).to_dicts()


def _places(study: Study, crowding: pl.DataFrame | None) -> tuple[dict[int, float], str]:
    """Where each cell stands on the x-axis: its crowding number, else the first varied quantity, else its number."""
    if crowding is not None and not crowding.is_empty():
        probes = crowding.filter((pl.col("method") == "probes") & pl.col("crowding_number").is_not_null())
        if not probes.is_empty():
            at = probes.sort("horizon_s").group_by("cell", maintain_order=True).last()
            return dict(at.select("cell", "crowding_number").iter_rows()), "crowding number at the longest horizon"
    design = study.design()
    values = [name for name in design.columns if name.endswith(":value")]
    if values:
        return dict(design.select("cell", values[0]).iter_rows()), values[0].removesuffix(":value")
    return {int(cell): float(cell) for cell in design["cell"]}, "cell"


_EFFECT_COLUMNS = [
    Column("cell"), words("arm"), words("versus", "none: the arm by itself"), Column("estimate"), Column("low", "95 %"),
    Column("high", "95 %"), Column("p", "adjusted over cells and arms"), Column("pairs"),
    Column("pair correlation", "of the outcome between the arms, or of the tapes"),
    Column("factor of pairing", "independent runs that one pair is worth"), Column("failed", "share of pairs"),
    Column("collapsed", "share of pairs"), words("note"),
]  # fmt: skip


def _effects(effects: pl.DataFrame | None) -> Markup:
    title = "Effects"
    if effects is None or effects.is_empty():
        return markup.section("effects", title, markup.empty("Effects come when every run is done or failed."))
    pieces: list[object] = [
        markup.paragraph(
            "Estimates are of pooled sums over replications; intervals resample whole replications, never ticks. "
            "Failed runs are counted beside, and estimates are of the rest.",
            kind="note",
        )
    ]
    rows = effects.sort("measure", "cell", "arm", maintain_order=True).to_dicts()
    for measure, group in groupby(rows, key=lambda row: row["measure"]):
        told = list(group)
        pieces.append(markup.heading(measure))
        pieces.append(markup.table(_EFFECT_COLUMNS, [_effect_row(row) for row in told[:_MOST_CELLS]]))
        pieces.append(markup.left_out(min(len(told), _MOST_CELLS), len(told), "rows", "in the order of cells"))
    return markup.section("effects", title, *pieces)


def _effect_row(row: dict[str, Any]) -> list[object]:
    numbers = ("estimate", "lo", "hi", "p_adjusted")
    return [
        row["cell"], row["arm"], row["versus"] or "–", *(plain(row[name]) for name in numbers), row["pairs"],
        plain(row["pair_correlation"]), plain(row["variance_ratio"]), plain(row["failed"]), plain(row["collapsed"]),
        row.get("note") or "",
    ]  # fmt: skip


# -- crowding ---------------------------------------------------------------------------------------------------------

_CROWDING_COLUMNS = [
    Column("cell"), words("market"), Column("horizon [s]"), words("method"), Column("K", "per unit of return"),
    Column("lambda", "return per unit of currency"), Column("Lambda"), Column("low", "95 %"), Column("high", "95 %"),
    Column("pairs"), Column("1 + Lambda"), Column("1 / (1 - Lambda)"), Column("measured", "amplification"),
    Column("G", "liquidation density"), Column("C", "contrarian liquidity"),
]  # fmt: skip


def _crowding(crowding: pl.DataFrame | None) -> Markup:
    title = "Crowding"
    if crowding is None or crowding.is_empty():
        return markup.section("crowding", title, markup.empty("The study does not measure crowding numbers."))
    rows = [_crowding_row(row) for row in crowding.sort("cell", "market", "method", "horizon_s").to_dicts()]
    return markup.section(
        "crowding",
        title,
        markup.paragraph(
            "Lambda is what funds would trade after a move (K) times what their orders move (lambda). Probes are pairs "
            "of orders from one state; the regression of a run's own tape stands beside them to compare."
        ),
        _multipliers(crowding),
        markup.table(_CROWDING_COLUMNS, rows),
    )


def _multipliers(crowding: pl.DataFrame) -> Markup:
    """What was measured of the multiplier against theory, at the longest horizon of the probes."""
    at = crowding.filter((pl.col("method") == "probes") & pl.col("amplification").is_not_null())
    if at.is_empty():
        return markup.empty("No cell has a measured amplification to put beside its crowding number.")
    last = at.sort("horizon_s").group_by("cell", maintain_order=True).last().sort("crowding_number")
    rows = [
        {"x": row["crowding_number"], "value": row["amplification"], "lo": None, "hi": None, "series": "measured"}
        for row in last.to_dicts()
    ]
    xs = sorted({float(row["x"]) for row in rows})
    curves: list[tuple[str, list[float], str]] = [("1 + Lambda", [1 + x for x in xs], BLUE)]
    if xs[-1] < 1:
        curves.append(("1 / (1 - Lambda)", [1 / (1 - x) for x in xs], ORANGE))
    caption = "Measured amplification of each cell against its crowding number at the longest horizon, and theory."
    return markup.figure(intervals(rows, "crowding number", "amplification", curves), caption)


def _crowding_row(row: dict[str, Any]) -> list[object]:
    return [
        row["cell"], row["market"], plain(row["horizon_s"]), row["method"], scaled(row["k_usdt"]),
        scientific(row["impact_per_usdt"]), *(plain(row[name]) for name in ("crowding_number", "lo", "hi")),
        row["pairs"] or "–", *(plain(row[name]) for name in ("one_shot", "fixed_point", "amplification")),
        scaled(row["liquidation_density"]), scaled(row["contrarian_liquidity"]),
    ]  # fmt: skip


def scientific(value: float | None) -> str:
    """A small number as 1.23e-09."""
    return "–" if value is None else f"{value:.2e}"


# -- holders, cells, failures -----------------------------------------------------------------------------------------


def _holding(holding: pl.DataFrame | None) -> Markup:
    title = "Token against perpetual"
    if holding is None or holding.is_empty():
        return markup.section("holding", title, markup.empty("The study compares no holdings."))
    keys = ["cell", "token", "match", "leverage", "stop_loss"]
    told = holding.group_by(keys).agg(
        pl.len().alias("holders"),
        with_token=pl.col("token_wealth_atoms").sum() / pl.col("cash_in_atoms").sum(),
        with_perp=pl.col("perp_wealth_atoms").sum() / pl.col("cash_in_atoms").sum(),
        ahead=(pl.col("perp_wealth_atoms") > pl.col("token_wealth_atoms")).mean(),
        stopped=pl.col("perp_stopped_ns").is_not_null().mean(),
        liquidated=pl.col("perp_liquidated_ns").is_not_null().mean(),
    )
    columns = [
        Column("cell"), words("token"), words("at equal"), Column("leverage"), Column("stop"), Column("holders"),
        Column("token", "wealth per cash put in"), Column("perp", "wealth per cash put in"),
        Column("perp ahead", "share of holders"), Column("stopped"), Column("liquidated"),
    ]  # fmt: skip
    shares = ("with_token", "with_perp", "ahead", "stopped", "liquidated")
    rows = [
        [row["cell"], row["token"], row["match"], plain(row["leverage"]), plain(row["stop_loss"]), row["holders"],
         *(plain(row[name], 4) for name in shares)]
        for row in told.sort(keys).to_dicts()
    ]  # fmt: skip
    return markup.section("holding", title, markup.table(columns, rows))


def _cells(study: Study) -> Markup:
    design = study.design()
    names = [name for name in design.columns if ":" not in name]
    rows = [[row[name] if row[name] is not None else "none" for name in names] for row in design.to_dicts()]
    return markup.section(
        "cells",
        "Cells",
        markup.table([words(name) for name in names], rows[:_MOST_CELLS]),
        markup.left_out(min(len(rows), _MOST_CELLS), len(rows), "cells", "in their order"),
    )


def _failures(study: Study) -> Markup:
    rows = [
        [row["cell"], row["replication"], row["arm"], row["run_id"], row["reason"] or ""]
        for row in study.failures().to_dicts()
    ]
    columns = [Column("cell"), Column("replication"), words("arm"), words("run"), words("reason")]
    shown = markup.table(columns, rows) if rows else markup.empty("No run failed.")
    return markup.section("failures", "Failed runs", shown)
