"""The pages on adding a kind are followed to the letter: the file of the page is written, and its commands are run.

On a page ```python PATH is the one file that adds the kind, ```yaml NAME a scenario that uses it; ```console has
commands, each with lines of what it prints (`...` stands for what is left out). A page is followed in a copy of the
package, in which nothing but that file is new.
"""

import ast
import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from marketsim.kinds import Family, families
from marketsim.venues.kernel_twin import KernelTwin
from tests.docs.pages import PACKAGE, ROOT

ADDING = PACKAGE / "docs" / "adding"
BLOCK = re.compile(r"^```(\w+)(?: ([\w./-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(page for page in ADDING.glob("*.md") if page.stem != "index")
PAGE_OF = {"index": "price-index"}
FILES = {"kernel-rule": 2, "mark-rule": 2, "liquidation-engine": 2, "deleveraging-rule": 2}
"""Files a page adds, where they are not one: the kernel knows no Specs, and a Spec compiles nothing."""


@dataclass(frozen=True)
class Recipe:
    """What a page asks for: files of the package, the kind's last, scenarios, commands with what they print."""

    page: Path
    files: dict[str, str]
    scenarios: dict[str, str]
    commands: list[tuple[str, list[str]]]

    @property
    def code(self) -> str:
        """The file in which the kind is registered."""
        return list(self.files.values())[-1]

    @property
    def is_compiled(self) -> bool:
        """Whether it adds to the kernel."""
        return any(file.startswith("marketsim/kernel/") for file in self.files)


def recipe(page: Path) -> Recipe:
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    files = {path: text for language, path, text in blocks if language == "python" and path}
    assert len(files) == FILES.get(page.stem, 1), f"{page.name} adds {', '.join(files)}; a kind is one file"
    scenarios = {path: text for language, path, text in blocks if language == "yaml" and path}
    commands: list[tuple[str, list[str]]] = []
    for line in "".join(text for language, _, text in blocks if language == "console").splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif line.strip():
            commands[-1][1].append(line)
    return Recipe(page, files, scenarios, commands)


def plain(text: str) -> str:
    return " ".join(text.split())


def library_with(folder: Path, files: dict[str, str]) -> Path:
    """A copy of the package, in a folder, in which these files are new."""
    shutil.copytree(PACKAGE, folder / "marketsim", ignore=shutil.ignore_patterns("__pycache__"))
    assert [file for file in files if (folder / file).exists()] == []
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def compiled_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy of all pages that add to the kernel, which so is compiled once for all of them."""
    asked = [recipe(page) for page in PAGES]
    files = {path: text for each in asked if each.is_compiled for path, text in each.files.items()}
    return library_with(tmp_path_factory.mktemp("compiled"), files)


@dataclass(frozen=True)
class Followed:
    """A page's recipe, the copy of the package that has its files, and a working folder with its scenarios."""

    asked: Recipe
    library: Path
    work: Path


@pytest.fixture(params=PAGES, ids=lambda page: page.stem)
def followed(request: pytest.FixtureRequest, tmp_path: Path) -> Followed:
    asked, work = recipe(request.param), tmp_path / "work"
    work.mkdir()
    for name, text in asked.scenarios.items():
        (work / name).write_text(text, encoding="utf-8")
    if asked.is_compiled:
        return Followed(asked, request.getfixturevalue("compiled_library"), work)
    return Followed(asked, library_with(tmp_path / "lib", asked.files), work)


DRIVER = """
import contextlib, io, json, shlex, sys, traceback
from marketsim.cli import main

told = []
for command in json.load(sys.stdin):
    printed = io.StringIO()
    program, *arguments = shlex.split(command)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            main(arguments, prog_name=program) if program == "marketsim" else exec(arguments[1], {})
        except SystemExit:
            pass
        except Exception:
            traceback.print_exc()
    told.append(printed.getvalue())
print(json.dumps(told))
"""


def printed_by(page: Followed) -> list[str]:
    """What the commands of a page print, on both ways out, run one after another in one process."""
    commands = [command for command, _ in page.asked.commands]
    assert {command.split()[0] for command in commands} <= {"marketsim", "python"}
    environment = {**os.environ, "PYTHONPATH": str(page.library), "COLUMNS": "400"}
    ended = subprocess.run(
        [sys.executable, "-c", DRIVER],
        cwd=page.work,
        env=environment,
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told: list[str] = json.loads(ended.stdout)
    return told


def test_a_page_that_is_followed_adds_its_kind_everywhere(followed: Followed) -> None:
    asked = followed.asked
    for (command, lines), printed in zip(asked.commands, printed_by(followed), strict=True):
        assert "Traceback" not in printed, f"$ {command}\n{printed}"
        for part in "\n".join(lines).replace("...", "\n").splitlines():
            assert plain(part) in plain(printed), f"$ {command}\nprinted\n{printed}\nand not\n{part}"
    shown = {command.split()[1] for command, _ in asked.commands}
    assert {"list", "schema", "show", "validate"} <= shown
    assert {"run", "sweep", "compare"} & shown


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


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[ast.Module], ModuleType]:
    """Imports code as a module that is forgotten after the test."""

    def load(tree: ast.Module) -> ModuleType:
        file = tmp_path / "a_kind_of_the_page.py"
        file.write_text(ast.unparse(tree), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, file.stem, module)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        spec.loader.exec_module(module)
        return module

    return load


def changed(code: str, leave_out: Callable[[ast.stmt], bool]) -> ast.Module:
    """A page's code without some statements of the class that is registered."""
    tree = ast.parse(code)
    kind, _ = registered_class(tree)
    left = [statement for statement in kind.body if not leave_out(statement)]
    assert len(left) < len(kind.body), "there is nothing to leave out"
    kind.body = left or [ast.Pass()]
    return tree


def family_of(tree: ast.Module, register: str) -> Family[Any]:
    """The family whose register a page's file imports."""
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    (home,) = [node.module for node in imports if register in {alias.name for alias in node.names}]
    assert home is not None
    family: Family[Any] = getattr(importlib.import_module(home), register)
    return family


@pytest.fixture
def family(page: Path, imported: Callable[[ast.Module], ModuleType], monkeypatch: pytest.MonkeyPatch) -> Family[Any]:
    """The family of a page; where the kernel has each of its kinds too, as if it had the page's."""
    asked = recipe(page)
    tree = ast.parse(asked.code)
    found = family_of(tree, registered_class(tree)[1])
    if issubclass(found.base, KernelTwin):
        with pytest.raises(TypeError, match=r"the kernel has no '\w+'; it needs a file kernel/\w+/\w+\.py"):
            imported(tree)
        monkeypatch.setattr(found.base, "kernel_codes", {Path(next(iter(asked.files))).stem: 0})
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_part_left_out_of_a_page_s_kind_is_named_when_it_is_imported(
    page: Path, imported: Callable[[ast.Module], ModuleType], family: Family[Any]
) -> None:
    code = recipe(page).code
    bare = ast.parse(code)
    kind, _ = registered_class(bare)
    kind.decorator_list = []
    inherited = getattr(imported(bare), kind.name).__mro__[1:]
    abstract = {name for base in inherited for name in getattr(base, "__abstractmethods__", ())}
    needs = {*family.needs, *abstract} & {name for part in kind.body for name in names_of(part)}
    assert len(needs) > 1, f"{page.name} brings {needs}"
    for need in sorted(needs):
        with pytest.raises(TypeError, match=rf"{kind.name}.* no `{need}`|incomplete.*`{need}`"):
            imported(changed(code, lambda statement, need=need: need in names_of(statement)))  # type: ignore[misc]
    with pytest.raises(TypeError, match="it has no docstring"):
        imported(changed(code, lambda statement: isinstance(statement, ast.Expr)))


def test_every_family_has_a_page_and_every_page_a_place_in_the_index() -> None:
    import marketsim.analysis.measures
    import marketsim.scenario.schema

    assert marketsim.analysis.measures
    assert marketsim.scenario.schema
    pages = {page.stem for page in PAGES}
    assert {PAGE_OF.get(name, name.replace(" ", "-")) for name in families()} <= pages
    index = (ADDING / "index.md").read_text(encoding="utf-8")
    assert [page for page in sorted(pages) if f"]({page}.md)" not in index] == []


def test_the_pages_are_found_where_the_package_is() -> None:
    assert PAGES
    assert ADDING.is_relative_to(ROOT)
