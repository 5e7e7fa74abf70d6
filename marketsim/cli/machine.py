"""Commands about the program itself: the data dictionary, figures of speed, what this machine has and lacks."""

from __future__ import annotations

import sys

import click

from marketsim.cli.options import json_flag
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
