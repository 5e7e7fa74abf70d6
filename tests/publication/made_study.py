"""A study whose runs are written by hand, table by table, with the writer that runs use."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from marketsim.datasets import provenance
from marketsim.datasets.store import RunDirectory
from marketsim.datasets.study import PLAN, Study, create_study
from marketsim.datasets.tables import TABLES
from marketsim.datasets.writer import TableWriter, columns_of
from marketsim.scenario import load_text

SECOND = 10**9
WORLD = """
schema: marketsim/1
name: by-hand
title: Does more of it push more?
clock: {start: 2024-01-01T00:00:00Z, duration: 5min}
seed: 7
underlyings: [{id: BTC, index: {kind: constant, price: 30000 USDT}}]
markets: [{id: M, underlying: BTC}]
tokens: [{id: T3, issuer: i, basket: {M: 3}, aum: 1 MUSDT, nav: 100 USDT, rebalance: {policy: daily, at: "00:02"}}]
traders: [{id: noise, kind: noise, market: M, count: 10, capital: 20 kUSDT}]
study: {arms: [factual, frictionless], replications: 2, over: {tokens.T3.aum: [1 MUSDT, 2 MUSDT]}}
"""
ARMS = ("factual", "frictionless")


def trade(t_s: float, price: int, lots: int, side: str = "buy", purpose: str = "normal", cohort: str = "noise") -> dict:
    """A trade at a time in seconds; `purpose` and `cohort` are the taker's."""
    return dict(t_ns=round(t_s * SECOND), price=price, lots=lots, side=side, purpose=purpose, cohort=cohort)


def trades(rows: list[dict]) -> pl.DataFrame:
    """Rows of `trades`, numbered as they stand."""
    told = [
        {
            "t_ns": row["t_ns"],
            "market": "M",
            "seq": number,
            "price_ticks": row["price"],
            "price": row["price"] / 10,
            "size_lots": row["lots"],
            "taker_side": row["side"],
            "taker_account": 1,
            "maker_account": 2,
            "taker_cohort": row["cohort"],
            "maker_cohort": "noise",
            "taker_order": number,
            "maker_order": number,
            "taker_purpose": row["purpose"],
            "maker_purpose": "normal",
            "taker_parent": -1,
            "maker_parent": -1,
        }
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(told, schema=TABLES["trades"].schema())


def quotes(rows: list[tuple[float, int, int]]) -> pl.DataFrame:
    """Rows of `quotes` from (seconds, bid, ask) in ticks of 0.1; a bid of 0 is a side that is empty."""
    told = [
        {
            "t_ns": round(t_s * SECOND),
            "market": "M",
            "bid_ticks": bid,
            "bid_lots": 5 if bid else 0,
            "ask_ticks": ask,
            "ask_lots": 5,
            "mid": (bid + ask) / 20 if bid else None,
        }
        for t_s, bid, ask in rows
    ]
    return pl.DataFrame(told, schema=TABLES["quotes"].schema())


def depth(rows: list[tuple[float, str, float, int]]) -> pl.DataFrame:
    """Rows of `depth` from (seconds, side, bps, lots)."""
    told = [
        {"t_ns": round(t_s * SECOND), "market": "M", "side": side, "bps": bps, "size_lots": lots}
        for t_s, side, bps, lots in rows
    ]
    return pl.DataFrame(told, schema=TABLES["depth"].schema())


def made_study(
    out: Path,
    tables: Mapping[tuple[int, int, str], Mapping[str, pl.DataFrame]],
    failed: Mapping[tuple[int, int, str], str] | None = None,
    design: pl.DataFrame | None = None,
) -> Study:
    """A finished study of two cells, two replications and two arms; `failed` has reasons by run.

    `tables` may make each run's as it is asked for them.
    """
    scenario = load_text(WORLD)
    which = [(cell, replication, arm) for cell in (0, 1) for replication in (0, 1) for arm in ARMS]
    plan = pl.DataFrame([(*each, run_id(each)) for each in which], schema=PLAN, orient="row")
    if design is None:
        design = pl.DataFrame({"cell": [0, 1], **aum(1, 2)})
    study = create_study(out, scenario, design, plan, provenance.code_here())
    for each in which:
        write_run(study, each, tables.get(each, {}), (failed or {}).get(each))
    return study


def aum(*millions: float) -> dict[str, list[str] | list[float]]:
    """The columns of a design that varies the fund's size, by cell [MUSDT]."""
    texts, values = [f"{each:g} MUSDT" for each in millions], [each * 1e6 for each in millions]
    return {"tokens.T3.aum": texts, "tokens.T3.aum:value": values}


def instruments() -> pl.DataFrame:
    """The one market of the study."""
    row = {
        "market": "M",
        "venue": "binance",
        "kind": "perpetual",
        "underlying": "BTC",
        "contract": "linear",
        "tick": 0.1,
        "lot": 0.001,
        "atoms_per_tick_lot": 10_000,
        "asset": "USDT",
    }
    return pl.DataFrame([row], schema=TABLES["instruments"].schema())


def run_id(which: tuple[int, int, str]) -> str:
    """The id of a run of the study."""
    return "{}-{}-{}".format(*which)


def write_run(
    study: Study, which: tuple[int, int, str], tables: Mapping[str, pl.DataFrame], reason: str | None = None
) -> None:
    """Write one run directory: the tables given, all others empty."""
    scenario = load_text(WORLD)
    with RunDirectory.create(study.path, "runs", run_id(which), again=True) as directory:
        summaries = {}
        for name, table in TABLES.items():
            writer = TableWriter(directory.path / "tables", name)
            for rows in tables.get(name, table.empty()).iter_slices(1_000_000):
                writer.append(columns_of(rows))
            summaries[name] = writer.close()
        provenance.write_json(directory.path / "resolved.json", scenario.canonical())
        manifest = provenance.manifest(
            name=scenario.name,
            run_id=run_id(which),
            scenario_sha256=scenario.sha256(),
            seed=scenario.seed,
            started_utc="2026-01-01T00:00:00Z",
            wall_s=2.0,
            compile_s=0.0,
            kernel_s=1.0,
            simulated_ns=scenario.clock.duration,
            traders=10,
            counts={"micro_events": 100},
            residual_by_asset={"USDT": 0},
            markets=["M"],
            tables=summaries,
            code=provenance.code_here(),
            replication=which[1],
            cell=which[0],
            arm=which[2],
        )
        directory.fail(reason, manifest) if reason else directory.commit(manifest)
