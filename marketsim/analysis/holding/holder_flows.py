"""What each holder of a token put in and took out over time, what it came to in the end, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from json import loads
from math import prod
from typing import NamedTuple

import polars as pl

from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT

FIRST_LEDGER_ACCOUNT = 1_200_000_000
"""Accounts from here on are ledger roles, which are no holders."""


@dataclass(frozen=True, slots=True)
class HolderFlow:
    """Cash a holder put in at an instant [atoms], or the share of the units held that was then given up."""

    t_ns: int
    cash_atoms: int = 0
    share: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class HolderCosts:
    """What holding cost [atoms]; fees are positive as costs, funding is + received."""

    trading_fee: int
    create_fee: int
    redeem_fee: int
    management: int
    funding: int


@dataclass(frozen=True, slots=True)
class HolderHistory:
    """One holder of one token: flows in time, everything received or held in the end [atoms], and costs.

    account, cohort: None for the representative holder.
    """

    token: str
    account: int | None
    cohort: str | None
    flows: tuple[HolderFlow, ...]
    wealth_atoms: int
    costs: HolderCosts

    @property
    def cash_in_atoms(self) -> int:
        """All cash put in [atoms]."""
        return sum(flow.cash_atoms for flow in self.flows)


class _Deal(NamedTuple):
    """Units and cash [atoms] put in at an instant by a trade or a primary request; both negative for a sale."""

    t_ns: int
    units: float
    cash_atoms: int


def holder_histories(run: Run, token: str) -> list[HolderHistory]:
    """Everybody in table `holders`, with the flows that `trades` and `primary` tell."""
    rows = run.table("holders").filter(pl.col("token") == token, pl.col("account") < FIRST_LEDGER_ACCOUNT)
    if rows.is_empty():
        return []
    deals = _deals(run, token)
    opening = run.table("tokens").filter(token=token).sort("t_ns").row(0, named=True)
    nav = Fraction(opening["equity_atoms"]) / Fraction(opening["supply"]) if opening["supply"] else Fraction(0)
    found = []
    for row in rows.iter_rows(named=True):
        own = deals.get(row["account"], [])
        costs = HolderCosts(*(row[f"{name}_atoms"] for name in HolderCosts.__dataclass_fields__))
        received = sum(-deal.cash_atoms for deal in own if deal.cash_atoms < 0)
        wealth = received + row["end_value_atoms"] - costs.trading_fee - costs.create_fee - costs.redeem_fee
        flows = tuple(_flows(row["units_start"], round(Fraction(row["units_start"]) * nav), own))
        found.append(HolderHistory(token, row["account"], row["cohort"], flows, wealth, costs))
    return found


def representative_holder(run: Run, token: str, units: int) -> HolderHistory:
    """One who holds `units` of a token, and what splits make of them, and bears their share of its fee and funding."""
    rows = run.table("tokens").filter(token=token).sort("t_ns")
    splits = run.table("events").filter(pl.col("subject") == token, pl.col("event").is_in(["reverse_split", "merge"]))
    ratios = [(t_ns, Fraction(str(loads(told)["ratio"]))) for t_ns, told in splits.select("t_ns", "detail").iter_rows()]
    opening, closing = (Fraction(str(rows["nav"][i])) * ATOMS_PER_UNIT * units for i in (0, -1))
    management, funding = Fraction(0), Fraction(0)
    supplies = dict(rows.select("t_ns", "supply").iter_rows())
    supply = Fraction(0)
    parts = run.table("attribution").filter(token=token).sort("t0_ns")
    for t0_ns, fee_atoms, funding_atoms in parts.select("t0_ns", "management_fee_atoms", "funding_atoms").iter_rows():
        supply = Fraction(supplies.get(t0_ns, supply))
        if supply:
            share = units / prod(ratio for t_ns, ratio in ratios if t_ns <= t0_ns) / supply
            management -= fee_atoms * share
            funding += funding_atoms * share
    costs = HolderCosts(0, 0, 0, round(management), round(funding))
    flows = (HolderFlow(0, cash_atoms=round(opening)),)
    return HolderHistory(token, None, None, flows, round(closing / prod(ratio for _, ratio in ratios)), costs)


def _deals(run: Run, token: str) -> dict[int, list[_Deal]]:
    """Trades and settled primary requests by account, in time."""
    market = run.table("instruments").filter(market=token)
    each: list[pl.LazyFrame] = []
    if not market.is_empty():
        lot, k = market["lot"].item(), market["atoms_per_tick_lot"].item()
        trades = run.scan("trades").filter(pl.col("market") == token)
        for who, sign in (("taker", 1), ("maker", -1)):
            bought = pl.when(pl.col("taker_side") == "buy").then(sign).otherwise(-sign)
            each.append(
                trades.select(
                    "t_ns",
                    account=f"{who}_account",
                    units=bought * pl.col("size_lots") * lot,
                    cash=bought * pl.col("size_lots") * pl.col("price_ticks") * k,
                )
            )
    signed = pl.when(pl.col("side") == "creation").then(1).otherwise(-1)
    fee = pl.when(pl.col("side") == "creation").then("fee_atoms").otherwise(0)
    each.append(
        run.scan("primary")
        .filter(pl.col("token") == token, pl.col("status") == "settled")
        .select("t_ns", "account", units=signed * pl.col("units"), cash=signed * (pl.col("cash_atoms") - fee))
    )
    rows = pl.concat(each, how="vertical_relaxed").sort("t_ns", maintain_order=True).collect()
    deals: dict[int, list[_Deal]] = {}
    for t_ns, account, units, cash in rows.iter_rows():
        deals.setdefault(account, []).append(_Deal(t_ns, units, cash))
    return deals


def _flows(units: float, worth_atoms: int, deals: Sequence[_Deal]) -> Iterator[HolderFlow]:
    """What a holder put in, and which share of the units was given up, in time."""
    if worth_atoms:
        yield HolderFlow(0, cash_atoms=worth_atoms)
    held = Fraction(units)
    for t_ns, moved, cash in deals:
        if moved > 0:
            yield HolderFlow(t_ns, cash_atoms=cash)
        elif held > 0:
            yield HolderFlow(t_ns, share=min(-Fraction(moved) / held, Fraction(1)))
        held = max(held + Fraction(moved), Fraction(0))
