"""Notices: what is valid in a scenario and perhaps not meant."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from marketsim.cli.group import main
from marketsim.scenario import load, load_text

WORLD = """schema: marketsim/1
name: points
clock: {{start: 2024-01-01T00:00:00Z, duration: 2min}}
underlyings: [{{id: ETH, index: {index}}}]
markets: [{{id: M, underlying: ETH, tick: 0.01 USDT, lot: 0.001 ETH, mark: {{rule: index}}}}]
"""
DIP = "[0s, 2500 USDT], [30100ms, 1900 USDT], [30400ms, 2500 USDT]"


@pytest.mark.parametrize(
    ("points", "keys", "told"),
    [
        (DIP, "", "1 of 3 listed levels lies between two steps of 1s"),
        (DIP, ", interpolate: linear", "1 of 3 listed levels lies between two steps of 1s"),
        (f"{DIP}, [40100ms, 3 USDT], [40200ms, 4 USDT], [40300ms, 5 USDT]", "", "3 of 6 listed levels lie between"),
        (DIP, ", every: 100ms", None),
        (DIP, ", every: 300ms", None),  # 30,300 ms is a step: the dip is seen
        ("[0s, 2500 USDT], [30s, 1900 USDT], [31s, 2500 USDT]", "", None),
        ("[0s, 2500 USDT], [500ms, 1900 USDT]", "", None),  # the last one holds for good
        ("[0s, 2500 USDT], [5min, 1900 USDT], [300100ms, 7 USDT], [300200ms, 8 USDT]", "", None),  # after the run
    ],
)
def test_listed_levels_that_no_step_reaches_are_told(points: str, keys: str, told: str | None) -> None:
    end = ", [10min, 2500 USDT]" if "linear" in keys else ""
    index = f"{{kind: path, points: [{points}{end}]{keys}}}"
    notices = load_text(WORLD.format(index=index)).notices
    if told is None:
        assert notices == ()
    else:
        (notice,) = notices
        assert notice.startswith(f"underlyings.ETH.index: {told}")


def test_rows_of_a_file_are_counted_alike(tmp_path: Path) -> None:
    rows = [(0, 2500), (30_100, 1900), (30_400, 2500), (60_000, 2510), (180_000, 2520)]
    start_ms = 1_704_067_200_000
    text = "\n".join(["t,p", *(f"{start_ms + at},{price}" for at, price in rows)])
    (tmp_path / "eth.csv").write_text(text + "\n")
    keys: dict[str, Any] = {"time": "t", "price": "p", "time_unit": "ms", "max_gap": "1h"}
    index = "{kind: file, path: eth.csv, " + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"
    (tmp_path / "world.yaml").write_text(WORLD.format(index=index))
    (notice,) = load(tmp_path / "world.yaml").notices
    assert "1 of 4 listed levels lies between two steps of 1s" in notice


@pytest.mark.parametrize("command", [("validate",), ("show",), ("run", "--no-report", "--out", "out")])
def test_commands_say_so_beside_their_answer(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("world.yaml").write_text(WORLD.format(index=f"{{kind: path, points: [{DIP}]}}"))
    result = CliRunner().invoke(main, [command[0], "world.yaml", *command[1:]])
    assert result.exit_code == 0
    assert "note: underlyings.ETH.index: 1 of 3 listed levels" in result.stderr
    assert "note:" not in result.stdout
