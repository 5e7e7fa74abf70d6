"""The command about figures: those of a run or a study, each with its table and its caption."""

from __future__ import annotations

from pathlib import Path

import click

from marketsim.cli.options import json_flag
from marketsim.cli.output import print_json, print_notices, say

_FORMATS, _WIDTHS = ("pdf", "svg", "png"), ("3.4", "7.0")


@click.command()
@click.argument("path", metavar="PATH", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of the files; default: figures in the folder of the run or study.",
)
@click.option("--format", "formats", type=click.Choice(_FORMATS), multiple=True, help="Repeatable; default: all.")
@click.option("--width", "widths", type=click.Choice(_WIDTHS), multiple=True, help="Inches; repeatable; default: both.")
@json_flag
@click.option("--quiet", is_flag=True, help="Only the path of the folder.")
def figures(
    path: Path, out: Path | None, formats: tuple[str, ...], widths: tuple[str, ...], as_json: bool, quiet: bool
) -> None:
    """Draw publication figures of a run or a study, with the small table and the caption behind each.

    What a run or study does not have is left out, and listed with the reason.
    """
    from marketsim.figures import write_figures

    chosen = [form for form in _FORMATS if form in (formats or _FORMATS)]
    inches = [float(width) for width in _WIDTHS if width in (widths or _WIDTHS)]
    written = write_figures(path, out, formats=chosen, widths=inches)
    if as_json:
        print_json(written.as_object())
        return
    if quiet:
        say(written.path)
        return
    for figure in written.figures:
        say(f"{figure['name']}: {figure['title']}")
        for name in figure["files"]:
            say(f"  {written.path / name}")
    print_notices(f"left out: {one['figure']}: {one['reason']}" for one in written.left_out)
