"""The pictures of ARCHITECTURE.md: the rooms as the imports draw them, and blocks that Mermaid can read."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import PACKAGE, PAGES, ROOT

PAGE = PACKAGE / "ARCHITECTURE.md"
Edges = set[tuple[str, str]]


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```mermaid\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def levels() -> list[list[str]]:
    """The rooms that are there, by level, from the top down, as the import law has them."""
    law = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"][0]
    named = [re.findall(r"\((\w+)\)", layer) for layer in law["layers"]]
    return [[room for room in layer if is_room(room)] for layer in named]


def is_room(name: str) -> bool:
    return (PACKAGE / f"{name}.py").exists() or (PACKAGE / name / "__init__.py").exists()


def imported(tree: ast.AST) -> set[str]:
    """Rooms that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {parts[1] for name in found if (parts := name.split("."))[0] == "marketsim" and len(parts) > 1}


def imports() -> Edges:
    """(importer, imported) of rooms; the public page of the package is no room."""
    edges = set()
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room != "__init__":
            edges |= {(room, other) for other in imported(ast.parse(path.read_text("utf-8"))) if is_room(other)}
    return {(room, other) for room, other in edges if room != other}


def without_detours(edges: Edges) -> Edges:
    """The arrows that are left when those are taken out that a longer way of arrows says too."""
    after: dict[str, set[str]] = {}
    for room, other in edges:
        after.setdefault(room, set()).add(other)

    def reached(room: str) -> set[str]:
        found: set[str] = set()
        waiting = [room]
        while waiting:
            new = after.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    return {(a, b) for a, b in edges if not any(b in reached(c) for c in after[a] - {b})}


def drawn() -> str:
    """The block as the imports draw it."""
    lines = ["flowchart TD"]
    for number, rooms in reversed(list(enumerate(reversed(levels())))):
        lines += [f'    subgraph L{number}["level {number}"]', *(f"        {room}" for room in rooms), "    end"]
    place = {room: (i, j) for i, rooms in enumerate(levels()) for j, room in enumerate(rooms)}
    by_room: dict[str, list[str]] = {}
    for room, other in sorted(without_detours(imports()), key=lambda edge: (place[edge[0]], place[edge[1]])):
        by_room.setdefault(room, []).append(other)
    lines += [f"    {room} --> {' & '.join(others)}" for room, others in by_room.items()]
    return "\n".join(lines) + "\n"


def test_every_room_has_its_level() -> None:
    placed = {room for rooms in levels() for room in rooms}
    there = {path.stem for path in PACKAGE.iterdir() if is_room(path.stem) and path.suffix in ("", ".py")}
    assert there - {"__init__"} == placed


def test_the_table_says_of_every_room_on_which_level_it_is() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    told = {int(number): sorted(re.findall(r"`(\w+)`", rooms)) for number, rooms in rows}
    assert told == {number: sorted(rooms) for number, rooms in enumerate(reversed(levels()))}


def test_the_picture_of_the_rooms_is_drawn_from_the_imports() -> None:
    block = blocks(PAGE)[0]
    wanted = drawn()
    assert block == wanted, f"the rooms have changed; put this in ARCHITECTURE.md:\n\n```mermaid\n{wanted}```\n"


def test_no_two_rooms_import_each_other_over_any_way() -> None:
    edges = imports()
    for _ in edges:
        edges = {(a, b) for a, b in edges if any(c == b for c, _ in edges)}  # drop what leads to where nothing leads on
    assert edges == set()


def test_detours_are_left_out_and_nothing_else() -> None:
    assert without_detours({("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}) == {("a", "b"), ("b", "c"), ("a", "d")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_says_what_kind_it_is_and_closes_what_it_opens(page: Path) -> None:
    for block in blocks(page):
        assert re.match(r"(flowchart (TD|LR)|sequenceDiagram|stateDiagram-v2)\n", block)
        words = [line.split()[0] for line in block.splitlines()[1:] if line.strip()]
        opened = sum(word in ("subgraph", "loop", "alt", "opt", "par") for word in words)
        assert opened == words.count("end")
        assert block.count("[") == block.count("]")
        assert block.count('"') % 2 == 0
