"""Who gained and who lost over the run, and the check that money was conserved."""

from __future__ import annotations

from typing import Any

import polars as pl

from marketsim.report import charts, markup, numbers
from marketsim.report.charts import Line
from marketsim.report.embedding import figure
from marketsim.report.makers import makers
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.prices import axis_of
from marketsim.report.record import RunRecord
from marketsim.report.who_paid import who_paid

_MOST_LINES = 7
_ATOMS = 1e8


def wealth(record: RunRecord) -> Markup:
    """Change of each cohort's equity since the start, over time and in a table, per currency."""
    frame = record.table("cohorts")
    if frame is None:
        return markup.section("cohorts", "Cohorts' wealth", markup.empty("No cohort's wealth was recorded."))
    pieces: list[Markup] = []
    for (asset,), own in frame.sort("t_ns").group_by("asset", maintain_order=True):
        pieces.append(_of_asset(record, str(asset), own))
    return markup.section("cohorts", "Cohorts' wealth", *pieces, who_paid(record), makers(record))


def _of_asset(record: RunRecord, asset: str, frame: pl.DataFrame) -> Markup:
    own = _with_change(frame)
    ends = own.group_by("cohort", maintain_order=True).agg(
        pl.col("kind").first(), pl.col("accounts").last(), pl.col("equity_atoms").first().alias("start"),
        pl.col("equity_atoms").last().alias("end"), pl.col("change").last(),
    )  # fmt: skip
    pieces = [markup.empty(f"No cohort's equity in {asset} changed.")]
    chart = wealth_chart(record, asset, frame)
    if chart is not None:
        lines = min(_MOST_LINES, ends.filter(pl.col("change") != 0).height)
        pieces = [
            figure(chart, f"Equity at mark of each cohort, change since the start, in {asset}."),
            markup.left_out(lines, ends.height, "cohorts", "the largest changes; all are in the table", verb="drawn"),
        ]
    return markup.join([*pieces, _table(asset, ends)])


def _with_change(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(change=(pl.col("equity_atoms") - pl.col("equity_atoms").first().over("cohort")) / _ATOMS)


def wealth_chart(record: RunRecord, asset: str, frame: pl.DataFrame) -> Any | None:
    """Change of equity since the start of the cohorts with the largest changes, given the rows of a currency."""
    own = _with_change(frame)
    ends = own.group_by("cohort", maintain_order=True).agg(pl.col("change").last())
    ends = ends.filter(pl.col("change") != 0).sort(pl.col("change").abs(), descending=True, maintain_order=True)
    lines = [
        Line(cohort, own.filter(pl.col("cohort") == cohort), "change", colour)
        for cohort, colour in zip(ends["cohort"].head(_MOST_LINES), charts.PALETTE, strict=False)
    ]
    title = f"change of equity [{asset}]"
    return charts.over_time(lines, axis_of(record), title, form=".3~s", zero=True, height=260) if lines else None


def _table(asset: str, ends: pl.DataFrame) -> Markup:
    columns = [
        words("Cohort"), words("Kind"), Heading("Accounts"), Heading("Equity at the start"),
        Heading("At the end"), Heading("Change"), Heading("Change [%]"),
    ]  # fmt: skip
    rows = [
        (cohort, kind, numbers.count(accounts), numbers.money(start, asset), numbers.money(end, asset),
         numbers.money(end - start, asset, sign=True), numbers.percent((end - start) / start if start > 0 else None))
        for cohort, kind, accounts, start, end in ends.sort("start", descending=True, maintain_order=True)
        .select("cohort", "kind", "accounts", "start", "end").rows()
    ]  # fmt: skip
    start, end = int(ends["start"].sum()), int(ends["end"].sum())
    total = (
        "all",
        "",
        "",
        numbers.money(start, asset),
        numbers.money(end, asset),
        numbers.money(end - start, asset, sign=True),
        "",
    )
    return markup.table(columns, rows, total=total)


def conservation(record: RunRecord) -> Markup:
    """The manifest's residual per currency, the same check from the tables, and the ledger's sums per kind."""
    stated = record.manifest.get("conservation") or {}
    if not stated:
        first = markup.empty("The manifest states no residual.")
    else:
        by_asset = stated.get("by_asset") or {}
        rows = [("all currencies", numbers.atoms(stated.get("residual_atoms")), _verdict(stated.get("residual_atoms")))]
        rows += [(asset, numbers.atoms(value), _verdict(value)) for asset, value in sorted(by_asset.items())]
        columns = [words("Currency"), Heading("Residual [atoms]"), words("Verdict")]
        first = markup.table(columns, rows)
    explained = (
        "All balances at the end less all deposits, in atoms (1 atom = 1e-8 of a currency), as stated in the manifest:"
    )
    return markup.section(
        "conservation", "Conservation", markup.paragraph(explained), first, _recheck(record), _ledger(record)
    )


def _verdict(residual: int | None) -> str:
    return numbers.ABSENT if residual is None else "conserved" if residual == 0 else "NOT CONSERVED"


def _recheck(record: RunRecord) -> Markup:
    """Equity summed over all cohorts against the deposits, at every snapshot."""
    cohorts, ledger = record.table("cohorts"), record.table("ledger")
    if cohorts is None or ledger is None:
        return markup.empty(
            "The check cannot be repeated from the tables: cohorts or ledger entries were not recorded."
        )
    deposits = ledger.filter(pl.col("entry") == "deposit").group_by(pl.col("asset")).agg(
        pl.col("atoms").sum().alias("deposits")
    )  # fmt: skip
    sums = cohorts.group_by("t_ns", pl.col("asset")).agg(pl.col("equity_atoms").sum())
    missed = sums.join(deposits, on="asset", how="left").with_columns(
        off=(pl.col("equity_atoms") - pl.col("deposits").fill_null(0)).abs()
    )
    worst = int(missed["off"].max())  # type: ignore[arg-type]
    found = (
        "the equity of all cohorts sums to the deposits at every one"
        if worst == 0
        else f"at the worst one the equity of all cohorts differs from the deposits by {numbers.atoms(worst)} atoms"
    )
    return markup.paragraph(f"Checked again from the tables at {sums['t_ns'].n_unique():,} snapshots: {found}.")


def _ledger(record: RunRecord) -> Markup:
    frame = record.table("ledger", "entry", "asset", "from_cohort", "to_cohort", "atoms")
    if frame is None:
        return markup.empty("The ledger is empty.")
    sums = frame.group_by(pl.col("entry"), pl.col("asset")).agg(
        pl.len().alias("rows"),
        pl.col("from_cohort").n_unique().alias("payers"),
        pl.col("to_cohort").n_unique().alias("payees"),
        pl.col("atoms").sum(),
    )
    columns = [
        words("Entry"), words("Currency"), Heading("Rows"), Heading("Paying cohorts"),
        Heading("Receiving cohorts"), Heading("Moved"), Heading("Moved [atoms]"),
    ]  # fmt: skip
    rows = [
        (entry, asset, numbers.count(count), payers if entry != "deposit" else numbers.ABSENT, payees,
         numbers.money(atoms, asset), numbers.atoms(atoms))
        for entry, asset, count, payers, payees, atoms in sums.sort("asset", "entry").rows()
    ]  # fmt: skip
    return markup.join([markup.heading("Ledger entries, summed per kind"), markup.table(columns, rows)])
