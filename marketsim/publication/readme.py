"""README.md of a package, as the Data and Code Availability Standard 1.0 (datacodestandard.org) asks for it.

Its sections follow the template README of the social-science data editors (social-science-data-editors.github.io):
availability, data, computation, programs, instructions, and which program makes which table and figure.
"""

from __future__ import annotations

from collections.abc import Iterator

from marketsim.datasets.registration import kept_place
from marketsim.publication.layout import (
    CODE_LICENSE,
    DATA_LICENSE,
    DICTIONARY,
    ENVIRONMENT,
    MAKEFILE,
    ODD,
)
from marketsim.publication.record import PackageRecord, TableRecord

_READING = """\
## Reading the data

Each table is a folder of Parquet files without nesting: whole numbers of 64 bits, doubles, text, booleans and, in
`t_utc`, timestamps in UTC to the nanosecond; `t_ns` counts nanoseconds from the start of the clock. Polars, pandas,
pyarrow and DuckDB read all files of a table with one pattern:

```python
import duckdb

query = "SELECT arm, count(*) AS trades, sum(size_lots) AS lots FROM 'data/trades/*.parquet' GROUP BY arm ORDER BY arm"
print(duckdb.sql(query))
```

In R, with the packages arrow, dplyr and bit64 (64-bit numbers that R's own do not hold become `integer64`):

```r
library(arrow)
library(dplyr)

open_dataset("data/trades") |>
  group_by(arm) |>
  summarise(trades = n(), lots = sum(size_lots)) |>
  arrange(arm) |>
  collect()
```
"""


def readme(record: PackageRecord) -> str:
    """The text of README.md."""
    sections = (_head, _availability, _files, _reading, _computation, _programs, _instructions, _map, _references)
    return "\n".join(line for section in sections for line in section(record)) + "\n"


def _head(record: PackageRecord) -> Iterator[str]:
    about, study = record.metadata, record.study
    yield from (f"# {about.title}", "", f"Authors: {'; '.join(author.name for author in about.authors)}", "")
    yield from (f"Contact: {about.contact}", "", about.description, "")
    yield from (f"Article: {about.article}", "", f"Funding: {about.funding}", "")
    yield f"The question of the study, as its scenario states it: {study.title}"
    yield from ("", "It has", "")
    failed = f"{study.failed:,} failed and {study.collapsed:,} collapsed: they are in `data/runs` with their reason."
    yield f"- {study.cells:,} cells, {study.replications:,} replications and the arms {', '.join(study.arms)};"
    yield f"- {study.runs:,} runs, of which {failed}"
    yield ""


def _availability(record: PackageRecord) -> Iterator[str]:
    about = record.metadata
    yield from ("## Data availability and provenance", "", about.availability, "")
    yield f"Every row was simulated by marketsim {record.study.versions['marketsim']} from `scenario/study.yaml`, seed"
    yield f"{record.study.seed}; scenario_sha256 {record.study.scenario_sha256}."
    if record.study.registration is not None:
        registered = record.study.registration
        place = kept_place(registered["path"])
        yield f"What was expected was registered in `scenario/{place}` (SHA-256 {registered['sha256']}) at"
        yield f"{registered['registered_utc']}, before the first run began."
    yield from (
        "",
        f"Data: {about.data_license} (`{DATA_LICENSE}`). Code: {about.code_license} (`{CODE_LICENSE}`).",
        "",
    )
    yield from ("The authors have the right to publish all of it: nothing in it was bought, licensed or collected.", "")


def _files(record: PackageRecord) -> Iterator[str]:
    yield from ("## Data files", "", f"What each column means is in `{DICTIONARY}`.", "")
    yield from ("| table | what it has | rows | files | MB |", "|---|---|---|---|---|")
    for told in record.tables:
        size = sum(part.bytes for part in told.parts) / 1e6
        counts = f"{told.rows:,} | {len(told.parts)} | {size:,.2f}"
        yield f"| `data/{told.table.name}` | {told.table.description} | {counts} |"
    yield ""
    yield "`sample/` has the first rows of each table. All are Parquet; rows are sorted as the dictionary says."
    yield ""


