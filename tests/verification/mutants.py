"""Mutants of scenario files: changes of their text at random, and changes that no file may make unnoticed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import yaml

from marketsim.scenario.schema import json_schema

HUGE = "9" * 30
VALUES = (
    *("0", "-1", "1e30", HUGE, "-" + HUGE, "0.1", ".inf", ".nan", "true", "null", "~", "none", "", "'", '"'),
    *(
        "[]",
        "{}",
        "{a: b}",
        "[[]]",
        "&a x",
        "*a",
        "!!int 3",
        "<<",
        "- -",
        "|",
        "? x",
        "%YAML 1.3",
        "\t",
        "\0",
        "\ufeff",
    ),
    *("0s", "-1s", "9999999999d", "1ns", "0 USDT", "1e-9 USDT", "9999999999 GUSDT", "-50%", "1e9%", "100%", "0/h"),
    *(
        "9999999999/s",
        "24:00",
        "2024-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "n" * 300,
        "../../x",
        "é\u202e\U0001f600",
    ),
    *("{lognormal: {median: 1, sigma: 99}}", "{uniform: [9, 1]}", "{choice: {}}", "{exponential: -1}", "BTC", "all"),
    *("{pareto: {min: 1 USDT, alpha: 0}}", "[1h, 1h]", "1e-40", "0x10", "1_000", "1,5 USDT", "30 00 USDT", "-0", "+3"),
)
QUANTITY = re.compile(
    r"(?P<number>[-+]?[0-9]+(?:\.[0-9]+)?)(?P<unit> ?(?:[kMG]?[A-Z]{3,5}|%|bps|ns|us|ms|s|min|h|d)(?:/yr|/h|/d|/s)?)"
)
_PAIR = re.compile(r"(?P<key>\w+): (?P<value>[^\s{}\[\],#][^{}\[\],#\n]*)")
_NUMBER = re.compile(r"(?<![\w.])[0-9]+(?:\.[0-9]+)?")


@cache
def words() -> tuple[str, ...]:
    """Every key and every word of the language."""
    found: set[str] = set()

    def look(shape: Any) -> None:
        if isinstance(shape, Mapping):
            found.update(shape.get("properties", {}))
            found.update(str(word) for word in shape.get("enum", ()))
            for below in shape.values():
                look(below)
        elif isinstance(shape, Sequence) and not isinstance(shape, str):
            for below in shape:
                look(below)

    look(json_schema())
    return tuple(sorted(found))


def mutant(text: str, others: Sequence[str], draw: random.Random) -> bytes:
    """A text with one to four changes: of a key or value, of a number, of lines and structure, of its bytes.

    others: texts that lines are taken from.
    """
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 4))):
        lines = text.split("\n")
        at = draw.randrange(len(lines))
        CHANGES[draw.randrange(len(CHANGES))](lines, at, others, draw)
        text = "\n".join(lines)
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    if raw and draw.random() < 0.05:
        raw[draw.randrange(len(raw))] = draw.randrange(256)
    if draw.random() < 0.02:
        del raw[draw.randrange(len(raw) + 1) :]
    return bytes(raw)


def _parts(line: str) -> list[str]:
    """A line cut where its keys and values meet."""
    return re.split(r"([:,{}\[\]])", line)


def _put_value(lines: list[str], at: int, _others: Sequence[str], draw: random.Random) -> None:
    parts = _parts(lines[at])
    parts[draw.randrange(len(parts))] = " " + draw.choice(VALUES)
    lines[at] = "".join(parts)


def _put_word(lines: list[str], at: int, _others: Sequence[str], draw: random.Random) -> None:
    parts = _parts(lines[at])
    parts[draw.randrange(len(parts))] = " " + draw.choice(words())
    lines[at] = "".join(parts)


def _add_entry(lines: list[str], at: int, _others: Sequence[str], draw: random.Random) -> None:
    entry = f"{draw.choice(words())}: {draw.choice((draw.choice(VALUES), draw.choice(words())))}"
    if "{" in lines[at]:
        lines[at] = lines[at].replace("{", "{" + entry + ", ", 1)
    else:
        indent = len(lines[at]) - len(lines[at].lstrip(" -"))
        lines.insert(at + 1, " " * indent + entry)


def _scale(lines: list[str], at: int, _others: Sequence[str], draw: random.Random) -> None:
    found = list(_NUMBER.finditer(lines[at]))
    if found:
        one = draw.choice(found)
        factor = draw.choice(("0", "1e3", "1e6", "1e12", "0.5", "0.001", "-1"))
        number = "-" + one[0] if factor == "-1" else f"{float(one[0]) * float(factor):.12g}"
        lines[at] = lines[at][: one.start()] + number + lines[at][one.end() :]


def _swap(lines: list[str], at: int, _others: Sequence[str], draw: random.Random) -> None:
    theirs, ours = _parts(draw.choice(lines)), _parts(lines[at])
    ours[draw.randrange(len(ours))] = draw.choice(theirs)
    lines[at] = "".join(ours)


def _repeat(lines: list[str], at: int, _others: Sequence[str], draw: random.Random) -> None:
    lines.insert(draw.randrange(len(lines)), lines[at])


def _delete(lines: list[str], at: int, _others: Sequence[str], _draw: random.Random) -> None:
    del lines[at]
    lines[:] = lines or [""]


def _indent(lines: list[str], at: int, _others: Sequence[str], draw: random.Random) -> None:
    lines[at] = " " * draw.randint(0, 6) + lines[at].lstrip()


def _graft(lines: list[str], at: int, others: Sequence[str], draw: random.Random) -> None:
    theirs = draw.choice(others).split("\n")
    first = draw.randrange(len(theirs))
    lines[at:at] = theirs[first : first + draw.randint(1, 3)]


def _exchange(lines: list[str], at: int, others: Sequence[str], draw: random.Random) -> None:
    """The value of a key becomes one that this key has elsewhere."""
    found = list(_PAIR.finditer(lines[at]))
    if found:
        one = draw.choice(found)
        values = _values_of(tuple(others)).get(one["key"], [one["value"]])
        lines[at] = lines[at][: one.start("value")] + draw.choice(values) + lines[at][one.end("value") :]


@cache
def _values_of(texts: tuple[str, ...]) -> dict[str, list[str]]:
    """What each key is set to, in any of the texts."""
    found: dict[str, list[str]] = {}
    for text in texts:
        for pair in _PAIR.finditer(text):
            found.setdefault(pair["key"], []).append(pair["value"])
    return found


CHANGES = (
    *(_put_value, _put_word, _add_entry, _swap, _repeat, _delete, _indent, _graft),
    *(_scale, _scale, _scale, _scale, _exchange, _exchange, _exchange, _exchange),
)


@dataclass(frozen=True)
class Leaf:
    """A plain value of a file: the keys it stands below, what is written, and where in the text."""

    keys: tuple[str, ...]
    text: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """The last key above it."""
        return self.keys[-1] if self.keys else ""

    def replaced(self, whole: str, by: str) -> str:
        """The text with another value here."""
        return whole[: self.start] + by + whole[self.end :]


@dataclass(frozen=True)
class Entry:
    """A key of a file, and where in the text it and its value stand."""

    keys: tuple[str, ...]
    start: int
    end: int
    value_end: int
    is_flow: bool


@dataclass(frozen=True)
class Nonsense:
    """A text that has to be refused, or, where `is_other` is said, may be another world and never the same one."""

    text: str
    what: str
    is_other: bool = False


_FREE_TEXT = ("title", "references", "name", "seed", "schema", "path", "registration", "id", "issuer", "venue")
_REFERENCES = ("market", "underlying", "like", "preset", "extends", "token", "subject")
_NEVER_NEGATIVE = ("capital", "tick", "lot", "aum", "nav", "price", "count", "duration", "rate", "warmup", "latency")
_WITHOUT_EFFECT = ("study", "envelope", *_FREE_TEXT)


def nonsense(text: str, draw: random.Random) -> Nonsense | None:
    """A text with one change of meaning that must not pass; None where this file has no place for the change drawn."""
    leaves, entries = _read(text)
    return draw.choice(NONSENSE)(text, leaves, entries, draw)


def _read(text: str) -> tuple[list[Leaf], list[Entry]]:
    """The plain values and the keys of a document."""
    leaves: list[Leaf] = []
    entries: list[Entry] = []
    for found in _walk(yaml.compose(text, Loader=yaml.SafeLoader), ()):
        (leaves if isinstance(found, Leaf) else entries).append(found)  # type: ignore[arg-type]
    return leaves, entries


def _walk(node: yaml.Node | None, keys: tuple[str, ...]) -> Iterator[Leaf | Entry]:
    if isinstance(node, yaml.ScalarNode):
        yield Leaf(keys, node.value, node.start_mark.index, node.end_mark.index)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _walk(item, keys)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*keys, str(key.value))
            place = (key.start_mark.index, key.end_mark.index, value.end_mark.index)
            yield Entry(below, *place, bool(node.flow_style))
            yield from _walk(value, below)


def _among(leaves: Sequence[Leaf], draw: random.Random, *, named: Sequence[str] = ()) -> Leaf | None:
    """A value that is not free text, below one of the keys where they are given."""
    found = [leaf for leaf in leaves if leaf.keys and leaf.keys[0] not in _FREE_TEXT and leaf.key not in _FREE_TEXT]
    found = [leaf for leaf in found if not named or leaf.key in named]
    return draw.choice(found) if found else None


def _quantities(leaves: Sequence[Leaf]) -> list[tuple[Leaf, re.Match[str]]]:
    return [(leaf, match) for leaf in leaves if leaf.keys and (match := QUANTITY.fullmatch(leaf.text)) is not None]


def _misspelt(text: str, _leaves: Sequence[Leaf], entries: Sequence[Entry], draw: random.Random) -> Nonsense | None:
    entry = draw.choice(entries)
    name = entry.keys[-1]
    at = draw.randrange(len(name) + 1)
    wrong = name[:at] + draw.choice("aeiouxyz_") + name[at:]
    is_nothing = text[entry.end : entry.value_end].strip(" :") in ("", "~", "null")  # an absent key may be deleted
    if is_nothing or wrong in words() or name not in words() or entry.keys[0] == "study" or "basket" in entry.keys[:-1]:
        return None
    return Nonsense(text[: entry.start] + wrong + text[entry.end :], f"the key {'.'.join(entry.keys)} as {wrong}")


def _doubled(text: str, _leaves: Sequence[Leaf], entries: Sequence[Entry], draw: random.Random) -> Nonsense | None:
    entry = draw.choice([each for each in entries if each.is_flow] or entries)
    if not entry.is_flow:
        return None
    written = text[entry.start : entry.value_end]
    return Nonsense(text[: entry.start] + written + ", " + text[entry.start :], f"the key {'.'.join(entry.keys)} twice")


def _bare(text: str, leaves: Sequence[Leaf], _entries: Sequence[Entry], draw: random.Random) -> Nonsense | None:
    found = [(leaf, match) for leaf, match in _quantities(leaves) if float(match["number"]) and leaf.keys[0] != "study"]
    if not found:
        return None
    leaf, match = draw.choice(found)
    return Nonsense(leaf.replaced(text, match["number"]), f"{'.'.join(leaf.keys)}: {leaf.text} without its unit")


def _other_unit(text: str, leaves: Sequence[Leaf], _entries: Sequence[Entry], draw: random.Random) -> Nonsense | None:
    found = [(leaf, match) for leaf, match in _quantities(leaves) if leaf.keys[0] != "study"]
    if not found:
        return None
    leaf, match = draw.choice(found)
    unit = draw.choice((" parsec", " kg", "/fortnight", " USDT USDT", "%%", " s bps"))
    return Nonsense(leaf.replaced(text, match["number"] + unit), f"{'.'.join(leaf.keys)} in{unit}")


def _nobody(text: str, leaves: Sequence[Leaf], _entries: Sequence[Entry], draw: random.Random) -> Nonsense | None:
    leaf = _among(leaves, draw, named=_REFERENCES)
    if leaf is None or leaf.text == "none" or leaf.keys[0] == "study":
        return None
    return Nonsense(leaf.replaced(text, "nowhere"), f"{'.'.join(leaf.keys)}: nowhere")


def _no_number(text: str, leaves: Sequence[Leaf], _entries: Sequence[Entry], draw: random.Random) -> Nonsense | None:
    leaf = _among([leaf for leaf in leaves if _NUMBER.match(leaf.text)], draw)
    if leaf is None or leaf.keys[0] == "study":
        return None
    value = draw.choice((".inf", ".nan", "-.inf", "1e400", "infinity", "nan USDT", "1e400 USDT", "0x1F", "1_0", "1,5"))
    return Nonsense(leaf.replaced(text, f'"{value}"'), f"{'.'.join(leaf.keys)}: {value}")


def _other_form(text: str, leaves: Sequence[Leaf], _entries: Sequence[Entry], draw: random.Random) -> Nonsense | None:
    leaf = _among(leaves, draw)
    if leaf is None or leaf.keys[0] == "study":
        return None
    value = draw.choice(("{zz: 1}", "[[zz]]", '"z z z"', "zzzz"))
    return Nonsense(leaf.replaced(text, value), f"{'.'.join(leaf.keys)}: {value}")


def _negative(text: str, leaves: Sequence[Leaf], _entries: Sequence[Entry], draw: random.Random) -> Nonsense | None:
    leaf = _among([leaf for leaf in leaves if _NUMBER.match(leaf.text)], draw, named=_NEVER_NEGATIVE)
    if leaf is None or leaf.keys[0] in ("study", "events"):
        return None
    return Nonsense(leaf.replaced(text, "-" + leaf.text), f"{'.'.join(leaf.keys)}: -{leaf.text}")


def _trebled(text: str, leaves: Sequence[Leaf], _entries: Sequence[Entry], draw: random.Random) -> Nonsense | None:
    found = [(leaf, match) for leaf, match in _quantities(leaves) if leaf.keys[0] not in _WITHOUT_EFFECT]
    found = [(leaf, match) for leaf, match in found if float(match["number"])]
    if not found:
        return None
    leaf, match = draw.choice(found)
    number = Fraction(match["number"]) * 3
    digits = len(match["number"].partition(".")[2])
    amount = f"{float(number):.{digits}f}{match['unit']}"
    return Nonsense(leaf.replaced(text, amount), f"{'.'.join(leaf.keys)}: {amount} for {leaf.text}", is_other=True)


NONSENSE = (
    *(_misspelt, _doubled, _bare, _other_unit, _nobody, _no_number, _other_form, _negative),
    *(_trebled, _trebled),
)
