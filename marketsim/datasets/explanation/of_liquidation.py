"""Why an account was liquidated and how: its margin, its engine's rule, what was traded, and who bore what was left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from marketsim.datasets.explanation.explanation import Explanation, Figure
from marketsim.datasets.explanation.stored_run import (
    Market,
    StoredRun,
    declared_market,
    market_of,
    row_of,
    token_of,
    when,
)
from marketsim.units import ATOMS_PER_UNIT
from marketsim.venues.engines.family import LIQUIDATION_ENGINES
from marketsim.venues.engines.liquidation_facts import LiquidationFacts
from marketsim.venues.margin import tier_table

TABLE = "liquidations"


def explain_liquidation(run: StoredRun, number: int) -> Explanation:
    """Explain the row of table `liquidations` with this number, from 0; raises UsageError where there is none."""
    row = row_of(run, TABLE, number, None)
    market, declared = market_of(run, row["market"]), declared_market(run, row["market"])
    tiers = token_of(run, row["cohort"]).account.tiers if row["is_fund"] else declared.margin.tiers
    facts = LiquidationFacts(
        position_lots=row["size_lots"],
        mark_ticks=round(row["mark_price"] / market.tick),
        atoms_per_tick_lot=market.atoms_per_tick_lot,
        tiers=tier_table(tiers),
        bankruptcy=row["bankruptcy_price"],
        stage=row["stage"],
        deleveraged_lots=row["deleveraged_lots"],
        lot=market.lot,
        unit=market.unit,
        asset=market.asset,
        is_slice=declared.liquidation.is_sliced,
    )
    engine = LIQUIDATION_ENGINES.kinds[declared.liquidation.engine]
    sentence = f"An account below maintenance {engine.sentence()}{declared.liquidation.sentence()}."
    who = f"account {row['account']} ({row['cohort']}) on {row['market']}, {when(run, row['t_ns'])} ({row['stage']})"
    return Explanation(
        TABLE,
        number,
        f"Liquidation {number}: {who}",
        (sentence, *engine.reasons(facts)),
        tuple(_numbers(row, market, facts)),
        tuple(_formula(row, market, facts)),
        "trades",
        tuple(_trades(run, row, market)),
        tuple(_outcome(row, market)),
    )


def _numbers(row: Mapping[str, Any], market: Market, facts: LiquidationFacts) -> Iterator[Figure]:
    leverage = row["leverage"]
    yield Figure(
        "slice" if facts.is_slice else "position", row["size_lots"] * market.lot, market.size(row["size_lots"])
    )
    for name in ("entry_price", "mark_price", "index_price", "bankruptcy_price"):
        yield Figure(name.replace("_", " "), row[name], market.price(row[name]))
    yield Figure("leverage", leverage, "no equity was left" if leverage is None else f"{leverage:,.2f}")
    yield Figure("notional", facts.notional_atoms / ATOMS_PER_UNIT, facts.money(facts.notional_atoms))
    if facts.is_slice:
        return
    rate = facts.tier.maintenance_rate
    yield Figure("maintenance rate", float(rate), f"{float(rate):.4%} less {facts.money(facts.tier.deduction_atoms)}")


def _formula(row: Mapping[str, Any], market: Market, facts: LiquidationFacts) -> Iterator[str]:
    notional = facts.notional_atoms / ATOMS_PER_UNIT
    worth = _worth(row, market)
    yield "maintenance margin = notional x rate - deduction; liquidated when equity < maintenance margin"
    if facts.is_slice:
        cushion = row["mark_price"] - row["bankruptcy_price"]
        yield "equity over position, of all that the account held = mark price - bankruptcy price"
        yield f"      = {row['mark_price']:,.8g} - {row['bankruptcy_price']:,.8g} = {cushion:,.8g} {market.asset}"
        return
    rate, less = float(facts.tier.maintenance_rate), facts.money(facts.tier.deduction_atoms)
    yield f"      = {notional:,.2f} x {rate:.4%} - {less} = {facts.maintenance:,.2f} {market.asset}"
    yield "equity = position x (mark price - bankruptcy price), as the engine's order came"
    yield (
        f"      = {market.size(row['size_lots'])} x ({row['mark_price']:,.8g} - {row['bankruptcy_price']:,.8g})"
        f" = {worth:,.2f} {market.asset}"
    )


def _worth(row: Mapping[str, Any], market: Market) -> float:
    return float(row["size_lots"] * market.lot * (row["mark_price"] - row["bankruptcy_price"]))


def _trades(run: StoredRun, row: Mapping[str, Any], market: Market) -> Iterator[dict[str, Any]]:
    """Its orders' fills in the book, each order's together, until its next liquidation in the market."""
    mine = (pl.col("account") == row["account"]) & (pl.col("market") == row["market"])
    later = run.table(TABLE).filter(mine, pl.col("t_order_ns") > row["t_order_ns"])["t_order_ns"].min()
    fills = run.scan("trades").filter(
        (pl.col("taker_account") == row["account"]) & (pl.col("market") == row["market"]),
        (pl.col("taker_purpose") == "liquidation") & (pl.col("t_ns") >= row["t_order_ns"]),
        pl.lit(True) if later is None else pl.col("t_ns") < later,
    )
    weighed = (pl.col("price") * pl.col("size_lots")).sum() / pl.col("size_lots").sum()
    orders = fills.group_by("taker_order", maintain_order=True).agg(
        pl.col("t_ns").first(), pl.col("taker_side").first(), pl.col("size_lots").sum(), weighed.alias("vwap"), pl.len()
    )
    for order in orders.collect().iter_rows(named=True):
        yield {
            "time": when(run, order["t_ns"]),
            "side": order["taker_side"],
            f"got [{market.unit}]": round(order["size_lots"] * market.lot, 9),
            "vwap": order["vwap"],
            "fills": order["len"],
        }


def _outcome(row: Mapping[str, Any], market: Market) -> Iterator[str]:
    fund, fee = row["insurance_atoms"] / ATOMS_PER_UNIT, row["fee_atoms"] / ATOMS_PER_UNIT
    if row["vwap"] is not None:
        yield f"In the book it got {market.price(row['vwap'])} on average."
    yield f"The liquidation fee was {fee:,.2f} {market.asset}; the insurance fund's change {fund:+,.2f} {market.asset}."
    if row["deleveraged_lots"]:
        yield f"{market.size(row['deleveraged_lots'])} of it went to accounts on the other side."
    else:
        yield "Nothing of it went to accounts on the other side."
    solvent = "was still solvent" if row["solvent_at_index"] else "was insolvent too"
    yield f"At the index price the account {solvent}."
    if row["parent"] >= 0:
        yield f"It was set off by what pushed the price before it: parent {row['parent']}, cascade {row['cascade']}."
