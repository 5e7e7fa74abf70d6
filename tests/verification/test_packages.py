"""Packages of real studies: validators, made again from themselves without network, size and speed, blindness."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import marketsim
from marketsim.datasets.study import Study
from marketsim.datasets.tables import TABLES
from marketsim.publication.blind.build import build_blind
from marketsim.publication.build import build
from marketsim.publication.check import check
from marketsim.publication.metadata import Metadata
from tests.publication.made_study import ARMS, made_study

STUDIES = Path(__file__).resolve().parents[2] / "scenarios" / "studies"
ROWS = int(os.environ.get("MARKETSIM_PACKAGE_ROWS", "8_000_000"))
MEASURE = """
import sys, time
from pathlib import Path
import polars as pl
began = time.perf_counter()
if sys.argv[1] == "build":
    from marketsim.datasets.study import Study
    from marketsim.publication.compaction import compact
    from marketsim.publication.sources import StudySources
    from marketsim.datasets.tables import TABLES
    sources = StudySources(Study(sys.argv[2]))
    sources.finished
    began = time.perf_counter()
    compact(sources, TABLES["trades"], Path(sys.argv[3]), sources.start_ns, lambda rows, size: None)
else:
    files = sorted(Path(sys.argv[2]).glob("runs/*/tables/trades.parquet"))
    pl.scan_parquet(files).sink_parquet(sys.argv[3], engine="streaming")
took = time.perf_counter() - began
from marketsim.datasets.provenance import peak_rss_mb
print(took, peak_rss_mb())
"""


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the quickstart study, as one command makes it."""
    place = tmp_path_factory.mktemp("quickstart")
    swept = marketsim.sweep(STUDIES / "quickstart.yaml", out=place / "results", report=False)
    return build(Study(swept.path), place / "package", Metadata())


def test_the_package_of_the_quickstart_passes_editors_validators_untouched(quickstart: Path) -> None:
    assert check(quickstart) == []


def without_network() -> list[str]:
    """What begins a command that is to run without any network but the machine's own; [] where this is not allowed."""
    begin = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    try:
        allowed = subprocess.run([*begin, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    return begin if allowed else []


def test_it_is_made_again_from_itself_in_a_new_environment_without_network(
    quickstart: Path, tmp_path: Path, say: Callable[[str], None]
) -> None:
    """The wheel of the package in an environment of its own; what it needs is there, as requirements.txt says."""
    package = tmp_path / "package"
    shutil.copytree(quickstart, package)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    wheel = next((package / "environment").glob("*.whl"))
    install = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    subprocess.run(install, check=True)
    environment = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONSAFEPATH": "1"}
    began = time.monotonic()
    done = subprocess.run(
        [*without_network(), tmp_path / "env" / "bin" / "marketsim", "dataset", "reproduce", package, "--quiet"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    say(f"{done.stdout.strip()} in {time.monotonic() - began:.0f} s")
    assert "12 runs and 27 tables were made again" in done.stdout


def many_trades(rows: int, seed: int) -> pl.DataFrame:
    """As many trades as asked, in time, with values as real ones have them."""
    source = np.random.Generator(np.random.PCG64(seed))
    side = source.integers(0, 2, rows).astype(bool)
    ticks = 300_000 + np.cumsum(source.integers(-1, 2, rows))
    return pl.DataFrame(
        {
            "t_ns": np.sort(source.integers(0, 300 * 10**9, rows)),
            "market": pl.repeat("M", rows, eager=True),
            "seq": np.arange(rows),
            "price_ticks": ticks,
            "price": ticks / 10,
            "size_lots": source.integers(1, 2000, rows),
            "taker_side": pl.Series(side).replace_strict({True: "buy", False: "sell"}, return_dtype=pl.String),
            "taker_account": source.integers(0, 5000, rows),
            "maker_account": source.integers(0, 20, rows),
            "taker_cohort": pl.repeat("noise", rows, eager=True),
            "maker_cohort": pl.repeat("makers", rows, eager=True),
            "taker_order": np.arange(rows) * 3,
            "maker_order": source.integers(0, 3 * rows, rows),
            "taker_purpose": pl.repeat("normal", rows, eager=True),
            "maker_purpose": pl.repeat("normal", rows, eager=True),
            "taker_parent": pl.repeat(-1, rows, eager=True).cast(pl.Int64),
            "maker_parent": pl.repeat(-1, rows, eager=True).cast(pl.Int64),
        }
    ).select(TABLES["trades"].names)


def test_trades_are_compacted_in_bounded_memory_at_half_the_speed_of_copying(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    """In pairs: labels, calendar time, order across arms and hashes of parts, against polars that only copies rows."""
    which = [(cell, replication, arm) for cell in (0, 1) for replication in (0, 1) for arm in ARMS]
    tables = {each: {"trades": many_trades(ROWS // len(which), seed)} for seed, each in enumerate(which)}
    study = made_study(tmp_path / "results", tables)
    del tables
    ratios, memory = [], []
    for pair in range(3):
        taken = {}
        for what in ("copy", "build"):
            out = tmp_path / f"{what}{pair}"
            done = subprocess.run(
                [sys.executable, "-c", MEASURE, what, study.path, out], capture_output=True, text=True, check=True
            )
            taken[what], peak = map(float, done.stdout.split())
        memory.append(peak)
        ratios.append(taken["copy"] / taken["build"])
        shutil.rmtree(tmp_path / f"build{pair}")
        (tmp_path / f"copy{pair}").unlink()
    ratio = sorted(ratios)[1]
    say(f"{ROWS:,} trades: {ratio:.2f} of polars' speed (median of 3 pairs), {max(memory):,.0f} MB at most")
    assert max(memory) < 1000
    assert ratio >= 0.5


def test_a_baseline_finds_more_than_chance_in_a_blind_dataset(tmp_path: Path, say: Callable[[str], None]) -> None:
    """With five secrets, which split the runs in five ways: rules more often on average, clocks to within minutes."""
    f1: dict[str, list[float]] = {"baseline": [], "chance": []}
    swept = marketsim.sweep(STUDIES / "blind.yaml", out=tmp_path / "results", report=False)
    for number in range(5):
        place = tmp_path / str(number)
        (place / "answers").mkdir(parents=True)
        (place / "answers" / "key.json").write_text(json.dumps({"secret": f"verification {number}"}))
        package = build_blind(Study(swept.path), place / "package", place / "answers", Metadata())
        scores = json.loads((package / "card.json").read_text())["scores"]
        for name, found in scores.items():
            say(f"secret {number}, {name}: {found}")
            f1[name].append(found["macro_f1"])
        assert scores["baseline"]["clock_minutes"] is None or scores["baseline"]["clock_minutes"] < 15
    assert sum(f1["baseline"]) > sum(f1["chance"])
