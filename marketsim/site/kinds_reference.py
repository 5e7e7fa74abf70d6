"""The reference of kinds: every word that a scenario chooses by, with its keys, limits, defaults and source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import cleandoc
from typing import Any

from marketsim.analysis.claims.family import CLAIMS
from marketsim.analysis.measures.family import MEASURES
from marketsim.analysis.measures.register import listing as measures
from marketsim.kinds import Family, families
from marketsim.scenario.registry import listing
from marketsim.site.spec_tables import keys_table, linked, title
from marketsim.spec import Spec

_INTRODUCTION = """\
# Kinds, measures, presets

Every word that a scenario chooses by, written from the code when this site was built: what it does, its keys with
what they take, what is allowed and their defaults, and the module it stands in. A default of `none` means that the
part is absent. `marketsim list` prints the same in short; plugins that are installed where the site is built are here.
"""


def written() -> str:
    """The page, in Markdown."""
    lines = [_INTRODUCTION]
    for name, family in sorted(families().items()):
        if family not in (MEASURES, CLAIMS):
            lines += [f"## {_plural(name)}", "", *_family(family)]
    lines += ["## Measures", "", *_table(("measure", "module", "what it says"), measures())]
    lines += ["## Claims", "", *_claims()]
    lines += ["## Presets", "", *_table(("preset", "of", "what, and source"), listing("presets"))]
    return "\n".join(lines)


def _plural(name: str) -> str:
    return (name[:-1] + "ies" if name.endswith("y") else name + "s").capitalize()


def _family(family: Family[Any]) -> Iterator[str]:
    """A family's kinds, those without keys of their own too, and what is announced."""
    for word, kind in family.kinds.items():
        if issubclass(kind, Spec):
            yield f"(spec-{title(kind.__name__).lower()})="
        yield from (
            f"### `{family.key or family.name}: {word}`",
            "",
            _docstring(kind),
            "",
            f"Source: `{kind.__module__}`",
            "",
        )
        if issubclass(kind, Spec):
            yield from keys_table(kind.__name__, frozenset({family.key}))
    later = [word for word in family.announced if word not in family.kinds]
    if later:
        yield from (f"Not in this version, and refused by name: {', '.join(f'`{word}`' for word in later)}.", "")


def _claims() -> Iterator[str]:
    for word, kind in CLAIMS.kinds.items():
        yield from (f"### `{word}`", "", _docstring(kind), "", f"Source: `{kind.__module__}`", "")


def _docstring(kind: type[Any]) -> str:
    return linked(cleandoc(kind.__doc__ or ""))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield from (f"| {' | '.join(head)} |", "|" + "---|" * len(head))
    for name, *rest in rows:
        yield f"| `{name}` | " + " | ".join(cell.replace("|", r"\|") for cell in rest) + " |"
    yield ""
