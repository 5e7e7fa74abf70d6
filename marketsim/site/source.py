"""The pages of a checkout laid out for Sphinx, in the same tree, so that links are right on both."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from marketsim.site import (
    commands_reference,
    kinds_reference,
    language_reference,
    python_reference,
    tables_reference,
)

ROOMS = ("marketsim", "scenarios", "results", "tests")
"""Folders of a checkout whose Markdown is part of the site; and the README."""

REFERENCE = Path("marketsim", "docs", "reference")
WRITERS = {
    "language": language_reference.written,
    "kinds": kinds_reference.written,
    "tables": tables_reference.written,
    "commands": commands_reference.written,
    "python": python_reference.written,
}
"""Pages of the reference, by name, each written from what the code says."""

_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")


def lay_out(root: Path, source: Path) -> None:
    """Copy a checkout's pages, and the files they link to, into an empty folder; write the reference beside them."""
    pages = [root / "README.md"]
    pages += [page for room in ROOMS for page in sorted((root / room).rglob("*.md")) if _belongs(page, root)]
    for page in pages:
        place = source / page.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, place)
        for link in _LINK.findall(page.read_text(encoding="utf-8")):
            _copy_beside(root, source, page.parent / link[1])
    for name, write in WRITERS.items():
        (source / REFERENCE / f"{name}.md").write_text(write(), encoding="utf-8")


def _belongs(page: Path, root: Path) -> bool:
    """Whether a page is written by people, and not the output of a run."""
    inside = page.relative_to(root)
    return inside.parts[0] != "results" or len(inside.parts) == 2


def _copy_beside(root: Path, source: Path, target: Path) -> None:
    """Copy a file that a page links to, unless it is a page or no file of the checkout."""
    target = target.resolve()
    if target.is_file() and target.suffix != ".md" and target.is_relative_to(root.resolve()):
        place = source / target.relative_to(root.resolve())
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target, place)
