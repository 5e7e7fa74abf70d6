"""ODD.md: the model by the ODD protocol, standing alone, with this study's world as what it changes in its base world.

Source: Grimm et al. 2020, JASSS 23(2) 7: seven elements, in their order.
"""

from __future__ import annotations

import re
from importlib.resources import files

from marketsim.publication.record import PackageRecord


def odd_text(record: PackageRecord) -> str:
    """The text of ODD.md."""
    model = files("marketsim").joinpath("ODD.md").read_text(encoding="utf-8")
    head, _, elements = model.partition("\n## 1. ")
    return "\n".join(
        [
            f"# {record.study.title}: the model, by the ODD protocol",
            "",
            *_without_title(head),
            "",
            "The elements are those of the model. What this study sets stands in the last section, which is made from",
            "its scenario.",
            "",
            "## 1. " + _plain(elements).rstrip(),
            "",
            *_this_study(record),
        ]
    )


def _without_title(head: str) -> list[str]:
    return [line for line in head.splitlines() if not line.startswith("# ")]


def _plain(text: str) -> str:
    """The text with links to files that are not in the package as plain words."""
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", text)


def _this_study(record: PackageRecord) -> list[str]:
    study = record.study
    lines = [
        "## This study",
        "",
        f"**Question.** {study.title}",
        "",
        f"**Design.** {study.cells:,} cells, {study.replications:,} replications, arms {', '.join(study.arms)}; "
        f"registered outcome: {study.primary or 'none'}; measures: {', '.join(study.measures) or 'none'}.",
        "",
        *(f"- `{path}` varies; its values are the column `{column}`." for path, column in study.axes.items()),
        "",
        "**The world in words.**",
        "",
        *study.sentences.splitlines(),
        "",
    ]
    if study.base is None:
        return [*lines, "**Base world.** It extends none: the paragraphs above are the whole world.", ""]
    return [
        *lines,
        f"**What it changes in its base world, `{study.base}`.**",
        "",
        "| path | base | here |",
        "|---|---|---|",
        *(f"| `{path}` | {_cell(before)} | {_cell(after)} |" for path, before, after in study.changes),
        "",
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|") or "-"
