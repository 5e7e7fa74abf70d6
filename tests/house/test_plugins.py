"""Kinds of another package, built as a wheel and installed into an environment of the test's own, are like any."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim.kinds import ENTRY_POINTS

EXAMPLE = Path(__file__).resolve().parents[1] / "plugin"
KINDS = {  # by row of `list`, in which list: in the order of `list plugins`
    "index triangle": "kinds",
    "trades_per_hour": "measures",
    "rebalance part_way": "policies",
    "trader coin_flipper": "kinds",
    "trader pulse": "kinds",
}
WORLD = """\
schema: marketsim/1
name: with_plugins
clock: {start: 2024-01-01T00:00:00Z, duration: 2h}
seed: 7
underlyings: [{id: BTC, index: {kind: triangle, price: 30000 USDT, rise: 2%, period: 1h}}]
markets: [{id: BTC-PERP, underlying: BTC, fees: {maker: 0 bps, taker: 0 bps}}]
tokens:
  - id: UP
    issuer: alpha
    basket: {BTC-PERP: 3}
    aum: 1 MUSDT
    nav: 100 USDT
    rebalance: {policy: part_way, every: 10min, step: 50%}
traders:
  - {id: makers, kind: market_maker, market: BTC-PERP, count: 5, capital: 5 MUSDT}
  - {id: flippers, kind: coin_flipper, market: BTC-PERP, count: 50, capital: 50 kUSDT, size: 900 USDT, buy_share: 100%}
  - {id: pulses, kind: pulse, market: BTC-PERP, count: 2, capital: 50 kUSDT, size: 3 kUSDT, every: 20min}
"""


@dataclass(frozen=True)
class Environment:
    """A Python environment that sees everything the running one does, and what is installed into it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        return self.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"

    def install(self, wheel: Path) -> None:
        asked = ["--no-deps", "--no-index", "-q", str(wheel)]
        if find_spec("pip") is None:  # an environment that uv made has none
            called("uv", "pip", "install", "--python", str(self.python), *asked)
            return
        pip = [sys.executable, "-m", "pip", "--python", str(self.python)]
        called(*pip, "install", "--no-compile", "--disable-pip-version-check", *asked)

    def marketsim(self, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, **({"PYTHONPATH": str(path)} if path is not None else {})}
        return subprocess.run(
            [str(self.python), "-m", "marketsim", *arguments],
            cwd=self.folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def told(self, *arguments: str) -> str:
        ended = self.marketsim(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


def called(*command: str, folder: Path | None = None) -> None:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def wheel_of(source: Path) -> Path:
    """The wheel of a project, built beside it."""
    called(sys.executable, "-m", "hatchling", "build", "-t", "wheel", folder=source)
    (wheel,) = (source / "dist").glob("*.whl")
    return wheel


def environment_at(folder: Path) -> Environment:
    """An environment of its own that has the running one's packages behind its own."""
    venv.EnvBuilder(symlinks=True).create(folder)
    made = Environment(folder)
    lines = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
    (made.packages / "running.pth").write_text("\n".join(lines) + "\n")
    (folder / "world.yaml").write_text(WORLD)
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("example") / "plugin"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    return wheel_of(source)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    made = environment_at(tmp_path_factory.mktemp("environment") / "env")
    made.install(wheel)
    return made


@pytest.fixture(scope="module")
def run(installed: Environment) -> Mapping[str, Any]:
    """The manifest of a run that uses all kinds of the plugin."""
    manifest: dict[str, Any] = json.loads(installed.told("run", "world.yaml", "--json", "--out", "made"))
    return manifest


def test_without_plugins_there_are_none() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "marketsim", "list", "plugins"], capture_output=True, text=True, check=False
    )
    assert not list(entry_points(group=ENTRY_POINTS))
    assert ended.stdout == "none\n"


def test_plugins_are_listed_by_family_name_package_and_version(installed: Environment) -> None:
    lines = [line.split() for line in installed.told("list", "plugins").splitlines()]
    assert [line[-3:] for line in lines] == [[name.split()[-1], "marketsim-example", "1.2.0"] for name in KINDS]
    assert [" ".join(line[:-3]) for line in lines] == [
        "index",
        "measure",
        "rebalance policy",
        "trader",
        "trader",
    ]
    rows = json.loads(installed.told("list", "plugins", "--json"))["plugins"]
    assert rows[-1] == {"family": "trader", "name": "pulse", "package": "marketsim-example", "version": "1.2.0"}


