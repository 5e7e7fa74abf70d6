"""What commands print: one JSON object for programs, lines of a name and a text for people."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable

import click

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys and does not print, line ends and tabs apart."""


def printable(text: str) -> str:
    """A text that no terminal obeys: control codes, and signs that turn the writing round, as their numbers."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(text: object = "", *, err: bool = False) -> None:
    """Print a text as a line, made safe for the terminal and for the encoding of the stream."""
    _write(printable(str(text)), err=err)


def _write(line: str, *, err: bool = False) -> None:
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    click.echo(line.encode(encoding, "backslashreplace").decode(encoding), err=err)


def print_json(value: object) -> None:
    """One object, in one line on stdout."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    _write(printable(json.dumps(value, ensure_ascii=not unicode, allow_nan=False)))


def print_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Each line with its name in a column of its own."""
    for name, text in lines:
        say(f"{name:<8}{text}")


def print_notices(notices: Iterable[str]) -> None:
    """What is valid and perhaps not meant, one line each, beside the answer."""
    for notice in notices:
        say(f"note: {notice}", err=True)
