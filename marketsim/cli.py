"""The command line: reads options, calls one room, prints what it answers.

Nothing is decided here. Rooms are imported inside the commands, so that `--help` imports click and nothing else. What
`--json` asks for is one JSON object on stdout; everything else a person reads goes to stderr.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from marketsim.errors import MarketsimError

F = TypeVar("F", bound=Callable[..., Any])

LATER = {
    "figures": "Make publication figures and the small table behind each",
    "dataset": "Build, check or reproduce a publishable dataset",
    "ui": "Serve the interactive page on this machine",
}
FAILURES_TOLD = 20
EXAMPLES = """
\b
Examples:
  marketsim run scenarios/quickstart.yaml
  marketsim run scenarios/crowded_reset.yaml --seed 2 --set "tokens.BTC3L.aum=100 MUSDT" --json
  marketsim show scenarios/crowded_reset.yaml --sentences
  marketsim sweep scenarios/studies/quickstart.yaml --workers 2
"""


class Commands(click.Group):
    """The commands, with one way out: a user's mistake is a message and an exit code, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn refusals and Ctrl-C into the exit codes of the contract."""
        asked = ctx.ensure_object(dict)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted: nothing finished is lost", err=True)
            ctx.exit(130)
        except Exception as error:
            from marketsim.errors import KernelError, MarketsimError

            if not isinstance(error, MarketsimError) or isinstance(error, KernelError):
                raise  # a defect of ours: the traceback is what we need
            if asked.get("json"):
                _print_json({"error": _as_object(error)})
            _print_error(error)
            ctx.exit(error.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Keep the order of a working day: run and validate first."""
        return list(self.commands)


def _print_error(error: MarketsimError) -> None:
    """Say what is wrong; the problems of a scenario each in a line that editors can follow, then how many they are."""
    problems = getattr(error, "problems", [])
    for problem in problems:
        click.echo(str(problem), err=True)
    how_many = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}; nothing was run"
    click.echo(f"error: {how_many if problems else error}", err=True)


def _as_object(error: MarketsimError) -> dict[str, Any]:
    problems = [vars(problem) for problem in getattr(error, "problems", [])]
    return {"kind": type(error).__name__, "exit_code": error.exit_code, "message": str(error), "problems": problems}


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _json_flag(command: F) -> F:
    def remember(ctx: click.Context, _parameter: click.Parameter, value: bool) -> bool:
        ctx.ensure_object(dict)["json"] = value
        return value

    return click.option(
        "--json", "as_json", is_flag=True, is_eager=True, callback=remember, help="One JSON object on stdout."
    )(command)


def _world_options(command: F) -> F:
    overrides = click.option(
        "--set", "overrides", metavar="PATH=VALUE", multiple=True, help="Override one value, as YAML; repeatable."
    )
    return click.option("--seed", type=click.IntRange(min=0), help="Root seed.")(overrides(command))


def _wall_time(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    from marketsim.errors import UnitError
    from marketsim.units import duration_ns

    try:
        if value is not None:
            duration_ns(value)
    except UnitError as error:
        raise click.BadParameter(str(error)) from None
    return value


scenario_argument = click.argument(
    "scenario", metavar="SCENARIO", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXAMPLES,
)
@click.version_option(package_name="marketsim-lab", prog_name="marketsim")
def main() -> None:
    """Simulate leveraged tokens in a closed loop with the market that prices them."""


@main.command()
@scenario_argument
@_world_options
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True)
@_json_flag
@click.option("--quiet", is_flag=True, help="No progress; only the path of the run directory.")
@click.option("--no-report", is_flag=True, help="Write no report.html.")
@click.option("--again", is_flag=True, help="Replace what is there.")
@click.option("--time-limit", metavar="DURATION", callback=_wall_time, help="Stop after so much wall time (10min).")
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
    from marketsim.progress import Progress

    world = marketsim.load(scenario, set=overrides, seed=seed)
    if world.study is not None and not quiet:
        click.echo("study: is read by `marketsim sweep`; `run` ignores it", err=True)
    with Progress(quiet=quiet) as progress:
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
        _print_json({**manifest, "path": str(path)})
    elif quiet:
        click.echo(path)
    else:
        _print_summary(path, manifest, already_there=result.already_there)
    if manifest["status"] == "failed":
        click.echo(f"error: the run failed: {manifest['reason']}", err=True)
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
    for name, text in lines:
        click.echo(f"{name:<8}{text}")


@main.command()
@click.argument(
    "scenarios",
    metavar="SCENARIO...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@_json_flag
def validate(scenarios: tuple[Path, ...], as_json: bool) -> None:
    """Check scenario files and run nothing."""
    from marketsim.errors import ScenarioError
    from marketsim.scenario import validate as problems_of

    found = {str(path): list(problems_of(path)) for path in scenarios}
    wrong = [problem for problems in found.values() for problem in problems]
    if as_json:
        files = {path: [vars(problem) for problem in problems] for path, problems in found.items()}
        _print_json({"valid": not wrong, "files": files})
    for path, problems in found.items():
        for problem in problems:
            click.echo(str(problem), err=as_json)
        if not problems:
            click.echo(f"{path}: valid", err=as_json)
    if wrong:
        sys.exit(ScenarioError.exit_code)


@main.command()
@scenario_argument
@_world_options
@click.option("--sentences", is_flag=True, help="Say in words what the scenario means.")
@_json_flag
def show(scenario: Path, seed: int | None, overrides: tuple[str, ...], sentences: bool, as_json: bool) -> None:
    """Show the resolved scenario and where each value comes from."""
    from marketsim.scenario import load

    if as_json:
        _print_json(load(scenario, set=overrides, seed=seed).complete())
        return
    from marketsim.scenario.describe import show as describe

    every = [*overrides, *([] if seed is None else [f"seed={seed}"])]
    click.echo(describe(scenario, every, sentences))


@main.command()
@click.argument("study", metavar="STUDY", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_world_options
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True)
@click.option("--workers", metavar="N|auto", default="auto", show_default=True, help="Processes, one core each.")
@click.option("--scheduler", metavar="ADDRESS", help="Use an existing Dask cluster.")
@click.option("--shard", metavar="I/N", help="Make the I-th of N parts (from 0); shards may share --out.")
@click.option("--dry-run", is_flag=True, help="Say what it would take, and run nothing but a pilot.")
@_json_flag
@click.option("--quiet", is_flag=True, help="No progress; only the path of the study.")
@click.option("--no-report", is_flag=True, help="Write no report.html.")
@click.option("--again", is_flag=True, help="Make anew what failed or was made by other code.")
@click.option("--time-limit", metavar="DURATION", callback=_wall_time, help="Of each run, in wall time (10min).")
@click.option("--memory-limit", metavar="SIZE", help="Of each run (2 GB); without it, its share of the machine.")
def sweep(study: Path, dry_run: bool, as_json: bool, quiet: bool, **options: Any) -> None:
    """Run all cells, replications and arms of a study; started again, it continues."""
    import marketsim
    from marketsim.errors import SweepStoppedError
    from marketsim.progress import SweepProgress

    options["set"], options["report"] = options.pop("overrides"), not options.pop("no_report")
    if dry_run:
        _forecast(study, options, as_json)
        return
    stopped = None
    with SweepProgress(quiet=quiet) as progress:
        try:
            swept: Any = marketsim.sweep(study, progress=progress, **options)
        except SweepStoppedError as error:
            swept, stopped = error.swept, str(error)
    if as_json:
        told = {"study_id": swept.path.name, **swept.counts, "is_complete": swept.is_complete}
        _print_json({"path": str(swept.path), **told, "failed_runs": swept.failed_runs, "stopped": stopped})
    elif quiet:
        click.echo(swept.path)
    else:
        _print_sweep(swept)
    for run in swept.failed_runs[:FAILURES_TOLD]:
        where = f"cell {run['cell']}, replication {run['replication']}, {run['arm']}"
        click.echo(f"failed: {where} ({run['run_id']}): {run['reason']}", err=True)
    if swept.failed_runs:
        more = len(swept.failed_runs) - FAILURES_TOLD
        others = f"and {more:,} more, which --json lists; " if more > 0 else ""
        click.echo(f"{others}failed runs are kept as they are; --again makes them anew", err=True)
    if stopped:
        click.echo(f"error: {stopped}", err=True)
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
    for name, text in [*lines, *((name, str(path)) for name, path in made if path.is_file())]:
        click.echo(f"{name:<8}{text}")
    if not swept.is_complete:
        click.echo("effects come when every run of the study, other shards' too, is done or failed", err=True)


def _forecast(study: Path, options: dict[str, Any], as_json: bool) -> None:
    import marketsim
    from marketsim import experiments

    scenario = marketsim.load(study, set=options["set"], seed=options["seed"])
    shard = None if options["shard"] is None else experiments.Shard.read(options["shard"])
    told = experiments.forecast(
        scenario, out=options["out"], workers=options["workers"], shard=shard, power=_estimate_power
    )
    if as_json:
        _print_json(told.as_object())
        return
    lines = [
        ("study", f"{told.cells:,} cells, {told.runs:,} runs: {told.done:,} done, {told.failed:,} failed"),
        ("left", f"{told.missing:,} runs on {told.workers} workers, about {told.seconds:,.0f} s"),
        ("memory", f"about {told.memory_mb:,.0f} MB at once"),
        ("disk", f"about {told.disk_bytes / 1e6:,.1f} MB"),
        ("pilot", f"{told.pilot}, {told.pilot_share:.0%} of a run's time"),
        *(("power", line) for line in _power_lines(told)),
        ("path", told.path),
    ]
    for name, text in lines:
        click.echo(f"{name:<8}{text}")


def _estimate_power(study: Any) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from marketsim.analysis.measures.register import all_measures
    from marketsim.analysis.study_effects.power import estimate_power

    return [asdict(row) for row in estimate_power(study, all_measures())]


def _power_lines(told: Any) -> list[str]:
    """What the study can detect of its primary outcome; of every measure where `--json` asks."""
    if told.primary is None:
        return ["no primary outcome is registered (study.primary); --json tells of every measure"]
    if not told.power:
        return [f"{told.primary}: not known before two replications are there"]
    return [_power_line(each) for each in told.power]


def _power_line(told: dict[str, Any]) -> str:
    what = f"{told['measure']}, cell {told['cell']}, {told['arm']}"
    if told["smallest_effect"] is None:
        return f"{what}: not known ({told['note'] or 'nothing happened in the pilot'})"
    size = f"{told['smallest_effect']:.3g} {told['unit']}"
    return f"{what}: {size} is the smallest effect found in {told['pairs']} pairs (5 %, power 80 %)"


@main.command()
@click.argument("a", metavar="A", type=click.Path(exists=True, path_type=Path))
@click.argument("b", metavar="B", type=click.Path(exists=True, path_type=Path))
@_json_flag
def compare(a: Path, b: Path, as_json: bool) -> None:
    """Compare two runs: where they part, and paired differences."""
    from marketsim.analysis.comparison.comparison_text import as_text
    from marketsim.analysis.comparison.run_comparison import compare as compare_runs

    found = compare_runs(a, b)
    if as_json:
        _print_json(found.as_dict())
    else:
        click.echo(as_text(found))


@main.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@_json_flag
def report(path: Path, as_json: bool) -> None:
    """Write the self-contained HTML report of a run or of a study."""
    from marketsim.datasets.store import resolve_path
    from marketsim.report import write_report, write_study_report

    found = resolve_path(path)
    written = str((write_report if found.kind == "run" else write_study_report)(found.path))
    if as_json:
        _print_json({"path": written})
    else:
        click.echo(written)


LISTS = ["scenarios", "kinds", "policies", "presets", "plugins", "measures"]


def _rows_of(what: str) -> list[tuple[str, str, str]]:
    """The rows of one list, from the room that owns it."""
    if what == "measures":
        from marketsim.analysis.measures.register import listing as measures

        return measures()
    from marketsim.scenario.registry import listing

    return listing(what)


@main.command("list")
@click.argument("what", type=click.Choice(LISTS), required=False)
@_json_flag
def list_(what: str | None, as_json: bool) -> None:
    """List what there is and where each comes from."""
    tables = {each: _rows_of(each) for each in ([what] if what else LISTS)}
    if as_json:
        keys = ("name", "origin", "about")
        _print_json({each: [dict(zip(keys, row, strict=True)) for row in rows] for each, rows in tables.items()})
        return
    for each, rows in tables.items():
        if not what:
            click.echo(click.style(each, bold=True))
        width = max((len(name) for name, _, _ in rows), default=0)
        breadth = max((len(origin) for _, origin, _ in rows), default=0)
        for name, origin, about in rows:
            click.echo(f"  {name:<{width}}  {origin:<{breadth}}  {about}".rstrip())
        if not rows:
            click.echo("  none")


@main.command()
@click.argument("name")
@_json_flag
def new(name: str, as_json: bool) -> None:
    """Write a commented starter scenario NAME.yaml in this folder."""
    from importlib.resources import files

    from marketsim.errors import UsageError

    name = name.removesuffix(".yaml")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise UsageError(f"the name {name!r} cannot be a scenario's; allowed: letters, digits, - and _, a letter first")
    text = files("marketsim").joinpath("starter.yaml").read_text(encoding="utf-8")
    path = Path(f"{name}.yaml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text.replace("name: starter", f"name: {name}"))
    except FileExistsError:
        raise UsageError(f"{path} is already there and stays as it is; take another name") from None
    if as_json:
        _print_json({"path": str(path)})
    else:
        click.echo(f"{path}: change it, then `marketsim validate {path}` and `marketsim run {path}`")


@main.command()
def schema() -> None:
    """Print the JSON Schema of scenario files."""
    from marketsim.scenario.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@main.command()
@_json_flag
def tables(as_json: bool) -> None:
    """Print the data dictionary: every table and column a run writes."""
    from marketsim.datasets import tables as dictionary

    if as_json:
        _print_json({name: table.as_data() for name, table in dictionary.TABLES.items()})
    else:
        click.echo(dictionary.data_dictionary())


@main.command()
@click.argument("cases", metavar="[CASE...]", nargs=-1)
def bench(cases: tuple[str, ...]) -> None:
    """Run the benchmarks; one JSON line for each case."""
    from marketsim import bench as benchmarks

    for figure in benchmarks.run(cases):
        _print_json(figure)


@main.command()
@_json_flag
def doctor(as_json: bool) -> None:
    """Show versions, caches, extras, and how to install what is missing."""
    from marketsim import doctor as checks
    from marketsim.errors import EnvironmentLackError

    found = checks.examine()
    if as_json:
        _print_json(found)
    else:
        click.echo(checks.as_text(found))
    if found["missing"]:
        click.echo(f"error: missing: {', '.join(found['missing'])}", err=True)
        sys.exit(EnvironmentLackError.exit_code)


def _announce(name: str, about: str) -> None:
    text = f"{about} (does not exist yet)."

    @main.command(name, help=text, short_help=text, context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def refuse(arguments: tuple[str, ...]) -> None:
        from marketsim.errors import UsageError

        raise UsageError(f"`marketsim {name}` does not exist yet; there are run, sweep, compare and report")


for _name, _about in LATER.items():
    _announce(_name, _about)
