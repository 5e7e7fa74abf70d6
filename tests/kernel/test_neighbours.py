"""Holders who look at their neighbours: the compiled rule asks for what the plain twin asks for, JIT on and off."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketsim.kernel import codes, layout
from marketsim.kernel.world import World
from marketsim.streams import exponential_table, stream_key
from tests.kernel.worlds import LOT, SECOND, MarketPlan, Plan, account_tables, market_fields
from tests.reference.holder import Holder, order_lots, wanted_share

ROOT = Path(__file__).resolve().parents[2]
PATIENT = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
PRICE, ATOMS = 10_000, 1_000
EACH, TOKENS = 24, 2  # holders of each of two tokens
WEIGHT, LOW, CHANGE = 0.4, 0.25, 0.01
STEPS = 400


def holders(seed: int, neighbours: bool = True) -> list[Holder]:
    """Rich and poor holders of two tokens, one in four without units, some without neighbours, links across tokens.

    -1 is a neighbour whom an arm left out.
    """
    luck = random.Random(seed)
    found = []
    for i in range(EACH * TOKENS):
        lots = luck.choice((0, luck.randrange(1, 60), luck.randrange(1, 400), luck.randrange(1, 400)))
        whom = luck.sample(range(-1, EACH * TOKENS), luck.choice((0, 1, 2, 5, 12)))
        cash, base = luck.randrange(10, 1_000) * LOT // ATOMS, luck.random() / 2
        found.append(Holder(cash, lots, i // EACH, base, whom if neighbours else ()))
    return found


def group_fields(crowd: list[Holder], token: int, seed: int) -> dict[str, Any]:
    mine = crowd[token * EACH : (token + 1) * EACH]
    fields: dict[str, Any] = dict(rule="holder", market=token, first_trader=token * EACH, count=EACH, slots_each=1)
    fields |= dict(key=np.uint64(stream_key(seed, 0, f"holders {token}")), mean_gap_ns=SECOND / EACH * 10)
    numbers = dict(chase=0.0, dislike=2.0, low_nav=LOW, mood=0.0, imitation=WEIGHT, change=CHANGE, protection=0.02)
    numbers |= dict(primary_threshold=65_536, start_nav_ticks=PRICE, neighbours_from=None, neighbours=None)
    if any(holder.neighbours for holder in crowd):
        whom = [i for holder in mine for i in holder.neighbours]
        numbers["neighbours_from"] = np.cumsum([0, *(len(holder.neighbours) for holder in mine)])
        numbers["neighbours"] = [*whom, -1]
    own = dict(base_share=[holder.base for holder in mine], lookback_steps=1)
    return fields | dict(parameters=numbers, own=own)


def open_world(crowd: list[Holder], seed: int) -> World:
    """Two tokens' books without a quote, whose NAV wanders; every order goes to the fund, which answers none."""
    members = tuple((holder.token,) for holder in crowd)
    plan = Plan(tuple(int(h.cash) * ATOMS for h in crowd), (MarketPlan(PRICE, ATOMS),) * TOKENS, members=members)
    accounts, positions, _ = account_tables(plan)
    n = len(crowd)
    accounts["trader"][:n] = np.arange(n)
    positions["lots"][:n] = [holder.lots for holder in crowd]
    traders = np.zeros(n, layout.TRADER)
    traders["account"] = traders["position"] = np.arange(n)
    world = World(
        underlyings=[dict(level=float(PRICE), every_ns=SECOND, next_ns=SECOND, absolute=1)] * TOKENS,
        markets=[market_fields(plan, k) | dict(kind=codes.SPOT, primary_open=1) for k in range(TOKENS)],
        cohorts=[dict(group=-1)] * 6,
        groups=[group_fields(crowd, token, seed) for token in range(TOKENS)],
        accounts=accounts, positions=positions, traders=traders, slots=n, exponential=exponential_table(),
    )  # fmt: skip
    luck = np.random.default_rng(seed)
    for k in range(TOKENS):
        world.give_path(k, 0, np.rint(PRICE * np.cumprod(1 + 0.01 * luck.standard_normal(STEPS + 1))))
    world.open()
    return world


def requests(world: World, until_ns: int) -> list[tuple[int, int, int, int]]:
    """What holders ask of the fund up to an instant: (instant, account, market, signed lots)."""
    found = []
    names = layout.NOTICE.names or ()
    while (stop := world.advance(until_ns, codes.PH_RECORD)) != codes.STOP_REACHED:
        assert stop == codes.STOP_NOTICE
        memory, n = world.take_notices()
        for j in range(n):
            row = {name: memory[j * world.notice_width + k] for k, name in enumerate(names)}
            assert row["kind"] == codes.N_REQUEST
            found.append((row["t_ns"], row["account"], row["market"], row["lots"]))
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_a_holder_asks_for_is_what_the_twin_asks_for(seed: int) -> None:
    crowd = holders(seed)
    world = open_world(crowd, seed)
    asked: dict[int, int] = {}
    woken = before = 0
    for t_ns in range(SECOND // 2, STEPS * SECOND, SECOND):
        rows = requests(world, t_ns)
        navs = {k: world.market_int(k, "index_ticks") for k in range(TOKENS)}
        for at, account, market, lots in rows:
            if at <= t_ns - SECOND // 2:  # the NAV of the step before
                continue
            share = wanted_share(crowd, account, navs, PRICE, WEIGHT, LOW)
            assert (market, lots) == (crowd[account].token, order_lots(crowd, account, navs, share, CHANGE))
            asked[account] = lots
        woken, before = woken + world.get("wakeups") - before, world.get("wakeups")
    assert woken > 1_500
    assert len(asked) > 40
    assert {lots > 0 for lots in asked.values()} == {True, False}
    assert world.accounts["cash_atoms"][: len(crowd)].tolist() == [int(holder.cash) * ATOMS for holder in crowd]


def test_a_holder_without_neighbours_wants_what_it_wants_without_a_network() -> None:
    alone = [i for i, holder in enumerate(holders(4)) if not holder.neighbours]
    linked = requests(open_world(holders(4), 4), 100 * SECOND)
    without = requests(open_world(holders(4, neighbours=False), 4), 100 * SECOND)
    assert len(alone) > 5
    assert [row for row in linked if row[1] in alone] == [row for row in without if row[1] in alone]
    assert linked != without


def life(seed: int) -> str:
    """Digest of a world of linked holders after two minutes, and of all that they asked for."""
    world = open_world(holders(seed), seed)
    rows = requests(world, 120 * SECOND)
    return f"{world.digest()} {len(rows)} {hashlib.sha256(repr(rows).encode()).hexdigest()}"


def test_linked_holders_live_the_same_life_without_the_compiler() -> None:
    code = "from tests.kernel.test_neighbours import life\nprint(life(5)); print(life(6))"
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=PATIENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [life(5), life(6)]
