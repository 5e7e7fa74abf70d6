"""The pages on adding a kind are followed to the letter: the file of the page is written, and its commands are run.

On a page a block ```python PATH is the one file that adds the kind, ```yaml NAME a scenario that uses it, and ```console
has commands, each with lines of what it prints (`...` stands for what is left out). A page is followed in a copy of the
package, in which nothing but that file is new.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from marketsim.kinds import families
from tests.docs.pages import PACKAGE, ROOT

ADDING = PACKAGE / "docs" / "adding"
BLOCK = re.compile(r"^```(\w+)(?: ([\w./-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(page for page in ADDING.glob("*.md") if page.stem != "index")


@dataclass(frozen=True)
class Recipe:
    """What a page asks for: one file of the package, scenarios, commands with what they print."""

    page: Path
    file: str
    code: str
    scenarios: dict[str, str]
    commands: list[tuple[str, list[str]]]

    @property
    def is_compiled(self) -> bool:
        return self.file.startswith("marketsim/kernel/")


def recipe(page: Path) -> Recipe:
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    files = [(path, text) for language, path, text in blocks if language == "python" and path]
    assert len(files) == 1, f"{page.name} adds {len(files)} files; a kind is one"
    scenarios = {path: text for language, path, text in blocks if language == "yaml" and path}
    commands: list[tuple[str, list[str]]] = []
    for line in "".join(text for language, _, text in blocks if language == "console").splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif line.strip():
            commands[-1][1].append(line)
    return Recipe(page, *files[0], scenarios, commands)


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(params=PAGES, ids=lambda page: page.stem)
def followed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Recipe, Path]]:
    """A page's recipe, and a folder with a copy of the package in which its file is written."""
    asked = recipe(request.param)
    shutil.copytree(PACKAGE, tmp_path / "marketsim", ignore=shutil.ignore_patterns("__pycache__"))
    assert not (tmp_path / asked.file).exists(), f"{asked.file} is there already"
    (tmp_path / asked.file).write_text(asked.code, encoding="utf-8")
    for name, text in asked.scenarios.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    yield asked, tmp_path


def run(folder: Path, command: str) -> str:
    """What a command of a page prints, on both ways out."""
    words = command.split(" ", 1)
    assert words[0] in ("marketsim", "python")
    program = f'"{sys.executable}" -m {command}' if words[0] == "marketsim" else f'"{sys.executable}" {words[1]}'
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "400"}
    ended = subprocess.run(
        ["sh", "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ended.stderr, f"$ {command}\n{ended.stderr}"
    return ended.stdout + ended.stderr


def test_a_page_that_is_followed_adds_its_kind_everywhere(followed: tuple[Recipe, Path]) -> None:
    asked, folder = followed
    seen = set()
    for command, lines in asked.commands:
        printed = plain(run(folder, command))
        seen.add(command.split()[1])
        for line in lines:
            for part in line.split("..."):
                assert plain(part) in printed, f"$ {command}\nprinted\n{printed}\nand not\n{part}"
    assert {"list", "schema", "show", "validate", "run"} <= seen | {"sweep"} - {"run"}, f"{asked.page.name} shows {seen}"


def registered_class(tree: ast.Module) -> tuple[ast.ClassDef, str]:
    """The class of a page's file that is registered, and the name of its family's register."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Attribute) and decorator.attr == "register":
                    assert isinstance(decorator.value, ast.Name)
                    return node, decorator.value.id
    raise AssertionError("nothing is registered")


def names_of(statement: ast.stmt) -> set[str]:
    """What a statement of a class body defines."""
    if isinstance(statement, ast.FunctionDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def executed(tree: ast.Module, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    module = ModuleType("a_kind_of_the_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(ast.unparse(tree), module.__name__, "exec"), module.__dict__)
    return module.__dict__


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_part_left_out_of_a_page_s_kind_is_named_when_it_is_imported(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = recipe(page).code
    _, register = registered_class(ast.parse(code))
    bare = ast.parse(code)
    kind, _ = registered_class(bare)
    kind.decorator_list = []
    family = executed(bare, monkeypatch)[register]
    for need in family.needs:
        tree = ast.parse(code)
        kind, _ = registered_class(tree)
        left = [statement for statement in kind.body if need not in names_of(statement)]
        assert len(left) < len(kind.body), f"{page.name} does not bring {need}"
        kind.body = left
        with pytest.raises(TypeError, match=rf"incomplete.*`{need}`"):
            executed(tree, monkeypatch)
    tree = ast.parse(code)
    kind, _ = registered_class(tree)
    kind.body = kind.body[1:]
    with pytest.raises(TypeError, match="it has no docstring"):
        executed(tree, monkeypatch)


def test_every_family_has_a_page_and_every_page_a_place_in_the_index() -> None:
    import marketsim.analysis.measures
    import marketsim.scenario.schema

    assert marketsim.analysis.measures
    assert marketsim.scenario.schema
    pages = {page.stem for page in PAGES}
    assert {name.replace(" ", "-") for name in families()} <= pages
    index = (ADDING / "index.md").read_text(encoding="utf-8")
    assert [page for page in sorted(pages) if f"]({page}.md)" not in index] == []


def test_the_pages_are_found_where_the_package_is() -> None:
    assert PAGES
    assert ADDING.is_relative_to(ROOT)
