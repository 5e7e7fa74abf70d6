"""Token against perp: beside each holder of a token a ghost that does with a perp what the holder did with the token.

A ghost gets the cash at the instant the holder put it in (at the start: what his units were worth at NAV), and gives
the same share of what it has back when he sells; so both have had the same money for the same time. What each has in
the end is compared: cash handed back, and what is held, tokens at NAV, the perp at the mark. The ghost trades at the
quotes of the same tape, which it does not move. Ghosts answer differently at equal exposure, equal capital and equal
largest loss, and all three are the buyer's question (RULES section 0).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from json import loads
from math import prod
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import TypeAdapter

from marketsim.analysis.ghost import Ghost
from marketsim.analysis.tape import PerpTerms, Tape, perp_terms, read_tape
from marketsim.datasets.run import Run
from marketsim.issuers.token_spec import TokenSpec
from marketsim.scenario import Scenario
from marketsim.scenario import load as load_scenario
from marketsim.scenario.study import GhostSpec
from marketsim.units import ATOMS_PER_UNIT

FIRST_LEDGER_ACCOUNT = 1_200_000_000
"""Accounts from here on are ledger roles, which nobody's ghost accompanies."""

COLUMNS: Mapping[str, Any] = {
    "token": pl.String, "account": pl.Int64, "cohort": pl.String,
    "match": pl.String, "leverage": pl.Float64, "stop_loss": pl.Float64,
    "start_ns": pl.Int64, "cash_in_atoms": pl.Int64,
    "token_wealth_atoms": pl.Int64, "token_trading_fee_atoms": pl.Int64,
    "token_create_fee_atoms": pl.Int64, "token_redeem_fee_atoms": pl.Int64,
    "token_management_atoms": pl.Int64, "token_funding_atoms": pl.Int64,
    "perp_wealth_atoms": pl.Int64, "perp_margin_atoms": pl.Int64, "perp_notional_atoms": pl.Int64,
    "perp_fee_atoms": pl.Int64, "perp_liquidation_fee_atoms": pl.Int64, "perp_funding_atoms": pl.Int64,
    "perp_stopped_ns": pl.Int64, "perp_liquidated_ns": pl.Int64,
}  # fmt: skip
"""Of the frame `compare_holding` gives. Null: account and cohort of the representative holder; no stop, not stopped,
not liquidated. Fees are positive as costs, funding is + received; wealth counts what was handed back before."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Cash a holder put in at an instant [atoms], or the share of his units that he then gave up."""

    t_ns: int
    cash_atoms: int = 0
    share: Fraction = Fraction(0)


@dataclass(slots=True)
class Holding:
    """One holder of one token: his flows in time, what he has had of it in the end [atoms], and what it cost."""

    token: str
    account: int | None
    cohort: str | None
    flows: list[Flow] = field(default_factory=list)
    wealth_atoms: int = 0
    costs: dict[str, int] = field(default_factory=dict)

    @property
    def cash_in_atoms(self) -> int:
        """All he put in [atoms]."""
        return sum(flow.cash_atoms for flow in self.flows)


def compare_holding(
    run_directory: str | Path, ghosts: Iterable[Mapping[str, Any] | GhostSpec], *, units: int = 100
) -> pl.DataFrame:
    """Wealth, costs and mishaps of each holder of a token beside those of each ghost: a row for each pair (`COLUMNS`).

    ghosts: as `{"as": "perp", "leverage": "5", "stop_loss": "10%", "match": "capital"}`. Holders are those of table
    `holders`; a token that has none there gets one who holds `units` of it from start to end. Baskets of several legs
    have no single perp to stand beside them and no row.
    """
    run = Run(run_directory)
    scenario = load_scenario(run.path / "resolved.json")
    specs = TypeAdapter(list[GhostSpec]).validate_python(list(ghosts))
    rows = []
    for token in scenario.tokens:
        if len(token.basket) == 1:
            rows += _rows_of(run, scenario, token, specs, units)
    return pl.DataFrame(rows, schema=dict(COLUMNS), orient="row")


def _rows_of(
    run: Run, scenario: Scenario, token: TokenSpec, specs: Sequence[GhostSpec], units: int
) -> list[dict[str, Any]]:
    ((market_id, target),) = token.basket.items()
    market = next(market for market in scenario.markets if market.id == market_id)
    tape, terms = read_tape(run, market), perp_terms(market)
    end_ns = scenario.clock.duration
    held = holdings(run, token.id) or [representative(run, token.id, units)]
    return [
        _row(
            holding, spec, _lived(holding, Ghost(spec, tape, terms, 1 if target > 0 else -1), Fraction(target), end_ns)
        )
        for holding in held
        if holding.cash_in_atoms
        for spec in specs
    ]


def _lived(holding: Holding, ghost: Ghost, target: Fraction, end_ns: int) -> Ghost:
    """The ghost at the end, having done what the holder did."""
    for flow in holding.flows:
        ghost.advance(flow.t_ns)
        if flow.cash_atoms:
            ghost.put_in(flow.t_ns, flow.cash_atoms, target)
        if flow.share:
            ghost.take_out(flow.t_ns, flow.share)
    ghost.advance(end_ns, inclusive=True)
    return ghost