def test_its_kinds_stand_among_the_others_with_their_keys_and_where_they_come_from(installed: Environment) -> None:
    everything = json.loads(installed.told("list", "--json"))
    for name, where in KINDS.items():
        (row,) = (row for row in everything[where] if row["name"] == name)
        assert row["origin"] == "marketsim-example 1.2.0"
    (row,) = (row for row in everything["kinds"] if row["name"] == "trader coin_flipper")
    assert row["about"].endswith("[rate: 30/h, size, buy_share, protection: 1%]")


def test_the_schema_has_its_kinds_with_their_ranges(installed: Environment) -> None:
    shapes = json.loads(installed.told("schema"))["$defs"]
    assert shapes["CoinFlipperSpec"]["properties"]["buy_share"]["anyOf"][1]["allowed"] == "0% to 100%"
    assert {"PulseSpec", "PartWaySpec", "TriangleIndexSpec"} <= shapes.keys()


def test_sentences_say_what_its_kinds_do(installed: Environment) -> None:
    said = installed.told("show", "world.yaml", "--sentences")
    assert "The index of BTC starts at 30000 USDT and goes up by 2% and back every 1h" in said
    assert "Every 10min it goes 50% of the way to its targets." in said
    assert "flippers: 50 coin flipper traders on BTC-PERP" in said
    assert "They buy with a chance of 100%, else sell, 900 USDT at a time." in said
    assert "They buy 3000 USDT every 20min and sell it half of that later." in said


def test_its_ranges_and_faults_are_errors_with_a_place(installed: Environment) -> None:
    wrong = WORLD.replace("buy_share: 100%", "buy_share: 101%").replace("step: 50%", "step: 150%")
    (installed.folder / "wrong.yaml").write_text(wrong.replace("kind: pulse,", "kind: pulse, rate: 1/h,"))
    ended = installed.marketsim("validate", "wrong.yaml")
    assert ended.returncode == 3
    for place, words in (
        ("wrong.yaml:13:", "tokens.UP.rebalance.step: this goes beyond the target"),
        ("wrong.yaml:16:", "traders.flippers.buy_share: this number is out of range"),
        ("wrong.yaml:17:", "traders.pulses.rate: pulses come by the clock, not at random"),
    ):
        (line,) = (line for line in (ended.stdout + ended.stderr).splitlines() if place in line)
        assert words in line
    misspelt = installed.marketsim("show", "world.yaml", "--set", "traders.pulses.kind=puls")
    assert "did you mean 'pulse'?" in misspelt.stderr


def table(installed: Environment, run: Mapping[str, Any], name: str) -> pl.DataFrame:
    return pl.read_parquet(installed.folder / run["path"] / "tables" / f"{name}.parquet")


def test_a_run_has_what_its_kinds_did(installed: Environment, run: Mapping[str, Any]) -> None:
    assert run["conservation"]["residual_atoms"] == 0
    trades = table(installed, run, "trades")
    taken = trades.group_by("taker_cohort", "taker_side").agg(pl.len().alias("n"))
    sides = {(row["taker_cohort"], row["taker_side"]): row["n"] for row in taken.iter_rows(named=True)}
    assert sides["flippers", "buy"] > 1_000  # 50 traders, 30 times an hour, two hours: 3,000 wake-ups
    assert ("flippers", "sell") not in sides  # the coin has one side
    pulses = trades.filter(pl.col("taker_cohort") == "pulses")
    minutes = pulses.select((pl.col("t_ns") / 60e9).round(6)).to_series().unique(maintain_order=True).to_list()
    assert minutes == [10 * k for k in range(1, 12)]  # it buys at 10, 30, .., and sells at 20, 40, ..
    marks = table(installed, run, "marks")
    quarters = marks.filter(pl.col("t_ns") % (15 * 60 * 10**9) == 0)["index_price"].to_list()
    assert quarters[:8] == [30_000, 30_300, 30_600, 30_300] * 2  # the index at each quarter of an hour
    resets = table(installed, run, "rebalances")
    assert set(resets["trigger"]) == {"part_way"}
    assert all(t_ns % (600 * 10**9) == 0 for t_ns in resets["t_decide_ns"])


