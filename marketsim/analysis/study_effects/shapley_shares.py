"""Shapley and leave-one-out shares: how much of an effect each token causes.

They are read from arms `{arm: frictionless, only: [..]}`, which take the orders of some tokens out of the market: v(S)
is what the factual run has and the arm without the orders of the tokens in S has not. Leave-one-out: v(N) - v(N
without i). Shapley 1953: the mean of v(S + i) - v(S) over all orders in which tokens can be added, the only shares that
add up to v(N) and treat equal tokens alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations
from math import factorial

import polars as pl

from marketsim.datasets.study import Study
from marketsim.errors import UsageError

Coalition = frozenset[str]

COLUMNS = {
    "cell": pl.Int64, "measure": pl.String, "token": pl.String, "shapley": pl.Float64, "leave_one_out": pl.Float64,
    "alone": pl.Float64, "together": pl.Float64,
}  # fmt: skip
"""Columns of `token_shares`; alone: v({i}), together: v(N). shapley is null where the arm of a subset is missing,
leave_one_out where that of all the other tokens is."""


def shapley(value: Mapping[Coalition, float], players: Collection[str]) -> dict[str, float]:
    """Shapley shares of a game given by the value of every coalition; that of the empty one is 0 unless given.

    phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S)) (Shapley 1953). Raises `UsageError`
    where a coalition is missing.
    """
    n = len(players)
    shares = {}
    for player in players:
        others = sorted(set(players) - {player})
        share = 0.0
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for chosen in combinations(others, size):
                share += weight * (_worth(value, {*chosen, player}) - _worth(value, set(chosen)))
        shares[player] = share
    return shares


def _worth(value: Mapping[Coalition, float], members: set[str]) -> float:
    if not members:
        return value.get(frozenset(), 0.0)
    if frozenset(members) not in value:
        raise UsageError(
            f"there is no arm for {', '.join(sorted(members))} alone; Shapley shares need one for each subset"
        )
    return value[frozenset(members)]


def token_shares(study: Study, measure: str = "price_share") -> pl.DataFrame:
    """Shares of each token in a measure of pairs, by cell, from the frictionless arms of a study; columns `COLUMNS`.

    An arm without `only` takes out the orders of all tokens; raises `UsageError` where there is none.
    """
    tokens = [token["id"] for token in study.scenario["tokens"]]
    arms = {
        arm.id: frozenset(tokens if arm.only is None else arm.only)
        for arm in study.spec.arms
        if arm.arm == "frictionless" and not arm.set
    }
    if frozenset(tokens) not in arms.values():
        raise UsageError("no frictionless arm takes out all tokens; add one without `only`")
    found, factual = study.effects().filter(pl.col("measure") == measure), study.spec.factual_arm
    rows = []
    for cell in found["cell"].unique().sort():
        here = found.filter((pl.col("cell") == cell) & pl.col("estimate").is_not_null())
        pairs = here.select("arm", "versus", "estimate").iter_rows()
        added = {(arm, versus): estimate for arm, versus, estimate in pairs}
        value = {arms[arm]: -added[arm, factual] for arm in arms if (arm, factual) in added}
        value |= {arms[arm]: added[factual, arm] for arm in arms if (factual, arm) in added}
        rows += _rows(int(cell), measure, tokens, value)
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _rows(cell: int, measure: str, tokens: list[str], value: Mapping[Coalition, float]) -> list[dict[str, object]]:
    everybody = frozenset(tokens)
    together = value.get(everybody)
    try:
        shares: Mapping[str, float | None] = shapley(value, tokens)
    except UsageError:
        shares = dict.fromkeys(tokens)
    rows: list[dict[str, object]] = []
    for token in tokens:
        rest = value.get(everybody - {token}, 0.0 if len(tokens) == 1 else None)
        rows.append(
            {
                "cell": cell,
                "measure": measure,
                "token": token,
                "shapley": shares[token],
                "leave_one_out": None if together is None or rest is None else together - rest,
                "alone": value.get(frozenset({token})),
                "together": together,
            }
        )
    return rows
