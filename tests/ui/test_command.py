"""`marketsim ui` and `marketsim run --live`: what is refused, and that the lines are the tables."""

import json
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import marketsim
from marketsim.cli import main
from marketsim.cli.live import LiveLines
from marketsim.datasets.run import Run
from marketsim.ui import server
from marketsim.ui.live_run import RunOrder

WORLD = """
schema: marketsim/1
name: smallest
clock: {start: 2024-01-01T23:50:00Z, duration: 20min}
underlyings: [{id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr}}]
markets: [{id: BTC-PERP, kind: perpetual, underlying: BTC, tick: 0.1 USDT, lot: 0.001 BTC}]
tokens:
  - id: BTC3L
    issuer: alpha
    basket: {BTC-PERP: 3}
    aum: 1 MUSDT
    nav: 100 USDT
    start: {leverage: 3.1}
    rebalance: {policy: daily, at: "00:02"}
traders:
  - {id: noise, kind: noise, market: BTC-PERP, count: 50, rate: 30/h, capital: 20 kUSDT}
  - {id: makers, kind: market_maker, market: BTC-PERP, count: 3, capital: 5 MUSDT}
"""


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = command("ui", "--port", str(port))
    assert ended.exit_code == 2
    assert ended.stderr == f"error: --port {port} is in use; choose another, or none for one that is free\n"


def test_without_its_extra_it_says_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_spec", lambda name: None if name == "nicegui" else find_spec(name))
    ended = command("ui")
    assert (ended.exit_code, "pip install 'marketsim-lab[ui]'" in ended.stderr) == (5, True)


def test_a_scenario_that_is_not_there_is_refused() -> None:
    ended = command("ui", "nowhere.yaml")
    assert (ended.exit_code, "nowhere.yaml" in ended.stderr) == (2, True)


def test_live_lines_are_the_rows_of_the_tables_and_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "smallest.yaml"
    file.write_text(WORLD, encoding="utf-8")
    ended = command("run", str(file), "--live", "--no-report", "--out", str(tmp_path / "live"))
    assert ended.exit_code == 0, ended.stderr
    lines: list[dict[str, Any]] = [json.loads(line) for line in ended.stdout.splitlines()]
    tables = ("marks", "tokens", "children", "rebalances")
    told = {table: [line["row"] for line in lines if line.get("table") == table] for table in tables}
    run = Run(lines[-1]["path"])
    for table, rows in told.items():
        assert rows == run.table(table).to_dicts()
    assert len(told["rebalances"]) == 1
    assert [line["simulated_ns"] for line in lines if "micro_events" in line][-1] == 1_200 * 10**9
    plain = marketsim.run(file, out=tmp_path / "plain", report=False).manifest
    hashes = [{name: table["content_sha256"] for name, table in m["tables"].items()} for m in (run.manifest, plain)]
    assert (hashes[0], run.manifest["run_id"]) == (hashes[1], plain["run_id"])


def test_a_run_whose_lines_nobody_reads_ends_as_by_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, text: str) -> int:
            return len(text)

        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    lines = LiveLines()
    lines.row("marks", {"t_ns": 0})
    with pytest.raises(KeyboardInterrupt, match="nobody reads"):
        lines.progress(1, 2, 3)


def test_a_run_of_the_page_is_the_command(tmp_path: Path) -> None:
    order = RunOrder("marketsim:quickstart", ("tokens.BTC3L.aum=8 MUSDT", "seed=7"), tmp_path, "frictionless")
    assert order.arguments == [
        *["run", "marketsim:quickstart", "--out", str(tmp_path)],
        *["--set", "tokens.BTC3L.aum=8 MUSDT", "--set", "seed=7", "--arm", "frictionless"],
    ]
