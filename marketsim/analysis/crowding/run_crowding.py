"""The crowding block of one run's manifest: K. One run says nothing of lambda: probes do, which a study sends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from marketsim.analysis.run_data.reset_demand import Demand, baskets_of, demand, demands_by_instant
from marketsim.datasets.run import Run
from marketsim.issuers.policies.family import POLICIES, scheduled_words
from marketsim.units import NS_PER_DAY, NS_PER_SECOND, money

MINUTE_NS = 60 * NS_PER_SECOND


class CrowdingBlock(TypedDict):
    """The crowding of one market as the manifest has it; k_triggered_usdt: K of the tokens that no clock resets."""

    k_usdt: float | None
    k_triggered_usdt: float | None
    impact_per_usdt: float | None
    crowding_number: float | None
    method: str
    lo: float | None
    hi: float | None
    horizon_s: float | None


def crowding_of_run(path: str | Path) -> dict[str, CrowdingBlock]:
    """The crowding block of a run, by market.

    K is that of the most crowded time of day; in a market without such, of the tokens that prices alone reset, with
    the assets they opened with. The other entries are null.
    """
    run = Run(path)
    k, waiting = clock_demand(demands_by_instant(run, scheduled_words())), waiting_demand(run)
    if not k:
        k = _opening_demand(run, [token for token in _tokens(run) if _is_scheduled(token)])
    return {market: _block(market, k, waiting) for market in run.table("instruments")["market"].to_list()}


def clock_demand(by_instant: Mapping[int, Demand]) -> Demand:
    """K at the most crowded minute of the day: the mean over the resets at that minute, of all markets' own K together.

    by_instant: K of each instant [ns] of a reset by the clock.
    """
    by_minute: dict[int, list[Demand]] = {}
    for at, k in by_instant.items():
        by_minute.setdefault(at % NS_PER_DAY // MINUTE_NS, []).append(k)
    means = {minute: _mean(found) for minute, found in sorted(by_minute.items())}
    return max(means.values(), key=lambda k: sum(k[m, j] for m, j in k if m == j), default={})


def waiting_demand(run: Run) -> Demand:
    """K at the opening of the tokens that prices alone reset: no instant is theirs, a move sets them off."""
    return _opening_demand(run, [token for token in _tokens(run) if _triggers(token) and not _is_scheduled(token)])


def _mean(found: list[Demand]) -> Demand:
    keys = {key: None for k in found for key in k}
    return {key: float(np.mean([k.get(key, 0.0) for k in found])) for key in keys}


def _opening_demand(run: Run, tokens: list[Mapping[str, Any]]) -> Demand:
    return demand({token["id"]: float(money(token["aum"]).amount) for token in tokens}, baskets_of(run))


def _tokens(run: Run) -> list[Mapping[str, Any]]:
    """The tokens of a run's world; none where the arm takes them out of it."""
    return [] if run.manifest["arm"] == "off" else list(run.resolved.get("tokens", []))


def _is_scheduled(token: Mapping[str, Any]) -> bool:
    """Whether a clock resets a token."""
    return bool(set(_triggers(token)) & set(scheduled_words()))


def _triggers(token: Mapping[str, Any]) -> tuple[str, ...]:
    """What sets a token's rebalances off; the word of its policy where that is not installed here."""
    kind = POLICIES.kinds.get(token["rebalance"]["policy"])
    if kind is None:
        return (str(token["rebalance"]["policy"]),)
    return tuple(trigger.word for trigger in kind.rebalance_triggers)


def _block(market: str, k: Demand, waiting: Demand) -> CrowdingBlock:
    alone = waiting.get((market, market), 0.0)
    return {
        "k_usdt": k.get((market, market), alone),
        "k_triggered_usdt": alone,
        "impact_per_usdt": None,
        "crowding_number": None,
        "method": "none",
        "lo": None,
        "hi": None,
        "horizon_s": None,
    }
