"""A wheel, installed where nothing of the checkout is, has the shipped scenarios and runs them by name."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def done(*command: str | Path, cwd: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    ended = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with this checkout's wheel and this environment's libraries; returns its folder of programs."""
    folder = tmp_path_factory.mktemp("wheel")
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    programs = folder / "env" / "bin"
    to_there = ("--python", programs / "python", "--disable-pip-version-check", "--quiet")
    done(sys.executable, "-m", "pip", *to_there, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return programs


def test_a_wheel_runs_a_shipped_scenario_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    where = done(installed / "python", "-c", "import marketsim; print(marketsim.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    out = done(installed / "marketsim", "run", "marketsim:quickstart", "--json", "--no-report", cwd=tmp_path)
    manifest = json.loads(out)
    assert (manifest["status"], manifest["path"]) == ("ok", f"results/quickstart/{manifest['run_id']}")
    assert (tmp_path / manifest["path"] / "manifest.json").is_file()
    here = done(sys.executable, "-c", "from marketsim.datasets import provenance as p; print(p.code_here())", cwd=ROOT)
    assert manifest["versions"]["marketsim"] == here.strip()


def test_a_wheel_has_every_shipped_scenario_and_no_case_of_the_language(installed: Path, tmp_path: Path) -> None:
    listed = json.loads(done(installed / "marketsim", "list", "scenarios", "--json", cwd=tmp_path))["scenarios"]
    shipped = [path for path in (ROOT / "scenarios").rglob("*.yaml") if "cases" not in path.parts]
    assert len(listed) == len(shipped)
    assert all(Path(row["origin"]).is_file() and "cases" not in row["origin"] for row in listed)
    (tmp_path / "mine.yaml").write_text("extends: marketsim:herding@1\nname: mine\n", encoding="utf-8")
    assert done(installed / "marketsim", "validate", "mine.yaml", cwd=tmp_path) == "mine.yaml: valid\n"
