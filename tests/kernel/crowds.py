"""A small population of every compiled kind on one market, for runs whose digests are compared."""

from typing import Any

import numpy as np

from marketsim.kernel import codes, layout
from marketsim.kernel.world import World
from marketsim.streams import exponential_table, stream_key
from tests.kernel.worlds import SECOND, MarketPlan, Plan, account_tables, market_fields

PRICE = 300_000  # ticks
ATOMS = 10_000  # of a tick and lot
UNIT = 10**8 / ATOMS  # tick-lots of one unit of currency
TIERS = ((0, 400_000, 125), (50_000 * 10**8, 500_000, 100), (600_000 * 10**8, 650_000, 75))
MINUTE_VOLATILITY = 0.0009
LEVELS = 5
# rule, traders, mean wake-ups a second of each, capital, slots of each
GROUPS = (
    ("noise", 120, 0.05, 20_000, 4),
    ("market_maker", 3, 0.5, 5_000_000, 2 * LEVELS),
    ("fundamentalist", 30, 0.05, 100_000, 1),
    ("trend", 20, 0.05, 20_000, 1),
    ("retail", 60, 0.05, 300, 1),
    ("metaorder", 40, 0.02, 50_000, 1),
)


def rules(seed: int) -> list[dict[str, Any]]:
    """What each group's rule reads, and when the group wakes beside its clock (the base market's, thinned)."""
    luck = np.random.default_rng(seed)
    u = (np.arange(4096) + 0.5) / 4096
    sizes = 540 * (1 - u * 0.9997) ** (-1 / 1.5) * UNIT
    look_back = luck.integers(5, 60, 20)
    noise = dict(market_threshold=int(0.3 * 65536), limit_threshold=int(0.7 * 65536), tilt_per_deviation=65536 * 100.0)
    noise |= dict(tilt_cap=0.4 * 65536, protection=50e-4, limit_size=0.6)
    noise |= dict(size_table=sizes, distance_table=2e-4 + 200e-4 * u**1.2)
    distances = 0.6e-4 * 1.8 ** np.arange(LEVELS) * (0.85 + 0.3 * luck.random((3, LEVELS)))
    maker = dict(levels=LEVELS, may_cross=0, memory_weight=0.8, skew_per_ticklot=35e-4 / (800_000 * UNIT))
    maker |= dict(hysteresis=0.25, refill=0.5, max_inventory_ticklots=3e6 * UNIT)
    maker |= dict(distance_table=distances.ravel(), size_table=12_000 * 1.6 ** np.arange(LEVELS) * UNIT)
    fundamentalist = dict(
        close=0.0, slice_ticklots=20_000 * UNIT, refill_threshold=2**32 // 10, adopts=0.5, sees_latent=0
    )
    fundamentalist |= dict(
        threshold_table=6e-4 + 20e-4 * luck.random(30), capacity_table=60_000 * UNIT * (1 + luck.random(30))
    )
    fundamentalist |= dict(error_table=3e-4 * (u - 0.5))
    trend = dict(direction=1.0, exit_share=0.2, size_ticklots=5_000 * UNIT, size_table=None, protection=50e-4)
    retail = dict(margin_table=250 * UNIT * (0.6 + luck.random(60)), target=1.5, stop=0.9, protection=50e-4)
    retail |= dict(close_threshold=2**32 // 20, open_threshold=2**32 // 2, call_ratio=0.05, top_ups=2, reopens=1)
    retail |= dict(chase_threshold=int(0.75 * 65536), long_bias=int(0.05 * 65536), lookback_steps=20)
    metaorder = dict(buy_threshold=32_768, informed_threshold=16_384, stop_past=10e-4, shortest_gap_ns=10_000_000)
    metaorder |= dict(protection=50e-4, slowing_table=np.ones(4096), gap_table=1e9 * (0.2 + u), size_table=sizes)
    metaorder |= dict(number_table=1 + np.arange(4096) // 128, error_table=20e-4 * (u - 0.5))
    own = [
        {},
        dict(base_lots=0),
        dict(reference=1e-4 * luck.standard_normal(30), base_lots=0),
        dict(entry=MINUTE_VOLATILITY * np.sqrt(look_back / 60), lookback_steps=look_back),
        dict(leverage=np.minimum(100.0, 3 / (1 - luck.random(60) * 0.97)), topped_up=0),
        {},
    ]
    timing: list[dict[str, Any]] = [{}, dict(on_index=1, latency_ns=3_000_000), {}, dict(latency_ns=40_000_000), {}]
    timing.append(dict(latency_table=np.arange(4096, dtype=np.int64) * 1_000))
    parameters = (noise, maker, fundamentalist, trend, retail, metaorder)
    return [dict(parameters=its, own=one, **more) for its, one, more in zip(parameters, own, timing, strict=True)]


def open_half_in_coin(accounts: np.ndarray[Any, Any], positions: np.ndarray[Any, Any], groups: list[Any]) -> None:
    """Half of every trader's cash becomes coin, against `outside`; makers and fundamentalists count from there."""
    n, outside = sum(group["count"] for group in groups), len(positions) - 1
    lots = accounts["cash_atoms"][:n] // (2 * PRICE * ATOMS)
    positions["lots"][:n], positions["lots"][outside] = lots, -lots.sum()
    positions["entry_ticklots"] = abs(positions["lots"]) * PRICE
    np.subtract.at(accounts["cash_atoms"], positions["account"], positions["lots"] * PRICE * ATOMS)
    for group in groups:
        if "base_lots" in group["own"]:
            group["own"]["base_lots"] = lots[group["first_trader"] :][: group["count"]]


def crowd(
    seed: int,
    *,
    log_rows: int = 1 << 16,
    steps: int = 4_000,
    fall: float = 0.0,
    is_spot: bool = False,
    noise: Any = "noise",
) -> World:
    """An open world.

    fall: the index's drift a step, as a fraction; is_spot: the market is a coin's spot market; noise: the rule of the
    noise traders.
    """
    traders, groups, capital = [], [], []
    first = slots = 0
    for number, ((rule, count, rate, money, each), fields) in enumerate(zip(GROUPS, rules(seed), strict=True)):
        table = np.zeros(count, layout.TRADER)
        table["account"] = table["position"] = first + np.arange(count)
        key = np.uint64(stream_key(seed, 0, f"group {number}"))
        plain = dict(market=0, first_trader=first, count=count, key=key, slots_each=each)
        plain["rule"] = noise if rule == "noise" else rule
        groups.append({**plain, "mean_gap_ns": SECOND / (rate * count), **fields})
        traders.append(table)
        capital += [money * 10**8] * count
        first, slots = first + count, slots + each * count
    rule = "mid" if is_spot else "median"
    terms = MarketPlan(
        PRICE, ATOMS, TIERS, rule=rule, is_spot=is_spot, window=1 << 14, impact_ticklots=int(25_000 * UNIT)
    )
    plan = Plan(tuple(capital), (terms,), fund=50_000 * 10**8)
    accounts, positions, _ = account_tables(plan)
    if is_spot:
        open_half_in_coin(accounts, positions, groups)
    accounts["trader"][:first] = np.arange(first)
    accounts["cohort"] = 0
    accounts["cohort"][:first] = np.repeat(np.arange(len(GROUPS)), [row[1] for row in GROUPS])
    accounts["cohort"][first:] = len(GROUPS) + np.arange(len(accounts) - first)
    ledger = [dict(group=-1)] * (len(accounts) - first)
    market = {**market_fields(plan, 0), "inverse_tick": 10.0, "history_length": 1024}
    market |= {"latent": -1, "latent_ticks": float(PRICE)}
    world = World(
        underlyings=[dict(level=PRICE / 10, every_ns=SECOND, next_ns=SECOND, learning=0.001)],
        markets=[market],
        cohorts=[dict(group=k, own_fees=int(k == 1), taker_fee=20_000) for k in range(len(GROUPS))] + ledger,
        groups=groups, accounts=accounts, positions=positions, traders=np.concatenate(traders), slots=slots,
        exponential=exponential_table(), logs=("trades", "orders", "quotes"), log_rows=log_rows,
    )  # fmt: skip
    luck = np.random.default_rng(seed + 1)
    world.give_path(0, 0, 1 + fall + MINUTE_VOLATILITY / 7.7 * luck.standard_normal(steps))
    world.open()
    return world


def advance(world: World, until_ns: int, phase: int = codes.PH_RECORD) -> dict[str, list[Any]]:
    """Run to an instant; return the rows that were logged on the way."""
    rows: dict[str, list[Any]] = {name: [] for name in world.logs}
    while (stop := world.advance(until_ns, phase)) != codes.STOP_REACHED:
        if stop == codes.STOP_SPACE:
            world.grow()
        else:
            assert stop == codes.STOP_LOG
            for name, kept in rows.items():
                kept.extend(world.take_log(name).tolist())
    for name, kept in rows.items():
        kept.extend(world.take_log(name).tolist())
    return rows
