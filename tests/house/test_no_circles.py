"""No file imports, by whatever way, a file that imports it: the law of the rooms does not see inside a room."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "marketsim"

Graph = dict[str, set[str]]


def module_of(path: Path) -> str:
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    return name.removesuffix(".__init__")


def imported_by(tree: ast.AST, modules: set[str]) -> Iterator[str]:
    """Modules named in any import of a file: at its top, under TYPE_CHECKING, or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            source = node.module or ""
            for alias in node.names:
                part = f"{source}.{alias.name}"
                if part in modules:
                    yield part
                elif source in modules:
                    yield source


def import_graph(files: dict[str, str]) -> Graph:
    """By module, the modules its text imports; files: text by module."""
    return {name: set(imported_by(ast.parse(text), set(files))) - {name} for name, text in files.items()}


def circles(graph: Graph) -> list[list[str]]:
    """Sets of modules each of which imports, by some way, all others of its set (Tarjan 1972), largest first."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in sorted(graph[module]):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            place = stack.index(module)
            component = sorted(stack[place:])
            del stack[place:]
            if len(component) > 1:
                found.append(component)

    for module in sorted(graph):
        if module not in number:
            visit(module)
    return sorted(found, key=len, reverse=True)


def shortest_way(graph: Graph, component: list[str]) -> str:
    """A circle from the first module of a component back to it, as `a -> b -> a`."""
    first, inside = component[0], set(component)
    ways = [[first]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for other in sorted(graph[way[-1]] & inside):
            if other == first:
                return " -> ".join([*way, first])
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    raise AssertionError(f"{component} is no circle")


def told(graph: Graph, component: list[str]) -> str:
    return f"{len(component)} files import one another: {', '.join(component)}; {shortest_way(graph, component)}"


GRAPH = import_graph({module_of(path): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))})
ROOMS = sorted({name.split(".")[1] for name in GRAPH if name != "marketsim"})


@pytest.mark.parametrize("room", ROOMS)
def test_no_files_of_a_room_import_one_another_in_a_circle(room: str) -> None:
    found = [told(GRAPH, one) for one in circles(GRAPH) if any(name.split(".")[1:2] == [room] for name in one)]
    assert not found, "\n".join(found)


def test_a_circle_is_found_wherever_its_imports_stand_and_is_printed() -> None:
    files = {
        "m.a": "if TYPE_CHECKING:\n    from m.b import B",
        "m.b": "def late():\n    from m import c",
        "m.c": "import m.a",
        "m.d": "from m.a import A",
        "m": "",
    }
    graph = import_graph(files)
    assert circles(graph) == [["m.a", "m.b", "m.c"]]
    assert told(graph, ["m.a", "m.b", "m.c"]) == "3 files import one another: m.a, m.b, m.c; m.a -> m.b -> m.c -> m.a"
