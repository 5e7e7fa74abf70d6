"""The doors of the commands, asked in this process: how each ended, and that it ended in words and in time."""

from __future__ import annotations

import faulthandler
import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from click.testing import CliRunner, Result

from marketsim.cli import main
from marketsim.scenario import load, load_text
from marketsim.scenario.schema import Scenario

LIMIT_S = 20
"""Processor time, longer than anything asked here may take."""
WAIT_S = 600
"""Time on the clock after which the process ends: it waits for something, or compiled code hears no signal."""
DEFECT = re.compile(r"Traceback|Node\(|<object|object at 0x|^\w*(?:Error|Exception|Interrupt)\b:", re.MULTILINE)
"""What no answer holds: an exception as Python writes it, or an object of ours."""
MOST_EVENTS = 20_000
"""Wake-ups of a run that is short."""


class HangError(BaseException):
    """A command that did not answer; no `except Exception` on the way takes it."""


@contextmanager
def answered_in_time() -> Iterator[None]:
    """End what takes longer than `LIMIT_S`, and, after `WAIT_S`, the process."""

    def hang(_number: int, _frame: FrameType | None) -> None:
        raise HangError(f"no answer after {LIMIT_S} s of processor time")

    before = signal.signal(signal.SIGPROF, hang)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    faulthandler.dump_traceback_later(WAIT_S, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def command(*arguments: str, ends: tuple[int, ...]) -> Result:
    """One command, as the command line calls it; it ends with one of these exit codes and in words."""
    with answered_in_time():
        ended = CliRunner().invoke(main, list(arguments))
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    found = DEFECT.search(ended.output)
    assert found is None, (found, ended.output)
    assert ended.exit_code in ends, (ended.exit_code, ended.output)
    assert ended.exit_code == 0 or ended.output.strip(), f"exit code {ended.exit_code} without a word"
    return ended


def validate(path: Path) -> Result:
    """`validate`: valid, or problems with their places."""
    ended = command("validate", str(path), ends=(0, 3))
    if ended.exit_code == 3:
        assert all(re.match(r"\S+:\d+:\d+: \S", line) for line in ended.output.splitlines()[:1]), ended.output
    return ended


def show(path: Path) -> None:
    """`show` in its three forms, of a valid file."""
    for form in ((), ("--sentences",), ("--json",)):
        ended = command("show", str(path), *form, ends=(0,))
        if form == ("--json",):
            json.loads(ended.stdout)


def written_again(path: Path) -> Scenario:
    """The scenario of a valid file; written out as it is stored and read again, it is the same."""
    with answered_in_time():
        world = load(path)
        again = load_text(json.dumps(world.complete()), folder=world.root, name=world.name)
    assert again.sha256() == world.sha256()
    return world


def is_short(world: Scenario, duration_s: int) -> bool:
    """Whether a run of so long is soon over: few traders, few wake-ups."""
    groups = world.traders
    wakes = sum(group.count * float(group.rate or 0) for group in groups) * duration_s
    return sum(group.count for group in groups) < MOST_EVENTS and wakes < MOST_EVENTS


def run(path: Path, out: Path, duration_s: int) -> Result:
    """A short run: done, or failed for a reason in words; or refused, as it does not fit so short a clock."""
    return command(
        *("run", str(path), "--out", str(out), "--no-report", "--json", "--again", "--time-limit", "5s"),
        *("--set", f"clock.duration={duration_s}s", "--set", "clock.warmup=0s"),
        ends=(0, 1, 3),
    )