def test_the_manifest_names_the_plugin_with_version_and_hash(
    installed: Environment, run: Mapping[str, Any], wheel: Path
) -> None:
    (plugin,) = run["plugins"]
    assert (plugin["name"], plugin["version"]) == ("marketsim-example", "1.2.0")
    assert len(plugin["sha256"]) == 64
    assert len(run["versions"]["marketsim"].split("+")) == 3  # release, hash of the package, hash of the plugins


def test_the_page_has_its_words(installed: Environment, run: Mapping[str, Any]) -> None:
    assert "part_way" in (installed.folder / run["path"] / "report.html").read_text(encoding="utf-8")


def test_a_study_has_its_measure(installed: Environment) -> None:
    asked = "measures: [trades_per_hour], primary: trades_per_hour"
    study = f"study: {{arms: [factual, frictionless], replications: 2, {asked}}}\n"
    (installed.folder / "study.yaml").write_text(WORLD.replace("2h", "20min") + study)
    installed.told("sweep", "study.yaml", "--out", "swept", "--workers", "1", "--no-report")
    (effects,) = (installed.folder / "swept").rglob("effects.parquet")
    rows = pl.read_parquet(effects).filter(pl.col("measure") == "trades_per_hour")
    (factual,) = rows.filter(pl.col("arm") == "factual", pl.col("versus").is_null()).iter_rows(named=True)
    assert factual["estimate"] > 1_500  # 50 flippers alone trade 30 times an hour


def test_a_run_with_its_kinds_comes_out_the_same_again(installed: Environment, run: Mapping[str, Any]) -> None:
    again = json.loads(installed.told("run", "world.yaml", "--json", "--no-report", "--out", "again"))
    hashes = [{name: one["content_sha256"] for name, one in made["tables"].items()} for made in (run, again)]
    assert hashes[0] == hashes[1]


def test_other_code_of_a_plugin_is_other_code(installed: Environment, run: Mapping[str, Any]) -> None:
    file = installed.packages / "marketsim_example" / "pulse.py"
    before = file.read_text()
    file.write_text(before + "# edited\n")
    try:
        ended = installed.marketsim("run", "world.yaml", "--out", "made", "--no-report")
    finally:
        file.write_text(before)
    assert ended.returncode != 0
    assert "another version of the code" in ended.stderr


def test_a_distribution_found_twice_counts_once(installed: Environment, tmp_path: Path) -> None:
    for part in installed.packages.glob("marketsim_example*"):
        shutil.copytree(part, tmp_path / part.name)
    twice = installed.marketsim("list", "plugins", path=tmp_path)
    assert twice.stdout == installed.told("list", "plugins")


def test_two_plugins_of_one_name_are_refused_by_name(tmp_path: Path, wheel: Path) -> None:
    made = environment_at(tmp_path / "env")
    made.install(wheel)
    rival = tmp_path / "rival"
    shutil.copytree(EXAMPLE, rival, ignore=shutil.ignore_patterns("__pycache__"))
    (rival / "marketsim_example").rename(rival / "marketsim_rival")
    project = (rival / "pyproject.toml").read_text().replace("marketsim_example", "marketsim_rival")
    (rival / "pyproject.toml").write_text(project.replace("marketsim-example", "marketsim-rival"))
    made.install(wheel_of(rival))
    ended = made.marketsim("validate", "world.yaml")
    assert ended.returncode == 5
    assert "Traceback" not in ended.stderr
    assert "plugin marketsim-rival 1.2.0" in ended.stderr
    assert "'coin_flipper' is brought by marketsim-example 1.2.0 already" in ended.stderr


def test_a_plugin_that_cannot_be_loaded_is_named_with_what_to_do(tmp_path: Path, wheel: Path) -> None:
    made = environment_at(tmp_path / "env")
    made.install(wheel)
    (made.packages / "marketsim_example" / "pulse.py").write_text("import no_such_module_anywhere\n")
    ended = made.marketsim("list", "kinds")
    assert ended.returncode == 5
    assert "plugin marketsim-example 1.2.0: marketsim_example.pulse:PulseSpec: No module named" in ended.stderr
    assert "update or uninstall the package marketsim-example" in ended.stderr
