"""Commands about runs: make one, compare two, write the report of one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from marketsim.cli.options import json_flag, out_option, scenario_argument, wall_time, world_options
from marketsim.cli.output import print_json, print_lines, print_notices, say


@click.command()
@scenario_argument
@world_options
@out_option
@json_flag
@click.option("--quiet", is_flag=True, help="No progress; only the path of the run directory.")
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
    no_report: bool,
    again: bool,
    time_limit: str | None,
) -> None:
    """Run one scenario into one run directory."""
    import marketsim
    from marketsim.progress import RunProgress

    world = marketsim.load(scenario, set=overrides, seed=seed)
    if world.study is not None and not quiet:
        say("study: is read by `marketsim sweep`; `run` ignores it", err=True)
    if not quiet:
        print_notices(world.notices)
    with RunProgress(quiet=quiet) as progress:
        result = marketsim.run(
            world,
            out=out,
            again=again,
            report=not no_report,
            progress=progress,
            time_limit=time_limit,
        )
    path, manifest = Path(result.path), result.manifest
    if as_json:
        print_json({**manifest, "path": str(path)})
    elif quiet:
        say(path)
    else:
        _print_summary(path, manifest, already_there=result.already_there)
    if manifest["status"] == "failed":
        say(f"error: the run failed: {manifest['reason']}", err=True)
        sys.exit(1)


def _print_summary(path: Path, manifest: dict[str, Any], *, already_there: bool) -> None:
    counts = manifest["counts"]
    orders, trades = counts["orders"], counts["trades"]
    compiling = manifest["compile_s"]
    besides = f", after {compiling:.0f} s of compiling the kernel" if compiling >= 2.0 else ""
    state = "already there (--again replaces it)" if already_there else str(manifest["status"])
    lines = [
        ("run", f"{manifest['name']} {manifest['run_id']}, seed {manifest['seed']}: {state}"),
        ("market", f"{orders:,} orders, {trades:,} trades, {counts['liquidations']:,} liquidations"),
        ("tokens", f"{counts['rebalances']:,} rebalances"),
        ("speed", f"{counts['micro_events']:,} micro events in {manifest['wall_s'] - compiling:.1f} s{besides}"),
        ("money", f"residual {manifest['conservation']['residual_atoms']} atoms"),
        ("path", str(path)),
    ]
    if (path / "report.html").exists():
        lines.append(("report", str(path / "report.html")))
    print_lines(lines)


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
