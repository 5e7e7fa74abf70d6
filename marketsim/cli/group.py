"""The group of all commands: one way out, so that a user's mistake is a message and an exit code, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EPIPE
from signal import SIGINT, SIGTERM, Signals, default_int_handler, getsignal, signal
from typing import TYPE_CHECKING, Any

import click

from marketsim.cli.output import print_json, printable, say

if TYPE_CHECKING:
    from marketsim.errors import MarketsimError

EXAMPLES = """
\b
Examples:
  marketsim run marketsim:quickstart
  marketsim run marketsim:crowded-reset --seed 2 --set "tokens.BTC3L.aum=100 MUSDT" --json
  marketsim show my_world.yaml --sentences
  marketsim sweep my_study.yaml --workers 2

`marketsim:NAME` is a scenario that comes with marketsim (`marketsim list scenarios`); all else is a file.
"""


class Commands(click.Group):
    """The commands, with one way out: a user's mistake is a message and an exit code, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn refusals and Ctrl-C into the exit codes of the contract."""
        asked = ctx.ensure_object(dict)
        try:
            with _ended_politely():
                return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            say("; ".join(("interrupted", *map(str, stop.args))), err=True)
            ctx.exit(130)
        except click.UsageError as wrong:
            raise click.UsageError(printable(wrong.format_message()), wrong.ctx) from wrong
        except Exception as raised:
            from marketsim.errors import KernelError, MarketsimError

            told = _in_our_words(raised)
            if not isinstance(told, MarketsimError) or isinstance(told, KernelError):
                raise  # a defect of ours: the traceback is what we need
            if asked.get("json"):
                print_json({"error": _as_object(told)})
            _print_error(told)
            ctx.exit(told.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Keep the order of a working day: run and validate first."""
        return list(self.commands)


@contextmanager
def _ended_politely() -> Iterator[None]:
    """Take a request to end (SIGTERM) for Ctrl-C, and an error for one that a library made of it.

    So what is half-done is cleared away first, wherever it was: compiled code tells of an interruption as of a failure.
    """
    is_asked = False

    def interrupt(*_: object) -> None:
        nonlocal is_asked
        is_asked = True
        raise KeyboardInterrupt

    try:
        before = {number: signal(number, interrupt) for number in (SIGTERM, SIGINT) if _is_ours_to_take(number)}
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    except Exception:
        if is_asked:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number, handler in before.items():
            signal(number, handler)


def _is_ours_to_take(number: Signals) -> bool:
    """Whether nobody else has a use for it: in the background Ctrl-C is ignored, and stays so."""
    return number == SIGTERM or getsignal(number) is default_int_handler


def _in_our_words(error: Exception) -> Exception:
    """A system's refusal that no room has put into words, and what an edited result leads to; else, as it is.

    So is a pipe that nobody reads.
    """
    from marketsim.errors import MarketsimError

    if isinstance(error, MarketsimError):
        return error
    if not isinstance(error, OSError) or error.errno in (None, EPIPE):
        return _blamed(error)
    from marketsim.datasets.storage import refusal

    return refusal(error, f"use {error.filename}" if error.filename else "go on", "try another place")


def _blamed(error: Exception) -> Exception:
    """What is wrong with a document that the command has read, where one is not as ours are; else the error itself."""
    if "marketsim.datasets.integrity" not in sys.modules:
        return error
    from marketsim.datasets.documents import suspect

    return suspect() or error


def _print_error(error: MarketsimError) -> None:
    """Say what is wrong; the problems of a scenario each in a line that editors can follow, then how many they are."""
    problems = getattr(error, "problems", [])
    for problem in problems:
        say(str(problem), err=True)
    how_many = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}; nothing was run"
    say(f"error: {how_many if problems else error}", err=True)


def _as_object(error: MarketsimError) -> dict[str, Any]:
    problems = [vars(problem) for problem in getattr(error, "problems", [])]
    return {"kind": type(error).__name__, "exit_code": error.exit_code, "message": str(error), "problems": problems}


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXAMPLES,
)
@click.version_option(package_name="marketsim-lab", prog_name="marketsim")
def main() -> None:
    """Simulate leveraged tokens in a closed loop with the market that prices them."""
