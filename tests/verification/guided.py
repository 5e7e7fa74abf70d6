"""Coverage as a guide: mutants that reach lines or words no other reached become the texts that are changed next."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import marketsim

ROOMS = tuple(
    str(Path(marketsim.__file__).parent / room) for room in ("scenario", "spec.py", "units.py", "events", "venues")
)
_WORDS = re.compile(r"'[^']*'|\"[^\"]*\"|[-+.,\w]*[0-9][-+.,\w]*")


class Coverage:
    """The lines of some rooms that anything has reached so far, and the messages, their particulars left out."""

    def __init__(self, rooms: tuple[str, ...] = ROOMS) -> None:
        self._rooms = rooms
        self._lines: dict[CodeType, set[int]] = {}
        self._elsewhere: set[CodeType] = set()
        self._messages: set[str] = set()
        self._found = 0

    @property
    def reached(self) -> int:
        """How many lines and messages."""
        return sum(map(len, self._lines.values())) + len(self._messages)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note every line that is reached in here."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def hear(self, output: str) -> None:
        """Note what was said."""
        self._messages |= {_WORDS.sub("_", line.partition(": ")[2]) for line in output.splitlines()}

    def is_more(self) -> bool:
        """Whether anything was reached since this was last asked."""
        before, self._found = self._found, self.reached
        return self._found > before

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        code = frame.f_code
        if code in self._lines:
            return self._step
        if code in self._elsewhere:
            return None
        if not code.co_filename.startswith(self._rooms):
            self._elsewhere.add(code)
            return None
        self._lines[code] = set()
        return self._step

    def _step(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            self._lines[frame.f_code].add(frame.f_lineno)
        return self._step


class Corpus:
    """Texts worth changing: those it began with, and those that reached something new; the young come first."""

    def __init__(self, texts: Iterable[tuple[str, str]]) -> None:
        self._texts = list(texts)
        self._first = len(self._texts)

    @property
    def found(self) -> int:
        """How many were added."""
        return len(self._texts) - self._first

    def pick(self, draw: random.Random) -> tuple[str, str]:
        """A name and a text: half the time one of those that were found."""
        if self.found and draw.random() < 0.5:
            return self._texts[self._first + int(self.found * draw.random() ** 0.5)]
        return self._texts[draw.randrange(self._first)]

    def keep(self, name: str, text: str) -> None:
        """Take a text in that reached something new, under the name of the file it came from."""
        self._texts.append((name, text))