def _row(holding: Holding, spec: GhostSpec, ghost: Ghost) -> dict[str, Any]:
    return {
        "token": holding.token,
        "account": holding.account,
        "cohort": holding.cohort,
        "match": spec.match,
        "leverage": float(spec.leverage),
        "stop_loss": None if spec.stop_loss is None else float(spec.stop_loss),
        "start_ns": holding.flows[0].t_ns,
        "cash_in_atoms": holding.cash_in_atoms,
        "token_wealth_atoms": holding.wealth_atoms,
        **{f"token_{name}_atoms": atoms for name, atoms in holding.costs.items()},
        "perp_wealth_atoms": ghost.wealth_atoms(),
        "perp_margin_atoms": ghost.margin_atoms,
        "perp_notional_atoms": ghost.opened_atoms,
        "perp_fee_atoms": ghost.fees_atoms,
        "perp_liquidation_fee_atoms": ghost.liquidation_fees_atoms,
        "perp_funding_atoms": ghost.funding_atoms,
        "perp_stopped_ns": ghost.stopped_ns,
        "perp_liquidated_ns": ghost.liquidated_ns,
    }


def holdings(run: Run, token: str) -> list[Holding]:
    """Everybody in table `holders`, with the flows that `trades` and `primary` tell."""
    rows = run.table("holders").filter(pl.col("token") == token, pl.col("account") < FIRST_LEDGER_ACCOUNT)
    if rows.is_empty():
        return []
    moves = _moves(run, token)
    opening = run.table("tokens").filter(token=token).sort("t_ns").row(0, named=True)
    found = []
    for row in rows.iter_rows(named=True):
        nav = Fraction(opening["equity_atoms"]) / Fraction(opening["supply"]) if opening["supply"] else Fraction(0)
        worth = round(Fraction(row["units_start"]) * nav)
        holding = Holding(token, row["account"], row["cohort"])
        holding.flows = _flows(row["units_start"], worth, moves.get(row["account"], []))
        names = ("trading_fee", "create_fee", "redeem_fee", "management", "funding")
        holding.costs = {name: row[f"{name}_atoms"] for name in names}
        got = sum(-cash for _, _, cash in moves.get(row["account"], []) if cash < 0)
        fees = sum(holding.costs[name] for name in names[:3])
        holding.wealth_atoms = got + row["end_value_atoms"] - fees
        found.append(holding)
    return found


def _moves(run: Run, token: str) -> dict[int, list[tuple[int, float, int]]]:
    """Trades and deals by account, in time: (t_ns, units, cash put in [atoms]), both negative where he sold."""
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
    moves: dict[int, list[tuple[int, float, int]]] = {}
    for t_ns, account, units, cash in rows.iter_rows():
        moves.setdefault(account, []).append((t_ns, units, cash))
    return moves


def _flows(units: float, worth_atoms: int, moves: Sequence[tuple[int, float, int]]) -> list[Flow]:
    """What a holder put in, and which share of his units he gave up, in time."""
    flows = [Flow(0, cash_atoms=worth_atoms)] if worth_atoms else []
    held = Fraction(units)
    for t_ns, moved, cash in moves:
        if moved > 0:
            flows.append(Flow(t_ns, cash_atoms=cash))
        elif held > 0:
            flows.append(Flow(t_ns, share=min(-Fraction(moved) / held, Fraction(1))))
        held = max(held + Fraction(moved), Fraction(0))
    return flows


def representative(run: Run, token: str, units: int) -> Holding:
    """One who holds `units` of a token from start to end; his share of fee and funding is that of all units."""
    rows = run.table("tokens").filter(token=token).sort("t_ns")
    splits = run.table("events").filter(pl.col("subject") == token, pl.col("event").is_in(["reverse_split", "merge"]))
    merged = prod(Fraction(str(loads(detail)["ratio"])) for detail in splits["detail"])
    holding = Holding(token, None, None)
    worth = [Fraction(str(rows["nav"][i])) * ATOMS_PER_UNIT * units for i in (0, -1)]
    holding.flows = [Flow(0, cash_atoms=round(worth[0]))]
    holding.wealth_atoms = round(worth[1] / merged)
    borne = {"management": Fraction(0), "funding": Fraction(0)}
    supplies = dict(rows.select("t_ns", "supply").iter_rows())
    supply = Fraction(0)
    for part in run.table("attribution").filter(token=token).sort("t0_ns").iter_rows(named=True):
        supply = Fraction(supplies.get(part["t0_ns"], supply))
        if supply:
            borne["management"] -= Fraction(part["management_fee_atoms"]) * units / supply
            borne["funding"] += Fraction(part["funding_atoms"]) * units / supply
    costs = dict.fromkeys(("trading_fee", "create_fee", "redeem_fee"), 0)
    holding.costs = {**costs, **{name: round(atoms) for name, atoms in borne.items()}}
    return holding


__all__ = ["COLUMNS", "Flow", "Ghost", "GhostSpec", "Holding", "PerpTerms", "Tape", "compare_holding"]
