"""The runs of a study: its cells, what became of each run, and its provenance."""

from __future__ import annotations

import polars as pl

from marketsim.report import markup, numbers
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.provenance import named
from marketsim.report.study_record import MOST_ROWS, StudyRecord


def cells(record: StudyRecord) -> Markup:
    """What each cell sets the varied paths to; nothing where nothing is varied."""
    if not record.paths:
        return Markup("")
    rows = [
        [row["cell"], *("none" if row[path] is None else row[path] for path in record.paths)]
        for row in record.design.to_dicts()
    ]
    table = markup.table([Heading("Cell"), *(words(path) for path in record.paths)], rows[:MOST_ROWS])
    note = markup.left_out(min(len(rows), MOST_ROWS), len(rows), "cells", "in their order")
    return markup.section("cells", "Cells", table, note)


def shares(record: StudyRecord) -> Markup:
    """By cell and arm: runs done, failed and missing, and the share in which a market was destroyed.

    Nothing where all are done and none collapsed.
    """
    told = record.runs.group_by("cell", "arm", maintain_order=True).agg(
        pl.len().alias("runs"),
        *((pl.col("status") == status).sum().alias(status) for status in ("ok", "failed", "planned")),
    )
    collapsed = _collapsed(record)
    if set(record.runs["status"]) <= {"ok"} and not any(collapsed.values()):
        return Markup("")
    rows = [
        [row["cell"], row["arm"], *(numbers.count(row[name]) for name in ("runs", "ok", "failed", "planned")),
         numbers.percent(row["failed"] / row["runs"]), numbers.percent(collapsed.get((row["cell"], row["arm"])))]
        for row in told.to_dicts()
    ]  # fmt: skip
    columns = [
        Heading("Cell"), words("Arm"), Heading("Runs", "whole runs and forks"), Heading("Done"),
        Heading("Failed"), Heading("Missing"), Heading("Failed share"),
        Heading("Collapsed share", "of runs done: a market was destroyed; a dash where it was not measured"),
    ]  # fmt: skip
    note = markup.left_out(min(len(rows), MOST_ROWS), len(rows), "rows", "in the order of cells")
    return markup.section("shares", "Failed and collapsed", markup.table(columns, rows[:MOST_ROWS]), note)


def _collapsed(record: StudyRecord) -> dict[tuple[int, str], float]:
    """The share of runs in which a market was destroyed, by cell and arm, where effects have it."""
    if record.effects is None:
        return {}
    levels = record.effects.filter((pl.col("measure") == "collapse_share") & pl.col("versus").is_null())
    found = levels.select("cell", "arm", "estimate").drop_nulls()
    return {(int(cell), str(arm)): float(estimate) for cell, arm, estimate in found.iter_rows()}


def failures(record: StudyRecord) -> Markup:
    """The reasons for which runs failed, then the runs; nothing where none did."""
    title, failed = "Failed runs", record.runs.filter(pl.col("status") == "failed")
    if failed.is_empty():
        return Markup("")
    failed = failed.with_columns(pl.col("reason").fill_null("no reason was recorded"))
    reasons = failed["reason"].value_counts().sort(["count", "reason"], descending=[True, False]).rows()
    rows = [
        [row["cell"], row["replication"], row["arm"], numbers.duration(row["fork_ns"]), _code(row["run_id"]),
         row["reason"]]
        for row in failed.to_dicts()
    ]  # fmt: skip
    columns = [
        Heading("Cell"), Heading("Replication"), words("Arm"),
        Heading("Fork", "instant of its event; a dash: whole run"),
        words("Run"), words("Reason"),
    ]  # fmt: skip
    return markup.section(
        "failures", title,
        markup.table([words("Reason"), Heading("Runs")], reasons[:MOST_ROWS]),
        markup.left_out(min(len(reasons), MOST_ROWS), len(reasons), "reasons", "the most frequent"),
        markup.table(columns, rows[:MOST_ROWS]),
        markup.left_out(min(len(rows), MOST_ROWS), len(rows), "failed runs", "in the order of cells"),
    )  # fmt: skip


def _code(value: object) -> Markup:
    return Markup(f"<code>{markup.text(value)}</code>")


def provenance(record: StudyRecord) -> Markup:
    """What is needed to reproduce the study and to check that it is the same."""
    declared, spec = record.study.declared, record.study.spec
    made = [
        ("Scenario", declared["name"]), ("Scenario SHA-256", declared["scenario_sha256"]),
        ("Study", declared["study_id"]), ("Seed", declared["seed"]), ("Schema", declared["schema"]),
        ("Created", declared.get("created_utc")), ("Measures", ", ".join(spec.words)),
    ]  # fmt: skip
    registration = record.study.registration
    if registration is not None:
        told = f"{registration.path} at {registration.registered_utc}"
        made += [("Registered", told), ("Registration SHA-256", registration.sha256)]
    references = record.study.scenario.get("references") or []
    made += [("References", "; ".join(str(one) for one in references))] if references else []
    return markup.section(
        "provenance", "Provenance", markup.facts(made), named("Versions", declared.get("versions"))
    )  # fmt: skip
