"""`python -m marketsim.calibration WORLD`: search for some hours, on some processes; the same again goes on."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click
import polars as pl

from marketsim.calibration.plans import PLANS
from marketsim.calibration.search import best, go_on, opened


@click.command()
@click.argument("world", type=click.Choice(sorted(PLANS)))
@click.option("--hours", type=click.FloatRange(min=0), default=2.0, show_default=True, help="How long to search.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Processes that search.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/calibration"), show_default=True)
def main(world: str, hours: float, workers: int, out: Path) -> None:
    """Calibrate WORLD: search, and print the best point with its facts; a search that was ended goes on."""
    plan, folder = PLANS[world], out / world
    others = [
        subprocess.Popen(
            [sys.executable, "-m", "marketsim.calibration", world, f"--hours={hours}", "--workers=1", f"--out={out}"],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(workers - 1)
    ]
    study = opened(plan, world, folder)
    with suppress(KeyboardInterrupt):
        for trial in go_on(plan, study, hours * 3_600):
            click.echo(f"trial {trial.number}: loss {trial.value:.3f}, best {study.best_value:.3f}", err=True)
    for other in others:
        other.wait()
    if not any(trial.value is not None for trial in study.trials):
        raise click.ClickException(f"no trial has ended in {folder}; give it more hours")
    settings, facts = best(plan, study)
    facts.write_csv(folder / "facts.csv")
    click.echo("\n".join(f"{path}: {value}" for path, value in settings.items()))
    with pl.Config(tbl_rows=-1, fmt_str_lengths=40):
        click.echo(facts)


if __name__ == "__main__":
    main()
