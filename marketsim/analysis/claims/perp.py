"""Claim `perp`: for most traders a perpetual at moderate leverage with a stop and a position size costs less."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis.claims.family import CLAIMS, Evaluation, Outcome, StudyClaim, undecided
from marketsim.analysis.claims.path_shares import share_of_paths
from marketsim.analysis.claims.readings import parts_of
from marketsim.datasets.study import Study

OWN_FEE = 0.0010
"""Fee of buying or selling a token, in its market or at the issuer: 0.1 % (docs/products.md#claims)."""

MOST = 0.5


@CLAIMS.register
class PerpClaim(StudyClaim):
    """On most paths, held for how long, does a perpetual of the same exposure cost less than the token?"""

    name = "perp"

    def judge(self, study: Study) -> Evaluation:
        """By cell (a horizon): the share of paths (replications) on which holders pay less with the perpetual.

        Confirmed where that is most paths in every cell, refuted where it is in none, conditional where it is in some
        and not in others; undecided where a share's interval has one half in it. Wealth stands beside: what is cheaper
        is not what ends with more.
        """
        if not (study.path / "holding.parquet").is_file():
            return undecided("the study compares no holdings (study.compare_holding)")
        rows = study.read("holding.parquet")
        rows = rows if rows.is_empty() else rows.filter(match="notional")
        if rows.is_empty():
            return undecided("no token of one perpetual is compared with a position of the same exposure")
        figures: dict[str, float] = {}
        cheaper, told = [], []
        inside = _fund_charges(study)
        for cell, name in _cells(study).items():
            held = rows.filter(cell=cell)
            if held.is_empty():
                return undecided(f"no run is finished of: {name}")
            paths = _by_path(held, inside)
            less = share_of_paths(paths["perp_cost"] < paths["token_cost"])
            ahead = share_of_paths(paths["perp_wealth"] > paths["token_wealth"])
            token, perp = (float(np.mean(paths[f"{kind}_cost"].to_numpy())) for kind in ("token", "perp"))
            figures |= less.figures(f"cell{cell}_costs_less") | ahead.figures(f"cell{cell}_ahead")
            figures |= {f"cell{cell}_token_cost": token, f"cell{cell}_perp_cost": perp}
            cheaper.append(less)
            told.append(
                f"{name}: it costs less on {less} of {less.paths} paths ({perp * 1e4:.0f} bps, the token "
                f"{token * 1e4:.0f}), and has more wealth in the end on {ahead}"
            )
        most = sum(share.ends[0] > MOST for share in cheaper)
        few = sum(share.ends[1] < MOST for share in cheaper)
        outcome: Outcome = "undecided" if most + few < len(cheaper) else "conditional"
        if len(cheaper) in (most, few):
            outcome = "confirmed" if most else "refuted"
        sentence = (
            "With fees, funding and the fund's own trading counted, a perpetual of the same exposure costs less "
            f"on most paths at {most} of {len(cheaper)} horizons, and on few at {few}. "
            f"{'. '.join(told)}. Costs do not decide wealth: a stop sells after a fall, a token loses in swings and "
            "gains in trends."
        )
        return Evaluation(outcome, sentence, figures)


Charges = Callable[[int, int], Mapping[str, float]]


def _by_path(rows: pl.DataFrame, inside: Charges) -> pl.DataFrame:
    """Costs, and wealth when all is sold, per cash of the holders of each path, their mean."""
    found = []
    for row in rows.iter_rows(named=True):
        token, perp = _costs(row, inside(row["cell"], row["replication"]))
        told = {"replication": row["replication"], "token_cost": token, "perp_cost": perp}
        told["token_wealth"] = row["token_wealth_atoms"] / row["cash_in_atoms"] - 2 * OWN_FEE
        told["perp_wealth"] = (row["perp_wealth_atoms"] - _exit_atoms(row)) / row["cash_in_atoms"]
        found.append(told)
    return pl.DataFrame(found).group_by("replication", maintain_order=True).mean()


def _cells(study: Study) -> Mapping[int, str]:
    """What tells the cells of a study apart, in words: their values."""
    design, paths = study.design(), list(study.spec.over)
    named = {
        int(row["cell"]): ", ".join(f"{path.rsplit('.', 1)[-1]} {row[path]}" for path in paths)
        for row in design.iter_rows(named=True)
    }
    return {cell: name or "as declared" for cell, name in named.items()}


def _fund_charges(study: Study) -> Charges:
    """Reads what each fund paid for its own trading, as a share of its equity, by cell and replication."""
    arm = next(arm.id for arm in study.spec.arms if not arm.is_intervention)

    @cache
    def read(cell: int, replication: int) -> Mapping[str, float]:
        run = study.run(cell, replication, arm)
        return {token["id"]: -parts_of(run, token["id"])["trading_fee"] for token in run.resolved["tokens"]}

    return read


def _costs(row: Mapping[str, Any], inside: Mapping[str, float]) -> tuple[float, float]:
    """What token and perpetual cost per cash put in, bought and sold again."""
    cash = row["cash_in_atoms"]
    token = 2 * OWN_FEE + inside[str(row["token"])]
    token += (row["token_management_atoms"] - row["token_funding_atoms"]) / cash
    perp = row["perp_fee_atoms"] + _exit_atoms(row) + row["perp_liquidation_fee_atoms"]
    perp += row["perp_interest_atoms"] - row["perp_funding_atoms"]
    return token, perp / cash


def _exit_atoms(row: Mapping[str, Any]) -> int:
    """What the exit of a position that still stands in the end will cost: as much as its entry did."""
    ended = row["perp_stopped_ns"] is not None or row["perp_liquidated_ns"] is not None
    return 0 if ended else int(row["perp_fee_atoms"])