def _reading(record: PackageRecord) -> Iterator[str]:
    yield from _READING.splitlines()
    yield ""


def _computation(record: PackageRecord) -> Iterator[str]:
    study = record.study
    yield from ("## Computational requirements", "", "Software, all of it free:", "")
    for name, version in study.versions.items():
        yield f"- {name} {version}"
    yield ""
    yield f"All versions are in `{ENVIRONMENT}/requirements.txt`; marketsim itself is in `{ENVIRONMENT}` as a wheel."
    yield from ("", "Machines that made it:", "")
    for machine in study.platforms:
        yield f"- {machine['processor']}, {machine['cores']} cores, {machine['system']} {machine['release']}"
    yield ""
    longest = _time(study.longest_run_s)
    yield f"The {study.runs:,} runs took {_time(study.wall_s)} of one core together, the longest {longest} (measured),"
    yield f"and at most {study.peak_rss_mb:,.0f} MB of memory each. They simulated {study.micro_events:,} messages."
    size = sum(part.bytes for table in record.tables for part in table.parts) / 1e6
    yield f"The package's data take {size:,.1f} MB; making all again needs about three times that in temporary space."
    yield ""
    yield f"**Randomness.** Every draw belongs to a named stream of the root seed {study.seed}: equal seed, scenario"
    yield "and code give equal tables on every machine. No graphics processor and no network are needed."
    yield ""


def _programs(record: PackageRecord) -> Iterator[str]:
    yield from ("## Programs", "", "One program makes everything: the command `marketsim` of the wheel.", "")
    yield "- `marketsim sweep scenario/study.yaml` makes every run, `effects.parquet` and the page of the study."
    yield "- `marketsim dataset build STUDY --out DIR` makes `data/`, `sample/` and every descriptor from them."
    yield "- `marketsim dataset reproduce .` does both and compares the result with what is published."
    yield ""


def _instructions(record: PackageRecord) -> Iterator[str]:
    yield from ("## Instructions to replicators", "")
    yield "1. Make an environment, with Python of the version above:"
    yield f"   `python -m venv .venv && .venv/bin/pip install -r {ENVIRONMENT}/requirements.txt {ENVIRONMENT}/*.whl`"
    yield "   (the only step that needs a network or a local copy of these distributions)."
    yield f"2. `. .venv/bin/activate && make all` (see `{MAKEFILE}`) checks every file against `SHA256SUMS`, makes"
    yield f"   every run again, about {_time(record.study.wall_s)} on one core, and compares every table."
    yield "   If one differs it says so and ends with an error."
    yield "3. One run alone: `marketsim dataset reproduce . --run RUN_ID`, a run_id of `data/runs`."
    yield ""


def _map(record: PackageRecord) -> Iterator[str]:
    yield from ("## Tables and figures, and what makes them", "", "| what | program | from |", "|---|---|---|")
    effects = next((table for table in record.tables if table.table.name == "effects"), None)
    if effects is not None and effects.rows:
        yield "| effects of the arms (`data/effects`) | `marketsim sweep` | runs of all arms, paired by replication |"
    yield "| panel by run, market and minute (`data/panel`) | `marketsim dataset build` | trades, quotes, depth |"
    for told in record.tables:
        if _is_of_runs(told):
            yield f"| `data/{told.table.name}` | `marketsim sweep`, `marketsim dataset build` | the runs |"
    yield "| every table and figure of the study's page, `report.html` | `marketsim sweep` | the same |"
    yield from ("", f"How the model works is in `{ODD}`.", "")


def _is_of_runs(told: TableRecord) -> bool:
    return told.table.name not in ("design", "runs", "effects", "panel") and told.rows > 0


def _references(record: PackageRecord) -> Iterator[str]:
    if record.study.references:
        yield from ("## References", "", *(f"- {reference}" for reference in record.study.references))


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{max(seconds, 1):,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"
