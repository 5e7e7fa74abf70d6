"""Commands about runs: make one, compare two, write the report of one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from marketsim.cli.options import json_flag, out_option, scenario_argument, wall_time, world_options
from marketsim.cli.output import print_json, print_lines, print_notices, say

_WHOSE = ("stored", "made again")


@click.command()
@scenario_argument
@world_options
@out_option
@json_flag
@click.option("--cell", type=click.IntRange(min=0), metavar="N", help="The cell of the study it is, from 0.")
@click.option("--replication", type=click.IntRange(min=0), metavar="N", help="Which draws, from 0.")
@click.option("--arm", metavar="ARM", help="The arm of the study it is, or any kind of arm.")
@click.option("--quiet", is_flag=True, help="No progress; only the path of the run directory.")
@click.option("--live", is_flag=True, help="JSON lines on stdout: rows as they are recorded, progress, then as --json.")
@click.option("--no-report", is_flag=True, help="Write no report.html.")
@click.option("--again", is_flag=True, help="Replace what is there.")
@click.option("--time-limit", metavar="DURATION", callback=wall_time, help="Stop after so much wall time (10min).")
def run(
    scenario: Path,
    seed: int | None,
    overrides: tuple[str, ...],
    out: Path,
    as_json: bool,
    quiet: bool,
    live: bool,
    no_report: bool,
    again: bool,
    time_limit: str | None,
    **of_study: Any,
) -> None:
    """Run one scenario into one run directory.

    With --cell, --replication and --arm exactly that run of its study is made.
    """
    import marketsim
    from marketsim.cli.live import LiveLines
    from marketsim.progress import RunProgress

    lines = LiveLines()
    world = marketsim.load(scenario, set=overrides, seed=seed)
    if not quiet:
        _print_which(world, of_study)
        print_notices(world.notices)
    with RunProgress(quiet=quiet) as progress:
        result = marketsim.run(
            world,
            out=out,
            again=again,
            report=not no_report,
            progress=lines.progress if live else progress,
            live=lines.row if live else None,
            time_limit=time_limit,
            **of_study,
        )
    path, manifest = Path(result.path), result.manifest
    if as_json or live:
        print_json({**manifest, "path": str(path)})
    elif quiet:
        say(path)
    else:
        _print_summary(path, manifest, already_there=result.already_there)
    if manifest["status"] == "failed":
        say(f"error: the run failed: {manifest['reason']}", err=True)
        sys.exit(1)


def _print_which(world: Any, of_study: dict[str, Any]) -> None:
    """Say which run of its world it is, where it is not the plain one, and what is not read."""
    if world.run is not None:
        say(f"run: {world.run.sentence()}", err=True)
    elif world.study is not None and not any(value is not None for value in of_study.values()):
        say(
            "study: is read by `marketsim sweep`; `run` ignores it, unless --cell, --replication or --arm is given",
            err=True,
        )


def _print_summary(path: Path, manifest: dict[str, Any], *, already_there: bool) -> None:
    counts = manifest["counts"]
    orders, trades = counts["orders"], counts["trades"]
    compiling = manifest["compile_s"]
    besides = f", after {compiling:.0f} s of compiling the kernel" if compiling >= 2.0 else ""
    state = "already there (--again replaces it)" if already_there else str(manifest["status"])
    lines = [
        ("run", f"{manifest['name']} {manifest['run_id']}, seed {manifest['seed']}{_which(manifest)}: {state}"),
        ("market", f"{orders:,} orders, {trades:,} trades, {counts['liquidations']:,} liquidations"),
        ("tokens", f"{counts['rebalances']:,} rebalances"),
        ("speed", f"{counts['micro_events']:,} micro events in {manifest['wall_s'] - compiling:.1f} s{besides}"),
        ("money", f"residual {manifest['conservation']['residual_atoms']} atoms"),
        ("path", str(path)),
    ]
    if (path / "report.html").exists():
        lines.append(("report", str(path / "report.html")))
    print_lines(lines)


def _which(manifest: dict[str, Any]) -> str:
    """Cell, replication and arm, as far as they are not those of a plain run."""
    parts = [] if manifest["cell"] is None else [f"cell {manifest['cell']}"]
    parts += [f"replication {manifest['replication']}"] if parts or manifest["replication"] else []
    parts += [f"arm {manifest['arm']}"] if parts or manifest["arm"] != "factual" else []
    return "".join(f", {part}" for part in parts)


@click.command()
@click.argument("stored", metavar="RUN", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where files of prices are."
)
@json_flag
@click.option("--quiet", is_flag=True, help="No progress; only what differs.")
def reproduce(stored: Path, data: str | None, as_json: bool, quiet: bool) -> None:
    """Make a stored run again and compare all its content; 4 and the first difference if any differs."""
    import marketsim
    from marketsim.errors import ResultError
    from marketsim.progress import RunProgress

    with RunProgress(quiet=quiet) as progress:
        found = marketsim.reproduce(stored, data=data, progress=progress)
    if as_json:
        print_json(found.as_dict())
    elif found.is_same and not quiet:
        print_lines(
            [
                ("run", f"{found.run_id}: {found.sentence}"),
                ("same", f"all {found.tables} tables came out the same"),
                ("code", found.made_again_by),
            ]
        )
    if not found.is_same:
        _print_differences(found)
        sys.exit(ResultError.exit_code)


def _print_differences(found: Any) -> None:
    """Say the first difference, which tables differ, and whether other code made the stored run."""
    first = "the stored manifest is not that of its tables" if found.first is None else found.first.sentence(*_WHOSE)
    code = "" if found.made_by == found.made_again_by else f"; other code made it ({found.made_by})"
    say(f"error: {first}", err=True)
    say(f"{len(found.differing)} differ: {', '.join(found.differing)}{code}", err=True)


@click.command()
@click.argument("stored", metavar="RUN", type=click.Path(exists=True, path_type=Path))
@click.argument("table", metavar="TABLE")
@click.argument("number", metavar="ID", type=int)
@json_flag
def explain(stored: Path, table: str, number: int, as_json: bool) -> None:
    """Say why one rebalance or liquidation happened as it did.

    TABLE is `rebalances`, with the ID of a rebalance, or `liquidations`, whose rows are numbered from 0.
    """
    from marketsim.datasets.run import Run

    found = Run(stored).explain(table, number)
    if as_json:
        print_json(found.as_dict())
    else:
        say(found)


@click.command()
@click.argument("a", metavar="A", type=click.Path(exists=True, path_type=Path))
@click.argument("b", metavar="B", type=click.Path(exists=True, path_type=Path))
@json_flag
def compare(a: Path, b: Path, as_json: bool) -> None:
    """Compare two runs: where they part, and paired differences."""
    from marketsim.analysis.comparison.comparison_text import as_text
    from marketsim.analysis.comparison.run_comparison import compare as compare_runs

    found = compare_runs(a, b)
    if as_json:
        print_json(found.as_dict())
    else:
        say(as_text(found))


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@json_flag
def report(path: Path, as_json: bool) -> None:
    """Write the self-contained HTML report of a run or of a study."""
    from marketsim.datasets.store import resolve_path
    from marketsim.report import write_report, write_study_report

    found = resolve_path(path)
    written = str((write_report if found.kind == "run" else write_study_report)(found.path))
    if as_json:
        print_json({"path": written})
    else:
        say(written)
