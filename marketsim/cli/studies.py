"""The command about studies: make the missing runs, or estimate what they would take."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from marketsim.cli.options import ScenarioParameter, json_flag, out_option, wall_time, world_options
from marketsim.cli.output import print_json, print_lines, say

FAILURES_TOLD = 20
POWER_TOLD = 12


@click.command()
@click.argument("study", metavar="STUDY", type=ScenarioParameter())
@world_options
@out_option
@click.option("--workers", metavar="N|auto", default="auto", show_default=True, help="Processes, one core each.")
@click.option("--scheduler", metavar="ADDRESS", help="Use an existing Dask cluster.")
@click.option("--shard", metavar="I/N", help="Run only the I-th of N parts, from 0; shards may share --out.")
@click.option("--dry-run", is_flag=True, help="Estimate time, memory and disk from a pilot run; run nothing else.")
@json_flag
@click.option("--quiet", is_flag=True, help="No progress; only the path of the study.")
@click.option("--no-report", is_flag=True, help="Write no report.html.")
@click.option("--again", is_flag=True, help="Rerun what failed or was made by other code.")
@click.option("--time-limit", metavar="DURATION", callback=wall_time, help="Wall time of each run (10min).")
@click.option("--memory-limit", metavar="SIZE", help="Memory of each run (2 GB); default: an equal share.")
def sweep(study: Path | str, dry_run: bool, as_json: bool, quiet: bool, **options: Any) -> None:
    """Run all cells, replications and arms of a study; started again, it continues."""
    import marketsim
    from marketsim.errors import SweepStoppedError
    from marketsim.progress import SweepProgress

    options["set"], options["report"] = options.pop("overrides"), not options.pop("no_report")
    if dry_run:
        _forecast(study, options, as_json)
        return
    if not quiet and not as_json:
        _tell_power(study, options)
    stopped = None
    if str(options.get("scheduler") or "").startswith("tcp://"):
        say("warning: a tcp:// scheduler asks nobody who they are; tls:// does (distributed.comm.tls)", err=True)
    with SweepProgress(quiet=quiet) as progress:
        try:
            swept: Any = marketsim.sweep(study, progress=progress, **options)
        except SweepStoppedError as error:
            swept, stopped = error.swept, str(error)
    if as_json:
        told = {"study_id": swept.path.name, **swept.counts, "is_complete": swept.is_complete}
        told |= {"failed_runs": swept.failed_runs, "stopped": stopped, "answer": _answer(swept)}
        print_json({"path": str(swept.path), **told})
    elif quiet:
        say(swept.path)
    else:
        _print_sweep(swept)
    for run in swept.failed_runs[:FAILURES_TOLD]:
        where = f"cell {run['cell']}, replication {run['replication']}, {run['arm']}"
        say(f"failed: {where} ({run['run_id']}): {run['reason']}", err=True)
    if swept.failed_runs:
        more = len(swept.failed_runs) - FAILURES_TOLD
        others = f"and {more:,} more, which --json lists; " if more > 0 else ""
        say(f"{others}failed runs are kept; --again reruns them", err=True)
    if stopped:
        say(f"error: {stopped}", err=True)
    if stopped or swept.failed_runs:
        sys.exit(1)


def _print_sweep(swept: Any) -> None:
    counts = swept.counts
    lines = [
        ("study", f"{swept.path.name}: {counts['cells']:,} cells, {counts['runs']:,} runs"),
        ("runs", f"{counts['done']:,} done, {counts['failed']:,} failed, {counts['missing']:,} missing"),
        ("now", f"{counts['made']:,} of them made by this sweep"),
        ("path", str(swept.path)),
    ]
    made = [("effects", swept.path / "effects.parquet"), ("report", swept.path / "report.html")]
    registration = swept.registration
    lines += _registered_line(None if registration is None else registration.as_object())
    print_lines([*lines, *((name, str(path)) for name, path in made if path.is_file())])
    for sentence in _answer(swept):
        say(f"\n{sentence}")
    if not swept.is_complete:
        say("effects are computed once every run, including those of other shards, is done or failed", err=True)


def _answer(swept: Any) -> list[str]:
    """What the study says to its title; nothing before its effects are there."""
    from marketsim.report import answer_of_study

    return answer_of_study(swept.path) if swept.is_complete else []


def _forecast(study: Path | str, options: dict[str, Any], as_json: bool) -> None:
    import marketsim
    from marketsim import experiments

    scenario = marketsim.load(study, set=options["set"], seed=options["seed"])
    shard = None if options["shard"] is None else experiments.Shard.read(options["shard"])
    told = experiments.forecast(
        scenario, out=options["out"], workers=options["workers"], shard=shard, power=_estimate_power
    )
    if as_json:
        print_json(told.as_object())
        return
    lines = [
        ("study", f"{told.cells:,} cells, {told.runs:,} runs: {told.done:,} done, {told.failed:,} failed"),
        *_registered_line(told.registration),
        *_checked_line(told),
        ("left", f"{told.missing:,} runs on {told.workers} workers, about {told.seconds:,.0f} s"),
        ("memory", f"about {told.memory_mb:,.0f} MB at once"),
        ("disk", f"about {told.disk_bytes / 1e6:,.1f} MB"),
        ("pilot", f"{told.pilot}, {told.pilot_share:.0%} of a run's time"),
        *(("power", line) for line in _power_lines(told)),
        *([("told from", told.power_pilot)] if told.power_pilot else []),
        ("path", told.path),
    ]
    print_lines(lines)


def _registered_line(registration: dict[str, str] | None) -> list[tuple[str, str]]:
    """The file a study is registered by, its hash, and when; nothing for a study without one."""
    if registration is None:
        return []
    when = registration.get("registered_utc")
    told = "before its first run" if when is None else f"at {when}"
    return [("expects", f"registered {told}: {registration['path']}, SHA-256 {registration['sha256']}")]


def _checked_line(told: Any) -> list[tuple[str, str]]:
    """Where the forecast did not look at every cell, what it looked at."""
    if told.checked == told.cells:
        return []
    words = (
        f"{told.checked:,} of {told.cells:,} cells, {told.checked_among} among them; a sweep checks all before it runs"
    )
    return [("checked", words)]


def _estimate_power(pilot: Any, replications: int, primary: str | None) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from marketsim.analysis.measures.register import all_measures
    from marketsim.analysis.study_effects.power import estimate_power

    return [asdict(row) for row in estimate_power(pilot, all_measures(), replications, primary)]


def _tell_power(study: Path | str, options: dict[str, Any]) -> None:
    """Before the first run of a study: what it will find of its primary outcome, where there is a pilot beside it."""
    import marketsim
    from marketsim.datasets.study import study_folder
    from marketsim.experiments.pilot_study import pilot_of
    from marketsim.scenario.study.study import study_of

    scenario = marketsim.load(study, set=options["set"], seed=options["seed"])
    declared = study_of(scenario.study)
    is_begun = (study_folder(options["out"], scenario) / "study.json").is_file()
    pilot = None if is_begun or declared.primary is None else pilot_of(scenario, options["out"])
    if pilot is not None:
        rows = _estimate_power(pilot, declared.replications, declared.primary)
        for told in rows[:POWER_TOLD]:
            say(f"power: {_power_line(told)}", err=True)
        if len(rows) > POWER_TOLD:
            say(f"power: and {len(rows) - POWER_TOLD:,} more, which --dry-run tells", err=True)


def _power_lines(told: Any) -> list[str]:
    """What the study will find of its primary outcome; `--json` has every measure."""
    if told.primary is None:
        return ["no outcome is registered (study.primary); --json tells of every measure"]
    if not told.power:
        pilot = "--set study.replications=6 makes a pilot" if told.done < 2 else "two replications are needed"
        return [f"{told.primary}: unknown; {pilot}"]
    return [_power_line(each) for each in told.power]


def _power_line(told: dict[str, Any]) -> str:
    """What a study will find of one effect: how surely, what at least, and how many replications would do."""
    place = f", {told['market']}" if told["market"] else ""
    what = f"{told['measure']}, cell {told['cell']}{place}, {told['arm']} against {told['versus']}"
    if told["power"] is None:
        return f"{what}: unknown ({told['note'] or 'nothing happened in the pilot'})"
    unit, enough, safe = told["unit"], told["replications"], told["replications_cautious"]
    least = told["smallest_effect"]
    found = (
        f"{told['power']:.0%} likely to find the pilot's {told['estimate']:.3g} {unit} in {told['pairs']} replications"
    )
    detects = "no effect has so small a p-value" if least is None else f"{least:.3g} {unit} is found in 4 of 5 studies"
    would = "more than 5,000 would be needed" if enough is None else f"{enough:,} would do"
    also = "" if safe is None or enough is None else f", {safe:,} to be safe with a pilot of {told['pilot_pairs']}"
    return f"{what}: {found}; {detects}; {would}{also}"
