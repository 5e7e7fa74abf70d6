"""Pages whose blocks of code are followed, from an empty folder, in a process of their own.

```LANGUAGE PATH is a file that is written; ```console has commands (`$ `), each with lines of what it prints. Other
blocks are shown only. A `pyproject.toml` is installed beside the process, not into the environment.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import PACKAGE, ROOT

GUIDES = PACKAGE / "docs" / "guides"
SLOW = ("causal-answer", "cluster", "dataset", "r-and-duckdb")
"""Pages that make studies, or several runs: `make verify` follows them."""

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_DRIVER = """
import contextlib, io, json, runpy, shlex, sys, traceback

def main():
    from marketsim.cli import main as marketsim

    told = []
    for command in json.load(sys.stdin):
        printed, code = io.StringIO(), 0
        program, *arguments = shlex.split(command)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                if program == "marketsim":
                    marketsim(arguments, prog_name=program)
                else:
                    runpy.run_path(arguments[0], run_name="__main__")
            except SystemExit as end:
                code = end.code or 0
            except Exception:
                code = traceback.format_exc()
        told.append((printed.getvalue(), code))
    print(json.dumps(told))

if __name__ == "__main__":
    main()
"""


@dataclass(frozen=True)
class Command:
    """A command of a page, and lines of what it prints."""

    line: str
    parts: list[str]


def files_of(page: Path) -> dict[str, str]:
    """The files that a page has written, by path."""
    return {path: text for _, path, text in _BLOCK.findall(page.read_text("utf-8")) if "." in path}


def commands_of(page: Path) -> list[Command]:
    """The commands of a page, in their order."""
    found: list[Command] = []
    text = "".join(text for language, _, text in _BLOCK.findall(page.read_text("utf-8")) if language == "console")
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], []))
        elif line.strip():
            found[-1].parts.append(line)
    return found


def follow(page: Path, folder: Path) -> Iterator[tuple[Command, str]]:
    """Follow a page in an empty folder: each command with what it printed, on both ways out."""
    packages = []
    for path, text in files_of(page).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        if path.endswith("pyproject.toml"):
            packages.append(installed((folder / path).parent))
    commands = commands_of(page)
    printed = run_commands([command.line for command in commands], folder, packages)
    yield from zip(commands, printed, strict=True)


def run_commands(lines: list[str], folder: Path, packages: list[Path] | None = None) -> list[str]:
    """What commands print, one after another in one process; each has to end well."""
    driver = folder / ".driver.py"
    driver.write_text(_DRIVER, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, str(driver)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*(packages or []), ROOT])), "COLUMNS": "400"},
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    for line, (printed, code) in zip(lines, told, strict=True):
        assert code == 0, f"$ {line}\n{printed}\n{code}"
    return [printed for printed, _ in told]


def installed(project: Path) -> Path:
    """A folder for `sys.path` in which a project of plain modules is installed: its modules and its entry points."""
    head = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    info = project / f"{head['name'].replace('-', '_')}-{head['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {head['name']}\nVersion: {head['version']}\n", "utf-8"
    )
    lines = [
        line
        for group, points in head["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {where}" for name, where in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return project


def check_followed(page: Path, folder: Path) -> None:
    """That every command of a page ends well and prints what the page says, in its order; `...` is what is left out."""
    for command, printed in follow(page, folder):
        rest = " ".join(printed.split())
        for part in " ".join(command.parts).split("..."):
            words = " ".join(part.split())
            assert words in rest, f"$ {command.line}\nprinted\n{printed}\nand not\n{part}"
            rest = rest[rest.index(words) + len(words) :]
