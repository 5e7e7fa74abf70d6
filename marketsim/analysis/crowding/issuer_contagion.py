"""Contagion between issuers: rebalances that come together, and how others and the price respond to an order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats, Integers
from marketsim.analysis.run_data.measured_period import measured_period
from marketsim.analysis.run_data.mid_prices import mids_of
from marketsim.datasets.run import Run
from marketsim.issuers.policies.family import scheduled_words
from marketsim.units import NS_PER_SECOND

TOGETHER_NS = 60 * NS_PER_SECOND
HORIZONS_NS = tuple(s * NS_PER_SECOND for s in (10, 60, 300, 900, 3_600))

CO_TRIGGER_COLUMNS = {
    "token": pl.String, "other": pl.String, "resets": pl.Int64, "together": pl.Int64, "same_side": pl.Int64,
    "set_off": pl.Int64, "by_chance": pl.Float64,
}  # fmt: skip
RESPONSE_COLUMNS = {
    "issuer": pl.String, "market": pl.String, "responder": pl.String, "horizon_ns": pl.Int64, "orders": pl.Int64,
    "response": pl.Float64, "control": pl.Float64, "effect": pl.Float64,
}  # fmt: skip


def co_triggers(run: Run, within_ns: int = TOGETHER_NS) -> pl.DataFrame:
    """How often a token resets together with another: a row for each ordered pair of tokens that reset at all.

    resets: decisions of `token`. together: those with a decision of `other` within `within_ns` before or after.
    same_side: of these, those whose nearest such decision is on the same side. set_off: those where neither of the two
    was scheduled, so that the clock does not explain them. by_chance: how many would be together if the other's
    decisions fell at independent Poisson times, 1 - exp(-rate x window) for each.
    """
    by_token = {str(token): rows for (token,), rows in _decisions(run).group_by("token", maintain_order=True)}
    period = measured_period(run)
    length_ns = period.end_ns - period.begin_ns
    found = [
        (token, other, *_together(rows, by_token[other], within_ns, length_ns))
        for token, rows in sorted(by_token.items())
        for other in sorted(by_token)
        if other != token
    ]
    return pl.DataFrame(found, schema=CO_TRIGGER_COLUMNS, orient="row")


def _together(
    rows: pl.DataFrame, others: pl.DataFrame, within_ns: int, length_ns: int
) -> tuple[int, int, int, int, float]:
    times, other_times = rows["t_ns"].to_numpy(), others["t_ns"].to_numpy()
    gaps = np.abs(times[:, None] - other_times[None, :])
    nearest = gaps.argmin(axis=1)
    near = gaps.min(axis=1) <= within_ns
    signs, other_signs = np.sign(rows["wanted"].to_numpy()), np.sign(others["wanted"].to_numpy())
    unscheduled, other_unscheduled = (~each["trigger"].is_in(scheduled_words()).to_numpy() for each in (rows, others))
    same = near & (signs == other_signs[nearest])
    set_off = near & unscheduled & other_unscheduled[nearest]
    chance = len(times) * -np.expm1(-len(other_times) * min(1.0, 2 * within_ns / length_ns))
    return len(times), int(near.sum()), int(same.sum()), int(set_off.sum()), float(chance)


def impulse_responses(
    factual: Run, counterfactual: Run | None = None, horizons_ns: Sequence[int] = HORIZONS_NS
) -> pl.DataFrame:
    """What follows an issuer's order within each horizon: at every other issuer, and in the price.

    For each order of issuer A in a market, with s its sign: the notional that issuer B decides on in that market in
    (t, t + h], times s (+ is the same direction), and s x the log move of the mid over it (`responder` null). Decisions
    at the same instant are no response and do not count. Columns: orders, response (mean per order), control (the same
    at A's instants, with A's signs, in the counterfactual), effect = response - control; the last two are null without
    a counterfactual. An order whose horizon ends after the run is left out of that horizon.
    """
    orders, end_ns = _decisions(factual), measured_period(factual).end_ns
    issuers = sorted(set(orders["issuer"].to_list()))
    found = []
    for (issuer, market), own in orders.group_by("issuer", "market", maintain_order=True):
        events = own.group_by("t_ns", maintain_order=True).agg(pl.col("wanted").sum()).filter(pl.col("wanted") != 0)
        times, signs = events["t_ns"].to_numpy(), np.sign(events["wanted"].to_numpy())
        for horizon in horizons_ns:
            inside = times + horizon <= end_ns
            responders = [other for other in issuers if other != issuer]
            for responder in [*responders, None] if inside.any() else []:
                each = [
                    None
                    if run is None
                    else _mean_response(run, str(market), responder, times[inside], signs[inside], horizon)
                    for run in (factual, counterfactual)
                ]
                effect = None if each[0] is None or each[1] is None else each[0] - each[1]
                found.append((issuer, market, responder, horizon, int(inside.sum()), *each, effect))
    return pl.DataFrame(found, schema=RESPONSE_COLUMNS, orient="row").sort(
        "issuer", "market", "horizon_ns", "responder"
    )


def _mean_response(
    run: Run, market: str, responder: str | None, times: Integers, signs: Floats, horizon: int
) -> float | None:
    if responder is None:
        mids = mids_of(run).require("the response of the price")
        moves = signs * np.log(mids.at(market, times + horizon) / mids.at(market, times))
        known = np.isfinite(moves)
        return float(moves[known].mean()) if known.any() else None
    theirs = _decisions(run).filter(pl.col("issuer") == responder, pl.col("market") == market)
    at, total = theirs["t_ns"].to_numpy(), np.concatenate([[0.0], np.cumsum(theirs["wanted"].to_numpy())])
    until, since = np.searchsorted(at, times + horizon, side="right"), np.searchsorted(at, times, side="right")
    return float((signs * (total[until] - total[since])).mean())


def _decisions(run: Run) -> pl.DataFrame:
    """Decisions to rebalance after the warm-up: t_ns, token, issuer, market, trigger, wanted (signed notional)."""
    issuers = {token["id"]: token["issuer"] for token in run.resolved.get("tokens", [])}
    rows = run.table("rebalances").filter(
        pl.col("t_decide_ns") >= measured_period(run).begin_ns,
        pl.col("status") != "shadow",
        pl.col("target_lots") != 0,
    )
    lots = run.table("instruments").select("market", "lot")
    price = pl.coalesce("arrival_mid", "vwap", "trigger_price").fill_null(0.0)
    return (
        rows.join(lots, on="market", how="left")
        .select(
            "token",
            "market",
            "trigger",
            t_ns="t_decide_ns",
            wanted=pl.col("target_lots") * pl.col("lot") * price,
            issuer=pl.col("token").replace_strict(issuers, default=None, return_dtype=pl.String),
        )
        .sort("t_ns", "token")
    )
