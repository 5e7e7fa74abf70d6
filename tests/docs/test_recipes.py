"""The programs of experiments/RECIPES.md run as they stand and find what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "marketsim" / "experiments" / "RECIPES.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python run\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def printed(program: str, place: Path) -> str:
    (place / "scenarios").symlink_to(ROOT / "scenarios")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_calibration_with_optuna_comes_near_its_target(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra `analysis` is not installed")
    found = re.fullmatch(r"noise traders act (\d+)/h; (\d+) trades off the target\n", printed(PROGRAMS[0], tmp_path))
    assert found is not None
    assert int(found[2]) <= 30  # a tenth of the target
    assert not (tmp_path / "results").exists()


def test_simulation_based_calibration_ranks_every_world(tmp_path: Path) -> None:
    found = re.fullmatch(r"ranks \[([\d, ]+)\], uniform with p = ([\d.]+)\n", printed(PROGRAMS[1], tmp_path))
    assert found is not None
    ranks = [int(each) for each in found[1].split(", ")]
    assert (len(ranks), sum(ranks)) == (6, 30)
    assert float(found[2]) > 0.01
