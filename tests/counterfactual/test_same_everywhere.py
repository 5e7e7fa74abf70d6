"""Equal seeds give equal content in every process, however a run is cut, compiled or not; other seeds do not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.worlds import CROWD, DOWN, GBM, HOUR, MINUTE, SECOND, UP, Recorded, recorded, world

JUMP = [{"at": "25min", "kind": "jump", "underlying": "BTC", "size": "-6%"}]
EVERYTHING = {"orders": "all", "quotes": "change"}

PROGRAM = """
import json, sys
from pathlib import Path
from tests.counterfactual.test_same_everywhere import short, whole
from tests.simulation.worlds import recorded
which = {"short": short, "whole": whole}[sys.argv[1]]
run = recorded(which(), Path(sys.argv[2]))
print(json.dumps({**run.hashes, "digest": run.digest}))
"""


def whole(seed: int = 1):
    """A crowd, two tokens and a crash that liquidates."""
    index = {**GBM, "pass_through": "20%", "pass_through_halflife": "5min"}
    return world(seed=seed, index=index, tokens=[UP, DOWN], events=JUMP, record=EVERYTHING)


def short():
    """Minutes around a crash and a reset, small enough for the interpreter."""
    crowd = [{**group, "count": max(group["count"] // 4, 1)} for group in CROWD]
    tokens = [{**UP, "rebalance": {"policy": "daily", "at": "00:05"}}]
    events = [{"at": "3min", "kind": "jump", "underlying": "BTC", "size": "-9%"}]
    return world(
        start="2024-01-01T23:58:00Z", duration="8min", traders=crowd, tokens=tokens, events=events, record=EVERYTHING
    )


def in_another_process(which: str, folder: Path, **variables: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, which, str(folder)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(whole(), tmp_path_factory.mktemp("first"))


def test_the_world_of_these_tests_has_everything_in_it(first: Recorded) -> None:
    assert first.residual_atoms == 0
    for table in ("trades", "orders", "quotes", "rebalances", "liquidations", "tokens", "attribution", "ledger"):
        assert len(first.table(table)) > 0, table


@pytest.mark.parametrize("hash_seed", ["1", "4242"])
def test_equal_seeds_give_equal_tables_in_every_process(first: Recorded, tmp_path: Path, hash_seed: str) -> None:
    assert in_another_process("whole", tmp_path, PYTHONHASHSEED=hash_seed) == {**first.hashes, "digest": first.digest}


def test_another_seed_gives_other_tables(first: Recorded, tmp_path: Path) -> None:
    other = recorded(whole(seed=2), tmp_path)
    for table in ("trades", "quotes", "marks", "tokens", "accounts"):
        assert other.hashes[table] != first.hashes[table]


@pytest.mark.parametrize(
    "stops",
    [
        [1, 7 * MINUTE + 1, 25 * MINUTE, 25 * MINUTE + 1, 30 * MINUTE, HOUR - 1],
        list(range(0, HOUR, 3 * SECOND + 1_234_567)),
        list(range(24 * MINUTE, 33 * MINUTE, SECOND)),
    ],
    ids=["few", "odd", "every mark around the crash and the reset"],
)
def test_cutting_a_run_anywhere_changes_nothing(first: Recorded, tmp_path: Path, stops: list[int]) -> None:
    cut = recorded(whole(), tmp_path, stops=stops)
    assert cut.digest == first.digest
    assert cut.hashes == first.hashes


def test_the_interpreter_gives_the_tables_of_the_compiled_kernel(tmp_path: Path) -> None:
    compiled = recorded(short(), tmp_path / "compiled")
    interpreted = in_another_process("short", tmp_path / "interpreted", NUMBA_DISABLE_JIT="1")
    assert interpreted == {**compiled.hashes, "digest": compiled.digest}
    assert len(compiled.table("trades")) > 100
    assert len(compiled.table("liquidations")) > 0
    assert len(compiled.table("rebalances")) > 0
