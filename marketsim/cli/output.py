"""What commands print: one JSON object for programs, lines of a name and a text for people."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click


def print_json(value: object) -> None:
    """One object, in one line on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def print_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Each line with its name in a column of its own."""
    for name, text in lines:
        click.echo(f"{name:<8}{text}")


def print_notices(notices: Iterable[str]) -> None:
    """What is valid and perhaps not meant, one line each, beside the answer."""
    for notice in notices:
        click.echo(f"note: {notice}", err=True)
