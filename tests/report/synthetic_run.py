"""A run directory made up from the dictionary of columns: plausible prices, two tokens, a crash, books that close."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from marketsim.datasets.tables import TABLES
from tests.datasets.manifests import write_manifest

S = 1_000_000_000
HOUR, DAY = 3_600 * S, 86_400 * S
MARKET, ASSET, TICK, LOT = "BTC-PERP", "USDT", 0.1, 0.001
COHORTS = ("noise", "makers", "value", "trend", "retail")


def resolved_scenario(title: str = "Do synchronised daily resets of 3x tokens crowd the book?") -> dict[str, Any]:
    """The resolved scenario of the made-up run."""
    token = {
        "basket": {MARKET: "3"}, "execution": {"algorithm": "ioc_ladder"}, "primary": {"mode": "none"},
        "account": {"tiers": "none"}, "issuer": "alpha",
    }  # fmt: skip
    return {
        "schema": "marketsim/1", "name": "crowded-reset", "title": title, "references": ["Cheng & Madhavan 2009"],
        "clock": {"start": "2024-01-01T00:00:00Z", "duration": "3d", "warmup": "1h"}, "seed": 20240101,
        "underlyings": [{"id": "BTC", "index": {"kind": "gbm", "price": "30000 USDT", "pass_through": "0%"}}],
        "tokens": [{"id": "BTC3L", **token}, {"id": "BTC3S", **token, "basket": {MARKET: "-3"}}],
        "networks": [],
    }  # fmt: skip


def manifest_of(tables: dict[str, pl.DataFrame], /, **changes: Any) -> dict[str, Any]:
    """The manifest of the made-up run; `changes` replaces its values."""
    rows = {name: {"rows": frame.height, "bytes": 900 + 12 * frame.height, "content_sha256": "0f" * 32}
            for name, frame in tables.items()}  # fmt: skip
    counts = {
        "micro_events": 21_483_112, "strategic_events": 91_002, "orders": 9_120_331, "cancels": 7_020_114,
        "rejected_orders": 1_204, "trades": tables["trades"].height, "liquidations": tables["liquidations"].height,
        "deleveragings": tables["deleveragings"].height, "rebalances": tables["rebalances"].height, "creations": 0,
        "redemptions": 0,
    }  # fmt: skip
    whole = {
        "schema": "marketsim/1",
        "name": "crowded-reset",
        "run_id": "9f2c41d07be3a655",
        "status": "ok",
        "reason": None,
        "scenario_sha256": "ab" * 32,
        "seed": 20240101,
        "replication": 0,
        "cell": None,
        "arm": "factual",
        "versions": {"marketsim": "0.1.0", "python": "3.11.7", "numpy": "2.4.6", "polars": "2.1.0", "numba": "0.68.1"},
        "platform": {"system": "Linux", "machine": "x86_64", "cores": 2},
        "started_utc": "2026-11-23T22:00:00Z",
        "wall_s": 9.41,
        "compile_s": 0.02,
        "kernel_s": 5.06,
        "simulated_ns": 3 * DAY,
        "traders": 8_020,
        "counts": counts,
        "events_per_s": 4_245_674.0,
        "peak_rss_mb": 512.3,
        "conservation": {"residual_atoms": 0, "by_asset": {"USDT": 0}},
        "crowding": {MARKET: {"k_usdt": None, "method": "none"}},
        "tables": rows,
        "liquidations_queued": {MARKET: 0},
    }
    return {**whole, **changes}


def empty_tables() -> dict[str, pl.DataFrame]:
    """Every declared table without a row."""
    return {name: table.empty() for name, table in TABLES.items()}


def synthetic_tables(seed: int = 7, *, every_ns: int = 60 * S, duration_ns: int = 3 * DAY) -> dict[str, pl.DataFrame]:
    """All tables of the made-up run; prices every `every_ns`."""
    luck = np.random.default_rng(seed)
    t_ns = np.arange(0, duration_ns + 1, every_ns)
    steps = luck.standard_normal(t_ns.size) * 0.70 * np.sqrt(every_ns / (365 * DAY))
    steps[t_ns.size // 2] -= 0.06
    index = 30_000 * np.exp(np.cumsum(steps))
    basis = 2.5e-4 * np.convolve(luck.standard_normal(t_ns.size), np.ones(40) / 6.3, mode="same")
    mark, mid = index * (1 + basis), index * (1 + basis + 3e-5 * luck.standard_normal(t_ns.size))
    tables = empty_tables()
    rows: dict[str, list[dict[str, Any]]] = {
        "instruments": [
            dict(
                market=MARKET,
                venue="main",
                kind="perpetual",
                underlying="BTC",
                contract="linear",
                tick=TICK,
                lot=LOT,
                atoms_per_tick_lot=10_000,
                asset=ASSET,
            )
        ],
        "events": [dict(t_ns=duration_ns // 2, event="jump", subject="BTC", detail='{"size": -0.06}')],
    }
    tables["marks"] = _frame(
        "marks",
        dict(
            t_ns=t_ns,
            market=[MARKET] * t_ns.size,
            index_price=index,
            mark_price=mark,
            mid_price=mid,
            last_price=mid.round(1),
            premium=basis * 0.6,
            predicted_funding=basis * 0.4,
            open_interest_lots=[12_000_000] * t_ns.size,
            latent_price=[None] * t_ns.size,
        ),
    )
    _tokens(rows, tables, t_ns, mark, index)
    _funding(rows, t_ns, mark, duration_ns)
    _liquidations(rows, luck, t_ns, mark, index, duration_ns)
    _trades(tables, luck, duration_ns)
    _wealth(rows, luck, duration_ns)
    for name, own in rows.items():
        tables[name] = pl.DataFrame(own, schema=TABLES[name].schema()) if own else tables[name]
    return tables


def _frame(name: str, columns: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema=TABLES[name].schema())


def _tokens(
    rows: dict[str, list[dict[str, Any]]],
    tables: dict[str, pl.DataFrame],
    t_ns: np.ndarray,
    mark: np.ndarray,
    index: np.ndarray,
) -> None:
    state, legs = [], []
    rows["rebalances"], rows["attribution"] = [], []
    for token, target, aum in (("BTC3L", 3.0, 50e6), ("BTC3S", -3.0, 20e6)):
        equity, position, reset, opened, opened_at = aum, target * aum / mark[0], mark[0], round(aum * 1e8), 0
        parts = np.zeros(2)
        for i in range(t_ns.size):
            if i:
                gain = position * (mark[i] - mark[i - 1])
                parts += position * (index[i] - index[i - 1]), gain - position * (index[i] - index[i - 1])
                equity += gain
            leverage = position * mark[i] / equity
            scheduled = i > 0 and 0 <= t_ns[i] % DAY - 120 * S < t_ns[1]
            if scheduled or abs(leverage) > 4:
                order = target * equity / mark[i] - position
                row = _rebalance(
                    len(rows["rebalances"]),
                    token,
                    "scheduled" if scheduled else "emergency",
                    int(t_ns[i]),
                    leverage,
                    target,
                    equity,
                    order,
                    mark[i],
                )
                rows["rebalances"].append(row)
                fee = row["fees_atoms"] / 1e8
                slip = -abs(order) * mark[i] * row["slippage_bps"] / 1e4
                equity += slip - fee
                rows["attribution"].append(_interval(token, opened_at, int(t_ns[i]), opened, parts, fee, slip))
                opened, opened_at, parts = rows["attribution"][-1]["closing_atoms"], int(t_ns[i]), np.zeros(2)
                position, reset = position + order, mark[i]
            state.append(
                (
                    int(t_ns[i]),
                    token,
                    equity / aum * 100,
                    equity / aum * 100,
                    aum / 100,
                    int(equity * 1e8),
                    0,
                    leverage,
                    target,
                    None,
                    None,
                    reset * 1.067 if target < 0 else None,
                    reset * 0.8885 if target > 0 else None,
                    reset,
                    "active",
                )
            )
            legs.append(
                (int(t_ns[i]), token, MARKET, int(position / LOT), int(position * mark[i] * 1e8), leverage, target)
            )
        rows["attribution"].append(_interval(token, opened_at, int(t_ns[-1]), opened, parts, 0.0, 0.0))
    for name, made in (("tokens", state), ("token_legs", legs)):
        tables[name] = pl.DataFrame(made, schema=TABLES[name].schema(), orient="row").sort("t_ns", maintain_order=True)


def _rebalance(
    number: int,
    token: str,
    trigger: str,
    t_ns: int,
    leverage: float,
    target: float,
    equity: float,
    order: float,
    price: float,
) -> dict[str, Any]:
    lots, side = round(order / LOT), np.sign(order)
    slippage = 0.4 * np.sqrt(abs(order))
    return dict(
        id=number,
        cohort=token,
        token=token,
        market=MARKET,
        trigger=trigger,
        price_source="mark",
        trigger_price=price if trigger == "emergency" else None,
        t_decide_ns=t_ns,
        t_first_ns=t_ns + 10_000_000,
        t_last_ns=t_ns + 70 * S,
        leverage_before=leverage,
        leverage_after=target,
        equity_before_atoms=int(equity * 1e8),
        target_lots=lots,
        filled_lots=lots,
        backlog_lots=0,
        arrival_mid=price,
        vwap=price * (1 + side * slippage / 1e4),
        slippage_bps=slippage,
        shortfall_bps=slippage,
        fees_atoms=int(abs(order) * price * 5e-4 * 1e8),
        market_volume_lots=abs(lots) * 4,
        participation=min(0.9, 0.02 * np.sqrt(abs(order))),
        cross_lots=0,
        mid_1m=price,
        mid_10m=price * (1 + side * slippage / 3e4),
        mid_1h=price,
        children=7,
        status="done",
    )


def _interval(
    token: str, t0_ns: int, t1_ns: int, opened: int, parts: np.ndarray, fee: float, slip: float
) -> dict[str, Any]:
    made = dict(
        opening_atoms=opened, index_atoms=round(parts[0] * 1e8), basis_atoms=round(parts[1] * 1e8),
        funding_atoms=-412_345_678_901, management_fee_atoms=-50_000_000_000, trading_fee_atoms=-round(fee * 1e8),
        slippage_atoms=round(slip * 1e8), primary_atoms=0,
    )  # fmt: skip
    return dict(token=token, t0_ns=t0_ns, t1_ns=t1_ns, **made, closing_atoms=sum(made.values()))


def _funding(rows: dict[str, list[dict[str, Any]]], t_ns: np.ndarray, mark: np.ndarray, duration_ns: int) -> None:
    rates = (1.2e-4, 0.8e-4, -0.4e-4, 2.1e-4, 3.0e-4, -1.7e-4, 0.1e-4, 0.6e-4, 1.0e-4)
    rows["funding"] = [
        dict(
            t_ns=k * 8 * HOUR,
            market=MARKET,
            rate=rate,
            mean_premium=rate * 0.9,
            mark_price=float(np.interp(k * 8 * HOUR, t_ns, mark)),
            atoms_per_lot=round(rate * 3e9),
            paid_by_longs_atoms=round(rate * 3e9) * 12_000_000,
            received_by_shorts_atoms=round(rate * 3e9) * 12_000_000,
        )
        for k, rate in enumerate(rates, 1)
        if k * 8 * HOUR <= duration_ns
    ]


def _liquidations(
    rows: dict[str, list[dict[str, Any]]],
    luck: np.random.Generator,
    t_ns: np.ndarray,
    mark: np.ndarray,
    index: np.ndarray,
    duration_ns: int,
) -> None:
    crash = duration_ns // 2
    times = np.sort(np.concatenate([luck.integers(0, duration_ns, 40), crash + luck.integers(0, 300 * S, 160)]))
    rows["liquidations"] = []
    for k, when in enumerate(times.tolist()):
        price, in_crash = float(np.interp(when, t_ns, mark)), crash <= when < crash + 300 * S
        lots = int(luck.pareto(1.2) * 400) + 3
        rows["liquidations"].append(
            dict(
                t_ns=when,
                market=MARKET,
                account=5_000 + k,
                cohort="retail" if k % 5 else "trend",
                size_lots=lots if k % 7 else -lots,
                entry_price=price * 1.04,
                leverage=None if k % 50 == 9 else float(10 + luck.pareto(1) * 5),
                mark_price=price,
                index_price=float(np.interp(when, t_ns, index)),
                bankruptcy_price=price * 0.992,
                vwap=None if k % 30 == 3 else price * 0.997,
                fee_atoms=lots * 37_500_000,
                insurance_atoms=(1 if k % 4 else -2) * lots * 9_000_000,
                deleveraged_lots=lots if k == 120 else 0,
                stage="partial" if k % 30 != 3 else "takeover",
                cascade=1 if in_crash else -1,
                parent=1 if in_crash and k % 3 else -1,
                is_fund=False,
                solvent_at_index=bool(k % 2),
                t_order_ns=when + 10_000_000,
            )
        )
    rows["deleveragings"] = [
        dict(
            t_ns=crash + 200 * S,
            market=MARKET,
            account=77,
            cohort="makers",
            size_lots=-912,
            price=28_011.3,
            rank=0,
            cascade=1,
        )
    ]


def _trades(tables: dict[str, pl.DataFrame], luck: np.random.Generator, duration_ns: int, count: int = 20_000) -> None:
    t_ns = np.sort(luck.integers(0, duration_ns, count))
    resets = (t_ns % DAY > 120 * S) & (t_ns % DAY < 1_800 * S)
    crash = (t_ns > duration_ns // 2) & (t_ns < duration_ns // 2 + 1_800 * S)
    purpose = np.where(resets, "rebalance", np.where(crash, "liquidation", "normal"))
    size = (luck.pareto(1.5, count) * 60).astype(np.int64) + 1
    fixed = {
        name: [0] * count
        for name in (
            "taker_account",
            "maker_account",
            "taker_order",
            "maker_order",
            "taker_parent",
            "maker_parent",
            "price_ticks",
        )
    }
    columns = dict(
        fixed,
        t_ns=t_ns,
        market=[MARKET] * count,
        seq=np.arange(count),
        price=[3e4] * count,
        size_lots=np.where(purpose == "normal", size, size * 4),
        taker_side=["buy"] * count,
        taker_cohort=["noise"] * count,
        maker_cohort=["makers"] * count,
        taker_purpose=purpose.tolist(),
        maker_purpose=["normal"] * count,
    )
    tables["trades"] = _frame("trades", {name: columns[name] for name in TABLES["trades"].names})


def _wealth(rows: dict[str, list[dict[str, Any]]], luck: np.random.Generator, duration_ns: int) -> None:
    starts = dict(zip(COHORTS, (163e6, 100e6, 120e6, 10e6, 5e5), strict=True)) | {
        "BTC3L": 50e6,
        "BTC3S": 20e6,
        "insurance": 5e6,
    }
    roles = ("venue", "outside", "outside_holders", "rounding", "issuer:alpha")
    names = [*starts, *roles]
    equity = {name: int(starts.get(name, 0.0) * 1e8) for name in names}
    rows["cohorts"] = []
    rows["ledger"] = [_entry(0, "deposit", None, name, atoms) for name, atoms in equity.items() if atoms]
    for t_ns in range(0, duration_ns + 1, HOUR):
        for name in names:
            kind = "role" if name in roles or name == "insurance" else "token" if name.startswith("BTC") else name
            accounts = 5_000 if name == "noise" else 20 if name == "makers" else 500 if name in COHORTS else 1
            rows["cohorts"].append(dict(t_ns=t_ns, cohort=name, kind=kind, accounts=accounts, asset=ASSET,
                                        cash_atoms=equity[name], equity_atoms=equity[name]))  # fmt: skip
        moves = {name: int(luck.normal(0, 2e5 if name != "rounding" else 1e-7) * 1e8) for name in names[:-1]}
        for name, move in moves.items():
            equity[name] += move
        equity["issuer:alpha"] -= sum(moves.values())
        payer, payee = luck.choice(COHORTS, 2, replace=False)
        rows["ledger"].append(_entry(t_ns + HOUR, "trading_fee", str(payer), "venue", int(luck.integers(1, 10**12))))
        if t_ns % (8 * HOUR) == 7 * HOUR:
            rows["ledger"].append(_entry(t_ns + HOUR, "funding", str(payer), str(payee), int(luck.integers(1, 10**12))))


def _entry(t_ns: int, entry: str, payer: str | None, payee: str, atoms: int) -> dict[str, Any]:
    return dict(t_ns=t_ns, entry=entry, asset=ASSET, from_cohort=payer, to_cohort=payee, atoms=atoms)


def write_run(
    directory: Path, tables: dict[str, pl.DataFrame], /, *, resolved: dict[str, Any] | None = None, **manifest: Any
) -> Path:
    """Write a run directory of these tables and return it; `manifest` replaces values of the manifest."""
    (directory / "tables").mkdir(parents=True)
    for name, frame in tables.items():
        frame.write_parquet(directory / "tables" / f"{name}.parquet")
    write_manifest(directory, **manifest_of(tables, **manifest))
    (directory / "resolved.json").write_text(json.dumps(resolved or resolved_scenario()), encoding="utf-8")
    return directory
