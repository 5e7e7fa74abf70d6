"""The kernel's machine code is kept between runs, and never outlives the sources it was made from."""

import ast
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marketsim.kernel import cache

KERNEL = Path(cache.__file__).parent
PROBE = """
from marketsim.kernel.codes import MAX_FILLS
from marketsim.kernel.records import compiled, entry

@compiled
def most():
    return MAX_FILLS

@entry
def probe():
    return most()
"""
ASK = """
from marketsim.kernel.probe import probe
print(probe(), sum(getattr(probe, "stats").cache_hits.values()))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the kernel with one small function that uses, through a helper, a constant of another file."""
    root = tmp_path / "site"
    shutil.copytree(KERNEL, root / "marketsim" / "kernel", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "marketsim" / "__init__.py").write_text("")
    (root / "marketsim" / "kernel" / "probe.py").write_text(PROBE)
    return root


def run(root: Path, folder: Path | str, code: str = ASK) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")}
    there = {"PYTHONPATH": str(root), "MARKETSIM_CACHE_DIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=root, env={**kept, **there}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_changing_a_constant_in_another_file_never_brings_back_the_old_machine_code(
    package: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    assert run(package, folder) == "4096 0"
    assert run(package, folder) == "4096 1"  # the second process compiles nothing
    codes = package / "marketsim" / "kernel" / "codes.py"
    codes.write_text(codes.read_text().replace("MAX_FILLS = 4096", "MAX_FILLS = 7"))
    assert run(package, folder) == "7 0"


def test_the_same_sources_in_another_place_need_not_be_compiled_again(package: Path, tmp_path: Path) -> None:
    assert run(package, tmp_path / "cache") == "4096 0"
    moved = package.rename(tmp_path / "elsewhere")
    assert run(moved, tmp_path / "cache") == "4096 1"


def test_nothing_is_written_beside_the_sources(package: Path, tmp_path: Path) -> None:
    before = sorted(package.rglob("*"))
    run(package, tmp_path / "cache")
    assert sorted(package.rglob("*")) == before


def test_the_kernel_runs_where_no_folder_can_be_written(package: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert run(package, blocked / "cache") == "4096 0"
    assert run(package, blocked / "cache", "from marketsim.kernel import is_warm; print(is_warm())") == "False"


def test_asking_for_the_cache_does_not_load_the_compiler(package: Path, tmp_path: Path) -> None:
    asked = "import sys, marketsim.kernel as k; k.cache_folder(), k.is_warm(); print('numba' in sys.modules)"
    assert run(package, tmp_path / "cache", asked) == "False"


def test_the_folder_is_named_by_the_sources_and_warm_once_the_loop_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETSIM_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "0")
    assert cache.cache_folder() == tmp_path / f"kernel-{cache.source_hash()}"
    assert not cache.is_warm()
    machine = cache._machine_folder()
    machine.mkdir(parents=True)
    (machine / "advance.advance-190.py311.1.nbc").write_bytes(b"")
    assert cache.is_warm()


def test_folders_of_sources_that_are_gone_are_removed_but_the_last_used_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETSIM_CACHE_DIR", str(tmp_path))
    cache.cache_folder().mkdir()
    for age_days in range(12):
        old = tmp_path / f"kernel-{age_days:016x}"
        old.mkdir()
        used = time.time() - 86_400 * (age_days + 0.5)
        os.utime(old, (used, used))
    (tmp_path / "other").mkdir()
    cache.prune()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {cache.cache_folder().name, "other", *(f"kernel-{age:016x}" for age in range(8))}


def test_the_kernel_imports_nothing_of_ours_outside_its_room() -> None:
    for path in sorted(KERNEL.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            ours = [name for name in names if name.split(".")[0] == "marketsim"]
            assert all(name.startswith("marketsim.kernel") for name in ours), (path.name, ours)
            assert not (isinstance(node, ast.ImportFrom) and node.level), path.name
