"""Commands about the program itself: the data dictionary, figures of speed, what this machine has and lacks."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from marketsim.cli.options import ScenarioParameter, json_flag, out_option
from marketsim.cli.output import print_json, say


@click.command()
@json_flag
def tables(as_json: bool) -> None:
    """Print the data dictionary: every table and column a run writes."""
    from marketsim.datasets import tables as dictionary

    if as_json:
        print_json({name: table.as_data() for name, table in dictionary.TABLES.items()})
    else:
        say(dictionary.data_dictionary())


@click.command()
@click.argument("cases", metavar="[CASE...]", nargs=-1)
def bench(cases: tuple[str, ...]) -> None:
    """Run the benchmarks; one JSON line for each case."""
    from marketsim import bench as benchmarks

    for figure in benchmarks.run(cases):
        print_json(figure)


@click.command()
@json_flag
def doctor(as_json: bool) -> None:
    """Show versions, caches, extras, and how to install what is missing."""
    from marketsim import doctor as checks
    from marketsim.errors import EnvironmentLackError

    found = checks.examine()
    if as_json:
        print_json(found)
    else:
        say(checks.as_text(found))
    if found["missing"]:
        say(f"error: missing: {', '.join(found['missing'])}", err=True)
        sys.exit(EnvironmentLackError.exit_code)


@click.command()
@click.argument("scenarios", metavar="[SCENARIO...]", nargs=-1, type=ScenarioParameter())
@out_option
@click.option("--port", type=click.IntRange(1, 65_535), metavar="N", help="The port; absent, any that is free.")
@json_flag
def ui(scenarios: tuple[Path | str, ...], out: Path, port: int | None, as_json: bool) -> None:
    """Serve the interactive page on this machine alone.

    It opens with the SCENARIO that is given; the shipped ones are there beside it. Ctrl-C ends it and what it runs.
    """
    from marketsim.ui.server import serve

    def announce(address: str) -> None:
        if as_json:
            print_json({"address": address})
        else:
            say(f"open {address}")
            say("Ctrl-C ends it; nobody without this address can use it", err=True)

    serve([str(scenario) for scenario in scenarios], out, port, announce)
