"""Every error a user can meet, and the exit code each one has.

    MarketsimError
    +-- UsageError            2   the command line or a call was wrong
    |   +-- UnknownScenarioError  a name of no shipped scenario; in a file, the loader adds the place
    +-- ScenarioError         3   a scenario file is invalid; carries every problem, sorted by line
    +-- ResultError           4   a check of results failed
    |   +-- DamagedResultError   4   a file of a run or study is not what was written, which is not the same as absent
    |   +-- ProcessKilledError   4   a process that worked on it was killed: a sweep tries again
    +-- EnvironmentLackError  5   this machine lacks something; carries the line that installs it
    +-- SweepStoppedError     1   a sweep could not go on; what is finished is kept, and it continues when started again
    +-- KernelError           1   the kernel reported what cannot happen: a defect of ours
    +-- ProcessFailedError    1   what a process that waited for another hears of an exception that cannot be copied
    +-- UnitError             3   a text is not the quantity it should be; the loader adds the place
    |   +-- DataFileError         a file of market data is not what a scenario says of it, at one of its keys
    +-- UnreadableFileError   3   a file that a scenario names cannot be read; the loader adds the place

A rejected order is never an exception: it is an event with a reason code. An exception's `args` are what its class is
called with, and its words are made by `__str__`: so it stays itself where it is made again, by pickle on the way from a
worker and by SimPy on the way out of a process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "DamagedResultError",
    "DataFileError",
    "EnvironmentLackError",
    "KernelError",
    "MarketsimError",
    "Problem",
    "ProcessFailedError",
    "ProcessKilledError",
    "ResultError",
    "ScenarioError",
    "SweepStoppedError",
    "UnitError",
    "UnknownScenarioError",
    "UnreadableFileError",
    "UsageError",
]


class MarketsimError(Exception):
    """Anything marketsim refuses or cannot do; `exit_code` is what the command returns."""

    exit_code: ClassVar[int] = 1


class UsageError(MarketsimError):
    """The command line or a call was wrong."""

    exit_code = 2


class UnknownScenarioError(UsageError):
    """A text names no shipped scenario: what was there, what there is, and what was perhaps meant."""

    def __init__(self, text: str, message: str, allowed: str, suggestion: str = "") -> None:
        self.text = text
        self.message = message
        self.allowed = allowed
        self.suggestion = suggestion
        super().__init__(text, message, allowed, suggestion)

    def __str__(self) -> str:
        hint = f"; did you mean {self.suggestion!r}?" if self.suggestion else ""
        return f"{self.message}; was {self.text!r}; allowed: {self.allowed}{hint}"


@dataclass(frozen=True)
class Problem:
    """One mistake in a scenario: where it stands, what was there, what is allowed, what was perhaps meant.

    file is empty, and line 0, for a value that was handed over in Python: its path is its place.
    """

    file: str
    line: int
    column: int
    path: str
    text: str
    message: str
    allowed: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        is_option = self.file.startswith("--")  # a mistake in `--set PATH=VALUE` stands in no line
        place = f"{self.file}: " if is_option else f"{self.file}:{self.line}:{self.column}: "
        parts = [place if self.file else ""]
        if self.path and not (is_option and self.file.endswith(f" {self.path}")):
            parts.append(f"{self.path}: ")
        parts.append(self.message)
        if self.text:
            parts.append(f"; was {self.text!r}")
        if self.allowed:
            parts.append(f"; allowed: {self.allowed}")
        if self.suggestion:
            parts.append(f"; did you mean {self.suggestion!r}?")
        return "".join(parts)


class ScenarioError(MarketsimError):
    """A scenario is invalid; `problems` holds all of its mistakes, sorted by file and line."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: list[Problem] = sorted(problems, key=lambda p: (p.file, p.line, p.column, p.path, p.message))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class ResultError(MarketsimError):
    """A check of results failed."""

    exit_code = 4


class DamagedResultError(ResultError):
    """A file of a run or a study is not what was written."""


class ProcessKilledError(ResultError):
    """A process that worked on a result was killed, by somebody or for want of memory, and not by its work."""


class EnvironmentLackError(MarketsimError):
    """This machine lacks something; `install` is the line that brings it."""

    exit_code = 5

    def __init__(self, message: str, install: str = "") -> None:
        self.message, self.install = message, install
        super().__init__(message, install)

    def __str__(self) -> str:
        return f"{self.message}; to install it: {self.install}" if self.install else self.message


class SweepStoppedError(MarketsimError):
    """A sweep could not go on, and starting it again continues; `swept` is the study as it stands."""

    def __init__(self, message: str, swept: object = None) -> None:
        self.swept = swept
        super().__init__(message)


class KernelError(MarketsimError):
    """The kernel reported what cannot happen; `code` is its return code."""

    def __init__(self, message: str, code: int = 0) -> None:
        self.message, self.code = message, code
        super().__init__(message, code)

    def __str__(self) -> str:
        return self.message


class UnitError(MarketsimError):
    """A text is not the quantity it should be."""

    exit_code = 3

    def __init__(self, text: str, message: str, allowed: str, suggestion: str = "") -> None:
        self.text = text
        self.message = message
        self.allowed = allowed
        self.suggestion = suggestion
        super().__init__(text, message, allowed, suggestion)

    def __str__(self) -> str:
        hint = f"; did you mean {self.suggestion!r}?" if self.suggestion else ""
        return f"{self.message}; was {self.text!r}; allowed: {self.allowed}{hint}"


class DataFileError(UnitError):
    """A file of market data is not what a scenario says of it; `key` is the key it is said at."""

    def __init__(self, key: str, text: str, message: str, allowed: str, suggestion: str = "") -> None:
        super().__init__(text, message, allowed, suggestion)
        self.key = key
        self.args = (key, text, message, allowed, suggestion)


class UnreadableFileError(MarketsimError):
    """A file that somebody named cannot be read: what is in the way, and what may stand there."""

    exit_code = 3

    def __init__(self, message: str, allowed: str) -> None:
        self.message = message
        self.allowed = allowed
        super().__init__(message, allowed)

    def __str__(self) -> str:
        return f"{self.message}; allowed: {self.allowed}"


class ProcessFailedError(MarketsimError):
    """Stands for another process's exception that cannot be copied, in its words; that one is its `__cause__`."""
