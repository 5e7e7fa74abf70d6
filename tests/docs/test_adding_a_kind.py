"""The pages on adding a kind are followed to the letter: the file of the page is written, and its commands are run.

On a page ```python PATH is the one file that adds the kind, ```yaml NAME a scenario that uses it; ```console has
commands, each with lines of what it prints (`...` stands for what is left out). A page is followed in a copy of the
package, in which nothing but that file is new.
"""

import ast
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

import pytest

from marketsim.kinds import families
from tests.docs.pages import PACKAGE, ROOT

ADDING = PACKAGE / "docs" / "adding"
BLOCK = re.compile(r"^```(\w+)(?: ([\w./-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(page for page in ADDING.glob("*.md") if page.stem != "index")
PAGE_OF = {"index": "price-index"}
FILES = {"kernel-rule": 2}
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


@pytest.fixture(params=PAGES, ids=lambda page: page.stem)
def followed(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Recipe, Path]:
    """A page's recipe; and a folder: its `lib` has a copy of the package with the page's file, `work` the scenarios."""
    asked = recipe(request.param)
    library, work = tmp_path / "lib", tmp_path / "work"
    shutil.copytree(PACKAGE, library / "marketsim", ignore=shutil.ignore_patterns("__pycache__"))
    work.mkdir()
    assert [file for file in asked.files if (library / file).exists()] == []
    for folder, texts in ((library, asked.files), (work, asked.scenarios)):
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    return asked, tmp_path


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


def printed_by(folder: Path, commands: list[str]) -> list[str]:
    """What the commands of a page print, on both ways out, run one after another in one process."""
    assert {command.split()[0] for command in commands} <= {"marketsim", "python"}
    environment = {**os.environ, "PYTHONPATH": str(folder / "lib"), "COLUMNS": "400"}
    ended = subprocess.run(
        [sys.executable, "-c", DRIVER],
        cwd=folder / "work",
        env=environment,
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told: list[str] = json.loads(ended.stdout)
    return told


def test_a_page_that_is_followed_adds_its_kind_everywhere(followed: tuple[Recipe, Path]) -> None:
    asked, folder = followed
    told = printed_by(folder, [command for command, _ in asked.commands])
    for (command, lines), printed in zip(asked.commands, told, strict=True):
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_part_left_out_of_a_page_s_kind_is_named_when_it_is_imported(
    page: Path, imported: Callable[[ast.Module], ModuleType]
) -> None:
    code = recipe(page).code
    tree = ast.parse(code)
    kind, register = registered_class(tree)
    kind.decorator_list = []
    module = imported(tree)
    inherited = getattr(module, kind.name).__mro__[1:]
    abstract = {name for base in inherited for name in getattr(base, "__abstractmethods__", ())}
    needs = {*getattr(module, register).needs, *abstract} & {name for part in kind.body for name in names_of(part)}
    assert len(needs) > 1, f"{page.name} brings {needs}"
    for need in sorted(needs):
        with pytest.raises(TypeError, match=rf"{kind.name}.* no `{need}`|incomplete.*`{need}`"):
            imported(changed(code, lambda statement, need=need: need in names_of(statement)))  # type: ignore[misc]
    with pytest.raises(TypeError, match="it has no docstring"):
        imported(changed(code, lambda statement: isinstance(statement, ast.Expr)))


def test_every_family_that_is_open_has_a_page_and_every_page_a_place_in_the_index() -> None:
    import marketsim.analysis.measures
    import marketsim.scenario.schema

    assert marketsim.analysis.measures
    assert marketsim.scenario.schema
    pages = {page.stem for page in PAGES}
    assert {PAGE_OF.get(name, name.replace(" ", "-")) for name, family in families().items() if family.is_open} <= pages
    index = (ADDING / "index.md").read_text(encoding="utf-8")
    assert [page for page in sorted(pages) if f"]({page}.md)" not in index] == []


def test_the_pages_are_found_where_the_package_is() -> None:
    assert PAGES
    assert ADDING.is_relative_to(ROOT)
