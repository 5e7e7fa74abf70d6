"""The commands about packages: build one from a study, check it, make it again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marketsim.cli.options import json_flag
from marketsim.cli.output import print_json, print_lines, say

if TYPE_CHECKING:
    from marketsim.publication.build import BuildPlan


@click.group()
def dataset() -> None:
    """Build, check or reproduce a publishable dataset."""


@dataset.command()
@click.argument("study", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the package.")
@click.option(
    "--metadata",
    "metadata_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An edited metadata.yaml: authors, licences, purpose; default: what can be said without you.",
)
@click.option("--blind", is_flag=True, help="The public tape alone, to be answered; needs --answers.")
@click.option(
    "--answers",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of a blind dataset's answers, outside it.",
)
@click.option("--dry-run", is_flag=True, help="Tell rows, bytes, time and free disk; write nothing.")
@json_flag
@click.option("--quiet", is_flag=True, help="No progress; only the path of the package.")
@click.option("--again", is_flag=True, help="Replace the package that stands there.")
def build(
    study: Path,
    out: Path,
    metadata_file: Path | None,
    blind: bool,
    answers: Path | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    again: bool,
) -> None:
    """Make a package of a finished study: data, descriptors, and all it takes to make it again."""
    from marketsim.datasets.study import Study
    from marketsim.progress import BuildProgress
    from marketsim.publication.build import build as build_package
    from marketsim.publication.build import plan_build
    from marketsim.publication.metadata import Metadata, read_metadata

    if blind != (answers is not None):
        raise click.UsageError("--blind and --answers DIR go together: the answers stand outside the package")
    opened = Study(study)
    planned = plan_build(opened, out)
    if dry_run:
        _print_plan(planned, out, as_json)
        return
    metadata = read_metadata(metadata_file) if metadata_file else Metadata()
    with BuildProgress(planned.total_rows, quiet=quiet) as progress:
        if answers is not None:
            from marketsim.publication.blind.build import build_blind

            package = build_blind(opened, out, answers, metadata, progress=progress)
        else:
            package = build_package(opened, out, metadata, again=again, progress=progress)
    if as_json:
        print_json({"path": str(package), "rows": planned.total_rows, "unedited": metadata.unedited()})
    else:
        say(package)
    if metadata.unedited() and not quiet and not blind:
        left = f"{len(metadata.unedited())} fields of {package / 'metadata.yaml'} are still to be written"
        say(f"{left}; edit a copy and build again with --metadata COPY --again", err=True)


def _print_plan(planned: BuildPlan, out: Path, as_json: bool) -> None:
    if as_json:
        told = {"rows": planned.total_rows, "bytes": planned.bytes, "seconds": round(planned.seconds, 1)}
        told |= {"free_bytes": planned.free_bytes, "runs": planned.runs, "failed": planned.failed}
        print_json({"path": str(out), **told, "rows_by_table": planned.rows})
        return
    print_lines(
        [
            ("runs", f"{planned.runs:,} finished, {planned.failed:,} failed"),
            ("rows", f"{planned.total_rows:,}"),
            ("disk", f"at most {planned.bytes / 1e6:,.1f} MB; {planned.free_bytes / 1e6:,.0f} MB are free"),
            ("time", f"about {max(planned.seconds, 1):,.0f} s"),
            ("path", str(out)),
        ]
    )


@dataset.command()
@click.argument("package", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--strict", is_flag=True, help="Refuse fields of metadata.yaml that nobody has written.")
@json_flag
def check(package: Path, strict: bool, as_json: bool) -> None:
    """Check a package: files, columns, keys, contents, and what editors' validators say (extra `dataset`)."""
    from marketsim.publication.check import check as check_package

    problems = check_package(package, strict=strict)
    if as_json:
        print_json({"path": str(package), "problems": problems})
    for problem in problems:
        say(problem, err=as_json)
    if problems:
        say(f"{len(problems)} problems", err=True)
        sys.exit(4)
    if not as_json:
        say(f"{package}: nothing is wrong")


@dataset.command()
@click.argument("package", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--run", "run_id", metavar="ID", help="One run alone, by its run_id in data/runs.")
@click.option("--workers", metavar="N|auto", default="auto", show_default=True, help="Processes, one core each.")
@json_flag
@click.option("--quiet", is_flag=True, help="No progress.")
def reproduce(package: Path, run_id: str | None, workers: str, as_json: bool, quiet: bool) -> None:
    """Make a package's runs and tables again from the package alone, and compare all content."""
    import marketsim
    from marketsim.progress import RunProgress, SweepProgress
    from marketsim.publication.reproduce import reproduce_all, reproduce_run

    if run_id is not None:
        with RunProgress(quiet=quiet) as of_run:
            found = reproduce_run(
                package,
                run_id,
                lambda study, which, out: marketsim.run(study, **which, out=out, report=False, progress=of_run).path,
            )
    else:
        with SweepProgress(quiet=quiet) as of_sweep:
            found = reproduce_all(
                package,
                lambda study, out: (
                    marketsim.sweep(study, out=out, workers=workers, report=False, progress=of_sweep).path
                ),
            )
    if as_json:
        print_json(
            {
                "path": str(package),
                "runs": found.runs,
                "tables": found.tables,
                "is_same": found.is_same,
                "differing": list(found.differing),
            }
        )
    else:
        say(f"{found.runs:,} runs and {found.tables:,} tables were made again")
        for each in found.differing:
            say(f"differs: {each}")
        if found.is_same:
            say("all content is the same")
    if not found.is_same:
        sys.exit(4)


@dataset.command("export")
@click.argument("run", type=click.Path(exists=True, path_type=Path))
@click.option("--format", "name", type=click.Choice(["lobster", "klines", "trades", "csv"]), required=True)
@click.option("--market", metavar="ID", required=True, help="The market to write.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("."), help="Folder of the files.")
@json_flag
def export_market(run: Path, name: str, market: str, out: Path, as_json: bool) -> None:
    """Write a market of a run as other tools read it."""
    from marketsim.datasets.run import Run
    from marketsim.publication.export.formats import export

    written = [str(path) for path in export(Run(run), market, name, out)]
    if as_json:
        print_json({"paths": written})
    else:
        for path in written:
            say(path)


@dataset.command()
@click.argument("submission", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--answers", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True, help="Folder of answers."
)
@json_flag
def score(submission: Path, answers: Path, as_json: bool) -> None:
    """Score an answer to a blind dataset, by split, with the score of chance beside it."""
    from marketsim.publication.blind.answers import Answers
    from marketsim.publication.blind.score import read_submission
    from marketsim.publication.blind.score import score as score_of

    kept = Answers(answers)
    truth = kept.test_labels()
    answer = read_submission(submission, truth["run"].to_list())
    told = {"all": score_of(truth, answer).as_object()}
    for split in sorted(set(truth["split"])):
        is_there = truth["split"] == split
        told[split] = score_of(truth.filter(is_there), answer.filter(is_there)).as_object()
    told["chance"] = kept.chance()
    if as_json:
        print_json(told)
        return
    for name in told["all"]:
        values = ", ".join(f"{split} {_score_text(each[name])}" for split, each in told.items())
        say(f"{name}: {values}")


def _score_text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
