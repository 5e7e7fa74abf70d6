"""Packages of real studies: validators, made again from themselves without network, size and speed, blindness."""

import json
import os
import random
import re
import secrets
import shutil
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import marketsim
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.datasets.tables import TABLES
from marketsim.errors import ResultError, UsageError
from marketsim.publication.blind.build import build_blind
from marketsim.publication.build import build
from marketsim.publication.check import check, require_whole
from marketsim.publication.checksums import read_checksums
from marketsim.publication.layout import CHECKSUMS, RECORD
from marketsim.publication.metadata import Metadata
from marketsim.publication.record import PackageRecord
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


KILLS = int(os.environ.get("MARKETSIM_PACKAGE_KILLS", "20"))
_INSTANT = re.compile(rb"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z")
KILL_SEED = int(os.environ.get("MARKETSIM_KILL_SEED", "0")) or secrets.randbelow(2**31) + 1


def built_files(package: Path) -> dict[str, bytes | set[str]]:
    """Every file of a package; instants in what is written about it, and the hashes of that, are left out."""
    found: dict[str, bytes | set[str]] = {}
    for path in sorted(path for path in package.rglob("*") if path.is_file()):
        name = path.relative_to(package).as_posix()
        found[name] = path.read_bytes() if path.suffix == ".parquet" else _INSTANT.sub(b"INSTANT", path.read_bytes())
    found[CHECKSUMS] = set(read_checksums((package / CHECKSUMS).read_text()))
    return found


def assert_not_taken_for_whole(folder: Path) -> None:
    """What a killed build leaves beside the package is refused by all that take packages."""
    with pytest.raises(ResultError):
        require_whole(folder)  # what `reproduce` begins with
    try:
        assert check(folder, validators=False) != []
    except ResultError:
        assert not (folder / RECORD).exists()
    with pytest.raises((ResultError, UsageError)):
        Run(folder)


def test_a_build_killed_at_any_instant_is_made_whole_by_the_next(tmp_path: Path, say: Callable[[str], None]) -> None:
    """SIGKILL at random instants of new builds and of replacements, each followed by the same command once more."""
    luck = random.Random(KILL_SEED)
    which = [(cell, replication, arm) for cell in (0, 1) for replication in (0, 1) for arm in ARMS]
    study = made_study(tmp_path / "results", {each: {"trades": many_trades(50_000, n)} for n, each in enumerate(which)})
    former = build(study, tmp_path / "former", Metadata(title="Former"))
    out, building = tmp_path / "package", tmp_path / ".package.building"

    def start(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "marketsim", "dataset", "build", study.path, "--out", out, "--quiet", *options]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def begun(process: subprocess.Popen[str]) -> None:
        while process.poll() is None and not building.exists():
            time.sleep(0.001)

    began = time.monotonic()
    with start() as process:
        begun(process)
        began, loading_s = time.monotonic(), time.monotonic() - began
        assert process.wait() == 0
    took_s = time.monotonic() - began
    expected = built_files(out)
    left: Counter[str] = Counter()
    for number in range(KILLS):
        shutil.rmtree(out, ignore_errors=True)
        options = ["--again"] if number % 2 else []
        if options:
            shutil.copytree(former, out)
        with start(*options) as process:
            begun(process)
            time.sleep(luck.uniform(0, took_s))
            process.kill()
        is_half = building.exists() and not (building / CHECKSUMS).exists()
        is_new = out.exists() and PackageRecord.read(out).metadata.title != "Former"
        left["half built" if is_half else "whole" if is_new else "nothing"] += 1
        if is_half:
            assert_not_taken_for_whole(building)
        if out.exists():
            assert check(out, validators=False) == []
        if not is_new or options:
            with start(*options) as process:
                errors = process.communicate()[1]
            assert process.returncode == 0, (KILL_SEED, number, errors)
        assert built_files(out) == expected, (KILL_SEED, number)
        assert {path.name for path in tmp_path.iterdir()} == {"results", "former", "package"}
    say(f"seed {KILL_SEED}: {KILLS} kills within {took_s:.1f} s after {loading_s:.1f} s of loading: {dict(left)}")
    assert left["half built"] > KILLS / 4


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


class _Made(Mapping[tuple[int, int, str], Mapping[str, pl.DataFrame]]):
    """The trades of each run, made when they are asked for: those of all runs together would fill the memory."""

    def __init__(self, rows: int, which: Sequence[tuple[int, int, str]]) -> None:
        self._rows, self._which = rows, which

    def __getitem__(self, key: tuple[int, int, str]) -> Mapping[str, pl.DataFrame]:
        return {"trades": many_trades(self._rows, self._which.index(key))}

    def __iter__(self) -> Iterator[tuple[int, int, str]]:
        return iter(self._which)

    def __len__(self) -> int:
        return len(self._which)


def test_trades_are_compacted_in_bounded_memory_at_half_the_speed_of_copying(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    """In pairs: labels, calendar time, order across arms and hashes of parts, against polars that only copies rows."""
    which = [(cell, replication, arm) for cell in (0, 1) for replication in (0, 1) for arm in ARMS]
    study = made_study(tmp_path / "results", _Made(ROWS // len(which), which))
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
