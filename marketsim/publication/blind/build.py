"""`dataset build --blind`: the public tape of a study's runs, labels of those for training, and answers kept apart.

    public/<table>/part-*.parquet   columns that everybody sees, runs under names that tell nothing, in their order
    splits.parquet                  run, split: train, test_seed or test_world
    labels_train.parquet            run, rule, clock_utc, aum, why
    card.json, README.md            what it is, the hashes of the answers, the scores of a baseline and of chance

Nothing else of the study is in it: no seed, scenario, cell, arm, account, purpose or order, no market of a fund's own.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from marketsim.datasets.run import Run
from marketsim.datasets.storage import storing
from marketsim.datasets.study import Study
from marketsim.datasets.tables.definition import Table
from marketsim.errors import ResultError, UsageError
from marketsim.publication.blind.answers import Answers
from marketsim.publication.blind.baseline import answer_package
from marketsim.publication.blind.card import card_text
from marketsim.publication.blind.disguise import TRAIN, Disguise
from marketsim.publication.blind.labels import LABELS, label_of
from marketsim.publication.blind.score import chance, score
from marketsim.publication.blind.visibility import public_tables
from marketsim.publication.checksums import checksums
from marketsim.publication.layout import CHECKSUMS, README
from marketsim.publication.metadata import Metadata
from marketsim.publication.parts import write_parts
from marketsim.publication.reading import READ_ROWS
from marketsim.publication.sources import PublishedRun, StudySources

CARD = "card.json"
SPLITS = "splits.parquet"
TRAIN_LABELS = "labels_train.parquet"
PUBLIC_FOLDER = "public"
_SAME_TIME = (0, 0)
"""Times of every file of the package: when it was written tells nothing."""


def build_blind(
    study: Study,
    out: Path,
    answers: Path,
    metadata: Metadata,
    *,
    progress: Callable[[str, int, int], None] = lambda table, rows, size: None,
) -> Path:
    """Make a blind package at `out` and its answers at `answers`; returns where the package is.

    The secret that stands at `answers` is used again, so that the same study gives the same package. Raises
    `UsageError` where the answers would stand inside the package, `ResultError` where something stands at `out`, a run
    is damaged, or its arm sends orders in a fund's stead.
    """
    _check_places(out, answers)
    sources, kept = StudySources(study), Answers(answers)
    labels = {run.labels["run_id"]: label_of(Run(run.path)) for run in sources.finished}
    disguise = kept.disguise()
    runs = sorted(sources.finished, key=lambda run: disguise.name(run.labels["run_id"]))
    table = _labelled(runs, labels, disguise)
    building = out.with_name(f".{out.name}.building")
    with storing(building):
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
    markets = [market["id"] for market in study.scenario["markets"]]
    for each in public_tables():
        _write_public(each, runs, disguise, markets, building, progress)
    train, test = (table.filter((pl.col("split") == TRAIN) == is_train) for is_train in (True, False))
    with storing(building):
        table.select("run", "split").write_parquet(building / SPLITS)
        train.select(*LABELS).write_parquet(building / TRAIN_LABELS)
    said = answer_package(building, train, test["run"].to_list(), sources.start_ns)
    scores = {"baseline": score(test, said).as_object(), "chance": chance(train, test).as_object()}
    names = {disguise.name(run.labels["run_id"]): run.labels["run_id"] for run in runs}
    kept.write(disguise, test.select(*LABELS, "split"), names, scores["chance"])
    card = _card(study, sources, table, scores, kept)
    with storing(building):
        (building / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        (building / README).write_text(card_text(card, metadata), encoding="utf-8")
        (building / CHECKSUMS).write_text(checksums(building, {}), encoding="utf-8")
        for path in building.rglob("*"):
            os.utime(path, ns=_SAME_TIME)
        building.rename(out)
    return out


def _check_places(out: Path, answers: Path) -> None:
    if answers.absolute().is_relative_to(out.absolute()):
        raise UsageError(f"--answers {answers} is inside the package {out}; whoever has it would have the answers")
    if out.exists() and any(out.iterdir()):
        raise ResultError(f"{out} is already there; use another --out")


def _labelled(runs: list[PublishedRun], labels: dict[str, dict[str, Any]], disguise: Disguise) -> pl.DataFrame:
    """Run, label and split of every run, in the order of their new names."""
    splits = disguise.splits([run.labels["cell"] for run in runs], [run.labels["replication"] for run in runs])
    rows = [
        {"run": disguise.name(run.labels["run_id"]), **labels[run.labels["run_id"]], "split": split}
        for run, split in zip(runs, splits, strict=True)
    ]
    found = pl.DataFrame(rows, schema={**LABELS, "split": pl.String()})
    if found.filter(split=TRAIN).is_empty() or found.filter(pl.col("split") != TRAIN).is_empty():
        raise ResultError("a blind dataset needs two replications or two cells: some to train with and some to test")
    return found


def _write_public(
    table: Table,
    runs: list[PublishedRun],
    disguise: Disguise,
    markets: list[str],
    root: Path,
    progress: Callable[[str, int, int], None],
) -> None:
    """The public columns of one table, run after run in the order of their new names."""

    def frames() -> Iterator[pl.DataFrame]:
        has_rows = False
        for run in runs:
            name = disguise.name(run.labels["run_id"])
            rows = pl.scan_parquet(run.checked(table.name)).filter(pl.col("market").is_in(markets)).select(table.names)
            frame = rows.select(pl.lit(name).alias("run"), pl.all()).collect(engine="streaming")
            for offset in range(0, frame.height, READ_ROWS):
                has_rows = True
                yield frame.slice(offset, READ_ROWS)
        if not has_rows:
            yield table.empty().select(pl.lit("").alias("run"), pl.all())

    place = root / PUBLIC_FOLDER / table.name
    write_parts(
        frames(),
        lambda number: place / f"part-{number:05d}.parquet",
        written=lambda rows, size: progress(table.name, rows, size),
    )


def _card(
    study: Study, sources: StudySources, table: pl.DataFrame, scores: dict[str, Any], answers: Answers
) -> dict[str, Any]:
    """What anybody may know of the dataset."""
    counts = {str(split): int(count) for split, count in table["split"].value_counts().rows()}
    return {
        "schema": "marketsim-blind/1",
        "runs": table.height,
        "splits": dict(sorted(counts.items())),
        "rules": sorted(set(table["rule"])),
        "start_utc": study.scenario["clock"]["start"],
        "duration": study.scenario["clock"]["duration"],
        "markets": [market["id"] for market in study.scenario["markets"]],
        "columns": {each.name: ["run", *each.names] for each in public_tables()},
        "answers_sha256": answers.hashes(),
        "scores": scores,
    }
