"""Pages of the gallery, in Markdown: one for each study and claim, and the list of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A study or claim: its name, its question, and what came of it; of one that was not made what it costs instead.

    figure: the file of its picture, beside its page. report: its own page, with all charts and numbers. command: what
    makes it.
    """

    name: str
    title: str
    is_claim: bool
    answer: list[str] = field(default_factory=list)
    figure: str | None = None
    report: Path | None = None
    command: str = "sweep"
    cost: str = ""


def page(entry: Entry) -> str:
    """The page of one that was made."""
    lines = [f"# {entry.title}", "", *(f"**{sentence}**\n" for sentence in entry.answer)]
    if entry.figure is not None:
        lines += [f"![{entry.title}]({entry.figure})", ""]
    lines += [
        f'<a href="reports/{entry.name}.html">Its page</a> has every chart and number. To make it:',
        "",
        "```text",
        f"marketsim {entry.command} marketsim:{entry.name}",
        "```",
        "",
    ]
    return "\n".join(lines)


def index_page(entries: Sequence[Entry]) -> str:
    """The list of all, studies first, with their answers, and those that were not made with their cost."""
    made = [entry for entry in entries if not entry.cost]
    lines = ["# Gallery", "", "What is shipped, made by this version: a question each, and what came out.", ""]
    for heading, is_claim in (("Studies", False), ("Claims", True)):
        own = [entry for entry in made if entry.is_claim is is_claim]
        lines += [f"## {heading}", "", "| question | answer |", "|---|---|"]
        lines += [f"| [{entry.title}]({entry.name}.md) | {_cell(' '.join(entry.answer))} |" for entry in own]
        lines += [""]
    lines += ["## Not made here", "", "| study | question | cost |", "|---|---|---|"]
    lines += [f"| `marketsim:{each.name}` | {each.title} | {each.cost} |" for each in entries if each.cost]
    lines += ["", "```{toctree}", ":hidden:", "", *(entry.name for entry in made), "```", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
