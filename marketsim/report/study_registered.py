"""What a registration asked for, on a study's page: a game of clocks, and headlines where the world is another."""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.report import markup, numbers
from marketsim.report.charts import Named, intervals_by_name
from marketsim.report.embedding import figure
from marketsim.report.markup import Heading, Markup, prose, words
from marketsim.report.study_record import StudyRecord

_SCHEDULES = [
    words("Schedule"), Heading("Cost", "of a fund, on the mean over the funds [bp of its assets]"),
    Heading("95 %", "of the draws"), words("By time"), words("Better for one", "the change that takes most off"),
    Heading("Takes off"), Heading("95 %", "of the draws"),
    Heading("Equilibrium", "share of the draws in which nobody gains by another time"),
    Heading("Cheapest", "share of the draws in which no schedule costs less"),
]  # fmt: skip
_HEADLINES = [
    prose("World"), words("Measure"), Heading("Replications"), Heading("Found"), Heading("95 %"),
    Heading("Change", "from the first world"), Heading("95 %"), Heading("Margin"), words("Verdict"),
]  # fmt: skip


def clocks(record: StudyRecord) -> Markup:
    """The game of issuers that choose their clock; nothing where none was registered."""
    if record.clock_schedules is None or record.clock_game is None:
        return Markup("")
    rows = record.clock_schedules.to_dicts()
    drawn = [Named(row["schedule"], row["cost"], row["lo"], row["hi"]) for row in rows]
    about = markup.paragraph(
        "Each schedule is a way in which the funds may spread over the times; which fund is where does not matter."
        " An equilibrium is one that no fund would leave for its own cost. Intervals are of whole replications drawn"
        " again, all schedules of each together."
    )
    told = [markup.paragraph(row["sentence"]) for row in record.clock_game.to_dicts()]
    caption = "What each schedule costs a fund, on the mean over the funds, with the middle 95 % of the draws."
    drawing = figure(intervals_by_name(drawn, "cost [bp of assets]"), caption)
    table = markup.table(_SCHEDULES, [_schedule(row) for row in rows])
    return markup.section("clocks", "A game of clocks", *told, about, drawing, table)


def headlines(record: StudyRecord) -> Markup:
    """How each registered headline moves from the first world to the others; nothing where none was registered."""
    found = record.headlines
    if found is None:
        return Markup("")
    about = markup.paragraph(
        "Changes are of the same replications in both worlds. A headline holds where the 90 % interval of its change"
        " lies within the margin that was registered; it moves where the 95 % interval leaves 0 out."
    )
    pieces: list[Markup] = []
    for measure in found["measure"].unique(maintain_order=True):
        mine = found.filter(pl.col("measure") == measure, pl.col("estimate").is_not_null()).to_dicts()
        if mine:
            drawn = [Named(row["world"], row["estimate"], row["lo"], row["hi"]) for row in mine]
            caption = f"{measure} in each world, with its 95 % interval."
            pieces.append(figure(intervals_by_name(drawn, f"{measure} [{mine[0]['unit']}]"), caption))
    table = markup.table(_HEADLINES, [_headline(row) for row in found.to_dicts()])
    return markup.section("headlines", "Where the world is another", about, *pieces, table)


def _schedule(row: dict[str, Any]) -> list[object]:
    return [
        row["schedule"], _number(row["cost"]), _ends(row["lo"], row["hi"]), row["cost_by_time"], row["better"],
        _number(row["gain"]), _ends(row["gain_lo"], row["gain_hi"]), _number(row["equilibrium_share"]),
        _number(row["cheapest_share"]),
    ]  # fmt: skip


def _headline(row: dict[str, Any]) -> list[object]:
    return [
        row["world"], row["measure"], row["replications"], _number(row["estimate"]), _ends(row["lo"], row["hi"]),
        _number(row["change"]), _ends(row["change_lo"], row["change_hi"]), _number(row["margin"]),
        row["verdict"] or numbers.ABSENT,
    ]  # fmt: skip


def _number(value: float | None) -> str:
    return numbers.ABSENT if value is None else f"{value:.2f}"


def _ends(lo: float | None, hi: float | None) -> str:
    return numbers.ABSENT if lo is None or hi is None else f"{lo:.2f} to {hi:.2f}"
