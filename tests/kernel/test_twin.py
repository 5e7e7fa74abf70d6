"""The compiled kernel and the plain twin go through the same random commands and end in the same world, to the atom."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from marketsim.kernel import codes
from tests.kernel.checks import check_world
from tests.kernel.commands import Twins, digest, random_commands, random_paths
from tests.kernel.crowds import advance, crowd
from tests.kernel.worlds import LOT, ONE_TIER, SECOND, MarketPlan, Plan

ROOT = Path(__file__).resolve().parents[2]
PATIENT = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}

MARKETS = (
    MarketPlan(rule="median"),
    MarketPlan(rule="mid", tiers=ONE_TIER, window=256, buckets=64),
    MarketPlan(rule="index", window=65_536, buckets=4_096),
)
POOR, RICH = 100 * LOT, 100_000 * LOT
# Half of the small traders stand in one market each, half in several; six large ones make the books.
FEW = Plan(
    cash=(POOR,) * 36 + (RICH,) * 6,
    markets=MARKETS,
    fund=400 * LOT,
    members=tuple((i % 3,) if i < 18 else ((0, 1, 2), (0, 2))[i % 2] for i in range(36)) + ((0, 1, 2),) * 6,
    special=(1, 4, 40),
)
WIDE = replace(
    FEW,
    markets=tuple(replace(MARKETS[k % 3], maker_fee=10_000 * (k % 3 - 1)) for k in range(10)),
    members=tuple((i % 10,) if i < 18 else (i % 7, i % 7 + 2, 9) for i in range(36)) + (tuple(range(10)),) * 6,
)
ONE_A_STEP = replace(FEW, markets=tuple(replace(m, per_step=1) for m in MARKETS))
# The engine's way to the book: shorter than a mark step in two markets, longer than one in the third.
DELAYED = replace(
    FEW, markets=tuple(replace(m, delay=ms * 1_000_000) for m, ms in zip(MARKETS, (10, 400, 1_300), strict=True))
)
# Slices, and a cap on what the engine sends at one mark; in the third market its orders are on their way meanwhile.
SLICED = replace(
    FEW,
    markets=tuple(
        replace(m, slice=2 * LOT, cap=cap * LOT, delay=ms * 1_000_000)
        for m, cap, ms in zip(MARKETS, (5, 3, 7), (0, 0, 400), strict=True)
    ),
)
# A spot market beside two perpetuals: some stand in it alone, most pool its cash with their margin.
MIXED = replace(
    FEW,
    markets=(MARKETS[0], replace(MARKETS[1], is_spot=True, rule="mid"), MARKETS[2]),
    special_fees=(40_000, 30_000),
)
SPOT = replace(
    FEW, markets=(MarketPlan(is_spot=True, rule="last", window=256, buckets=64, maker_fee=-5_000),), members=()
)
# name: plan, commands, seed, largest order, an index jump every so many seconds
ALL = {codes.L_PARTIAL, codes.L_TAKEOVER, codes.L_DELEVERAGED}
STAGES = {
    "no insurance": ALL - {codes.L_TAKEOVER},
    "a fund that runs dry": ALL,
    "a deep fund": ALL - {codes.L_DELEVERAGED},
    "one account a step": ALL,
    "orders of the engine on their way": ALL,
    "slices under a cap": ALL,
    "ten markets": ALL,
    "small orders": set(),
    "spot beside perpetuals": ALL,
    "spot alone": set(),
}
RUNS = {
    "no insurance": (replace(FEW, fund=0), 25_000, 11, 300, 15),
    "a fund that runs dry": (FEW, 25_000, 12, 300, 15),
    "a deep fund": (replace(FEW, fund=10**6 * LOT), 25_000, 13, 300, 15),
    "one account a step": (ONE_A_STEP, 15_000, 18, 300, 8),
    "orders of the engine on their way": (DELAYED, 25_000, 19, 300, 12),
    "slices under a cap": (SLICED, 15_000, 20, 300, 12),
    "ten markets": (WIDE, 25_000, 14, 200, 40),
    "small orders": (FEW, 10_000, 15, 8, 60),
    "spot beside perpetuals": (MIXED, 25_000, 16, 300, 15),
    "spot alone": (SPOT, 15_000, 17, 300, 15),
}


def prepare(name: str, n: int = 0) -> tuple[Plan, list[list[int]], list[tuple[object, ...]]]:
    plan, commands, seed, largest, jump_every = RUNS[name]
    paths = random_paths(len(plan.markets), 4_000, 10_000, seed, jump_every)
    return plan, paths, random_commands(plan, paths, n or commands, seed, largest, 20_000_000)


@pytest.mark.parametrize("name", RUNS)
def test_kernel_and_twin_agree_after_every_few_hundred_of_a_hundred_thousand_commands(name: str) -> None:
    plan, paths, commands = prepare(name)
    both = Twins(plan, paths)
    for number, command in enumerate(commands):
        both.take(command)
        if number % 250 == 0:
            both.compare()
        if number % 2_500 == 0:
            check_world(both.kernel.world)
    both.compare()
    check_world(both.kernel.world)
    assert both.twin is not None
    assert both.stages == STAGES[name]
    for k, m in enumerate(both.twin.markets):
        units = sum(m.premiums) * 10**12
        assert abs(both.kernel.market("premium_sum", k) - units) <= len(m.premiums)
        assert both.kernel.market("premium_n", k) == len(m.premiums)


def run_alone(name: str, n: int) -> str:
    """Digests of the kernel's own state and of the state in words, after a part of a run."""
    plan, paths, commands = prepare(name, n)
    alone = Twins(plan, paths, twin=False)
    for command in commands:
        alone.take(command)
    check_world(alone.kernel.world)
    return f"{alone.kernel.world.digest()} {digest({**alone.kernel_state(), **alone.kernel_tapes()})}"


def without_compiler(code: str) -> list[str]:
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=PATIENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_same_source_without_the_compiler_ends_in_the_same_world() -> None:
    code = "from tests.kernel.test_twin import run_alone\n"
    names = ("a fund that runs dry", "orders of the engine on their way", "ten markets", "spot beside perpetuals")
    names += ("spot alone",)
    code += f"for name in {names}: print(run_alone(name, 2_000))"
    assert without_compiler(code) == [run_alone(name, 2_000) for name in names]


def crowd_digest(seed: int, seconds: int, fall: float, is_spot: bool = False) -> str:
    world = crowd(seed, fall=fall, is_spot=is_spot)
    rows = advance(world, seconds * SECOND)
    check_world(world)
    return f"{world.digest()} {digest(dict(rows))}"


def test_a_population_of_every_kind_lives_the_same_life_without_the_compiler() -> None:
    code = "from tests.kernel.test_twin import crowd_digest\n"
    lives = ((5, 60, 0.0), (6, 40, -0.003), (7, 60, 0.0, True))
    code += f"for life in {lives}: print(crowd_digest(*life))"
    assert without_compiler(code) == [crowd_digest(*life) for life in lives]
