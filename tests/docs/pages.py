"""The Markdown pages of the package, their headings, and the references to them in code."""

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "marketsim"
PAGES = sorted(PACKAGE.rglob("*.md"))
CODE = [path for room in ("marketsim", "tests") for path in sorted((ROOT / room).rglob("*.py"))]
SCENARIOS = [path for room in ("marketsim", "scenarios") for path in sorted((ROOT / room).rglob("*.yaml"))]

REFERENCE = re.compile(r"(?<![\w/])docs/[\w/]+\.md(?:#[\w-]+)?")
"""How code refers to a page: its path from the package's folder, and a heading's anchor behind `#`."""

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Place:
    """A piece of text that a reader sees, and where it stands."""

    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub and MyST make it."""
    plain = re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(page: Path) -> list[str]:
    """The anchors of a page's headings, in their order."""
    return [slug(heading) for heading in _HEADING.findall(prose(page))]


def links(page: Path) -> list[str]:
    """Where a page's links lead, web addresses left out."""
    return [link for link in _LINK.findall(prose(page)) if "://" not in link]


def leads_somewhere(link: str, folder: Path, page: Path | None = None) -> bool:
    """Whether a link's file is there below a folder, and its heading in that file."""
    name, _, anchor = link.partition("#")
    file = (folder / name).resolve() if name else page
    assert file is not None
    return file.exists() and (not anchor or (file.suffix == ".md" and anchor in anchors(file)))


def texts_of_code(path: Path) -> Iterator[Place]:
    """The comments and strings of a Python file."""
    source = path.read_text(encoding="utf-8")
    kinds = (tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.COMMENT))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in kinds:
            is_formatted = "f" in token.string.partition('"')[0].lower() and token.type == tokenize.STRING
            text = re.sub(r"\{[^{}]*\}", "", token.string) if is_formatted else token.string
            yield Place(path, token.start[0], text)


def texts() -> Iterator[Place]:
    """Every text in which a reference may stand: comments and strings of code, and scenario files."""
    for path in CODE:
        yield from texts_of_code(path)
    for path in SCENARIOS:
        yield Place(path, 1, path.read_text(encoding="utf-8"))
