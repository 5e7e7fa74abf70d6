"""The reference of scenario files: every key of every part that is no kind, from the schema."""

from __future__ import annotations

from collections.abc import Iterator

from marketsim.site.spec_tables import keys_table, linked, schema, shape_of, title, words_by_class

_INTRODUCTION = """\
# Keys of scenario files

Every key of a resolved scenario, written from the schema (`marketsim schema`) when this site was built. Parts that
are chosen by a word (a trader's `kind`, a `policy`) are on [another page](kinds.md); how files merge, what absent keys
mean and what a world means is in the [contract](../contract.md#scenario-language). A default of `none` means that the
part is absent; money in a default has the quote currency of its market. `marketsim show FILE` shows a whole scenario
with every default written in.

(spec-scenario)=
## The scenario
"""


def written() -> str:
    """The page, in Markdown."""
    lines = [_INTRODUCTION, *keys_table("")]
    for name in _parts():
        about = linked(shape_of(name).get("description", ""))
        lines += [f"(spec-{title(name).lower()})=", f"## {title(name)}", "", about, ""]
        lines += keys_table(name)
    return "\n".join(lines)


def _parts() -> Iterator[str]:
    """Parts that are no kinds, by name."""
    return (name for name in sorted(schema()["$defs"]) if name not in words_by_class())
