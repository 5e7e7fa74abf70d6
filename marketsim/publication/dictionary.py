"""DATA_DICTIONARY.md: what every column of every table of a package means."""

from __future__ import annotations

from marketsim.publication.published_tables import PublishedColumn
from marketsim.publication.record import PackageRecord, TableRecord


def data_dictionary(record: PackageRecord) -> str:
    """The data dictionary, in Markdown."""
    lines = [
        f"# Data dictionary of {record.metadata.title if not record.metadata.unedited() else record.study.title}",
        "",
        "One folder per table under `data/`, in Parquet. Whole numbers carry their unit in their name: ticks, lots,",
        "nanoseconds from the start of the clock, atoms of 1e-8 of a currency. Positions and order targets are signed:",
        "+ is long or buy. `t_utc` is `t_ns` as a calendar instant. A null means what its column says.",
        "",
    ]
    for table in record.tables:
        lines += _chapter(table)
    return "\n".join(lines)


def _chapter(told: TableRecord) -> list[str]:
    table = told.table
    return [
        f"## {table.name}",
        "",
        f"{table.description} {told.rows:,} rows in {len(told.parts)} files.",
        "",
        f"Keys: {', '.join(table.keys) or 'none'}. Sorted by: {', '.join(table.sort)}.",
        "",
        "| column | type | unit | meaning | range here | null |",
        "|---|---|---|---|---|---|",
        *(_row(column, told.ranges.get(column.name)) for column in table.columns),
        "",
    ]


def _row(column: PublishedColumn, ends: tuple[float, float] | None) -> str:
    meaning = column.meaning + (f": {', '.join(column.values)}" if column.values else "")
    found = "-" if ends is None else f"{ends[0]:.12g} to {ends[1]:.12g}"
    cells = (f"`{column.name}`", column.dtype, column.unit or "-", meaning, found, column.null or "never")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
