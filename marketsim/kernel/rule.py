"""What a rule of trader groups is: a function of one wake-up, and the names of the numbers that it reads.

The kernel's records keep raw space for these numbers, `parameters` in a group's record and `own` in a trader's. A rule
lays its own names over that space, as NumPy dtypes, and reads them through `parameters_of(g)` and `own_of(trader)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marketsim.kernel.layout import GROUP, OWN_WORDS, PARAMETER_WORDS, TRADER
from marketsim.kernel.records import compiled, overlay

NOTHING = np.dtype([])  # the record of a rule without numbers


def _laid_over(fields: list[tuple[str, str]], words: int, what: str) -> np.dtype[Any]:
    """The fields as one record of `words` x 8 bytes; ValueError when they do not fit."""
    plain = np.dtype(fields)
    if plain.itemsize > 8 * words:
        raise ValueError(f"{what} take {plain.itemsize} bytes ({', '.join(plain.names)}); a record has room for {8 * words}")
    formats, offsets = zip(*plain.fields.values(), strict=True)
    return np.dtype({"names": plain.names, "formats": formats, "offsets": offsets, "itemsize": 8 * words})


def group_parameters(*fields: tuple[str, str]) -> np.dtype[Any]:
    """The record of a group's parameters, (name, NumPy type) each; ValueError when they do not fit."""
    return _laid_over(list(fields), PARAMETER_WORDS, "parameters of a group")


def own_numbers(*fields: tuple[str, str]) -> np.dtype[Any]:
    """The record of what each trader has of its own, (name, NumPy type) each; ValueError when they do not fit."""
    return _laid_over(list(fields), OWN_WORDS, "own numbers of a trader")


def reads_parameters(record: np.dtype[Any]) -> Callable[[Any], Any]:
    """The accessor `parameters_of(g)` of a group's record, for compiled rules."""
    return overlay(GROUP, "parameters", record)


def reads_own(record: np.dtype[Any]) -> Callable[[Any], Any]:
    """The accessor `own_of(trader)` of a trader's record, for compiled rules."""
    return overlay(TRADER, "own", record)


@dataclass(frozen=True)
class Rule:
    """A rule as the kernel takes it: `wake(w, g, m, trader, index, wakeup, delay)` and the names of its numbers.

    w, g, m, trader: records of the world, the group, its market, the trader who wakes; index: the trader's place in its
    group; wakeup: how often it has woken; delay: this wake-up's way to the venue [ns]. tables: NumPy type of each parameter that
    is the address of an array; may_lack: those whose address may be 0. Names that end in `_ticks` or `_lots` are counted in
    the market's units and follow when these change (`rescale`). goes_on: what a trader does at the next step of something that
    it works on over time, `goes_on(w, g, m, trader, index, step)` with the message's record as `layout.STEP` (`sending.send_step`).
    """

    name: str
    wake: Any
    parameters: np.dtype[Any] = NOTHING
    own: np.dtype[Any] = NOTHING
    tables: Mapping[str, str] = field(default_factory=dict)
    may_lack: tuple[str, ...] = ()
    goes_on: Any = None

    def fill(self, record: Any, values: Mapping[str, Any], place: Callable[[np.ndarray], int]) -> None:
        """Write a group's parameters into its record; `place(array)` gives the address of a table.

        Raises ValueError where a name is unknown or missing, or a table is not there.
        """
        self._check_names("parameter", self.parameters, values)
        for name, value in values.items():
            if name in self.tables and value is None and name not in self.may_lack:
                raise ValueError(f"rule {self.name!r}: its table {name!r} was None; it needs one")
            number = place(np.ascontiguousarray(value, self.tables[name])) if name in self.tables and value is not None else value
            record["parameters"].view(self.parameters)[name] = number or 0

    def fill_own(self, traders: np.ndarray, values: Mapping[str, Any]) -> None:
        """Write what each trader of a group has of its own, arrays (traders,) or one number for all; raises as `fill`."""
        self._check_names("own number", self.own, values)
        for name, value in values.items():
            self.own_column(traders, name)[:] = value

    def own_column(self, traders: np.ndarray, name: str) -> np.ndarray:
        """One of the traders' own numbers, shape (traders,), to be read and written."""
        return traders["own"].view(self.own)[:, 0][name]

    def rescale(self, record: Any, traders: np.ndarray, ratio: int) -> None:
        """Count what is in ticks or lots anew after a change of units: a new lot is `ratio` old ones, a price as many times higher."""
        columns = {} if self.parameters is NOTHING else record["parameters"].view(self.parameters)
        _rescale({name: columns[name] for name in self.parameters.names}, ratio)
        _rescale({name: self.own_column(traders, name) for name in self.own.names}, ratio)

    def plain_parameters(self, record: Any) -> bytes:
        """A group's parameters without the addresses of tables, which differ from process to process."""
        plain = [name for name in self.parameters.names if name not in self.tables]
        return b"".join(record["parameters"].view(self.parameters)[name].tobytes() for name in plain)

    def _check_names(self, what: str, record: np.dtype[Any], values: Mapping[str, Any]) -> None:
        known = record.names
        for name in values:
            if name not in known:
                raise ValueError(f"rule {self.name!r} has no {what} {name!r}; it has {', '.join(known) or 'none'}")
        missing = [name for name in known if name not in values]
        if missing:
            raise ValueError(f"rule {self.name!r} lacks the {what} {', '.join(missing)}")


def _rescale(columns: Mapping[str, np.ndarray], ratio: int) -> None:
    for name, column in columns.items():
        if name.endswith("_ticks"):
            column *= ratio
        elif name.endswith("_lots"):
            column //= ratio


def rule(
    parameters: np.dtype[Any] = NOTHING,
    own: np.dtype[Any] = NOTHING,
    *,
    tables: Mapping[str, str] | None = None,
    may_lack: tuple[str, ...] = (),
    goes_on: Any = None,
) -> Callable[[Callable[..., None]], Rule]:
    """Decorate the function of a wake-up: it becomes a `Rule` of its name, compiled. Arguments are `Rule`'s fields."""

    def declare(function: Callable[..., None]) -> Rule:
        return Rule(function.__name__, compiled(function), parameters, own, tables or {}, may_lack, goes_on)

    return declare
