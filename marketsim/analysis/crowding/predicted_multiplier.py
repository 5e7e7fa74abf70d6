"""The multiplier that theory predicts of a reset, from its probes and by what the fund does; no number is fitted.

| the fund | prediction |
|---|---|
| sizes its order once | 1 + Lambda(h): an identity where the probes have the order's size and schedule |
| sizes each child of a twap anew | the triangular system with the probes' kernel, of the price and of the mark |
| works until nothing is wanted | R = r + phi I(K R), then 1 + I(K R; h) / r, I between the sizes of the probes |

(docs/theory.md#sized-once, docs/theory.md#transient-impact, docs/theory.md#concave-impact.) There is none for tokens
that do different things at one instant, nor where another reset of the market falls before h is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from marketsim.analysis.crowding.concave_loop import Impact, power_impact
from marketsim.analysis.crowding.loop_theory import move_worked_out, sizes_of_children
from marketsim.analysis.crowding.probe_impact import RESET, pushes_of
from marketsim.analysis.crowding.reset_impact import OWN_SIZE, Kernel, ResetImpact, kernel_of, nearest, reset_impacts
from marketsim.analysis.run_data.reset_demand import own_demand
from marketsim.datasets.resets import MarketReset, resets_of
from marketsim.datasets.run import Run
from marketsim.scenario.study.horizon import NEXT, horizon_ns
from marketsim.units import NS_PER_SECOND

Rule = Literal["once", "children", "worked_out"]
_EACH_CHILD: Mapping[str, Rule] = {
    "twap": "children", "market": "children", "ioc_ladder": "worked_out", "pov": "worked_out"
}  # fmt: skip
"""What comes of sizing each child anew, by execution algorithm."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """A predicted multiplier, and the absolute return that it multiplies."""

    multiplier: float
    r: float


def rule_of(run: Run, reset: MarketReset) -> Rule | None:
    """What the funds of a reset do; None where they do different things."""
    tokens = {token["id"]: token for token in run.resolved["tokens"]}
    rules = {_rule(tokens[order.token]["execution"]) for order in reset.orders}
    return rules.pop() if len(rules) == 1 else None


def _rule(execution: Mapping[str, Any]) -> Rule | None:
    if execution.get("resize", "never") == "never":
        return "once"
    return _EACH_CHILD.get(execution["algorithm"])


def predicted(run: Run, versus: Run, impact: ResetImpact, horizon: str) -> Predicted | None:
    """The prediction for one reset at a horizon; None where what it needs could not be read."""
    reset, own, k = impact.reset, impact.own, abs(own_demand(run, impact.reset))
    rule = rule_of(run, reset)
    if rule is None or own is None or impact.move is None or not k or _is_disturbed(run, reset, horizon):
        return None
    r = own.notional / k
    crowding = _push_of_all(run, versus, reset, horizon) / r
    if rule == "once":
        return Predicted(1 + crowding, r)
    kernel = kernel_of(run, reset, impact.move.price)
    if kernel is None or kernel.mid.get(0, 0.0) <= 0:
        return None
    if rule == "children":
        full = _own_push(run, versus, reset, "0s", OWN_SIZE)
        traded = _traded_by_children(reset, _instants(run, reset), kernel, k, full, horizon)
        return Predicted(1 + crowding * traded, r)
    return _worked_out(run, versus, reset, kernel, Need(r, k), horizon)


@dataclass(frozen=True, slots=True)
class Need:
    """The absolute return that is answered, and K, absolute."""

    r: float
    k: float


def _push_of_all(run: Run, versus: Run, reset: MarketReset, horizon: str) -> float:
    """The push to a reset's side in its market by the probes of all markets that have resets at its instant."""
    return sum(
        each.own.x.get(reset.market, 0.0) * reset.sign * each.reset.sign
        for each in reset_impacts(run, versus, horizon)
        if each.own is not None and each.reset.decide_ns == reset.decide_ns
    )


def _is_disturbed(run: Run, reset: MarketReset, horizon: str) -> bool:
    """Whether another reset of the market falls before a horizon is over."""
    end_ns = end_of(reset, horizon)
    return any(each.market == reset.market and reset.decide_ns < each.decide_ns <= end_ns for each in resets_of(run))


def _own_push(run: Run, versus: Run, reset: MarketReset, horizon: str, size: float) -> tuple[float, float] | None:
    """Size [currency] and push of the probe on a reset's side; None where it is not there."""
    found = next((each for each in reset_impacts(run, versus, horizon, size) if each.reset == reset), None)
    own = None if found is None else found.own
    return None if own is None else (own.notional, own.x[reset.market])


# -- each child sized anew


def _instants(run: Run, reset: MarketReset) -> list[int]:
    """When the children of a reset were sent [ns]."""
    ids = [order.id for order in reset.orders]
    sent = run.table("children").filter(pl.col("purpose") == "rebalance", pl.col("parent").is_in(ids))
    return sent["t_ns"].unique().sort().to_list()


def _traded_by_children(
    reset: MarketReset,
    instants: Sequence[int],
    kernel: Kernel,
    k: float,
    full: tuple[float, float] | None,
    horizon: str,
) -> float:
    """What the children trade, in units of K r, each by the share of its impact that is alive at the horizon.

    The kernel of one child gives the shape of impact, the probe of the whole order its level.
    """
    n, last = len(instants), instants[-1]
    strength = kernel.mid[0] / kernel.notional * k
    if full is not None:
        at_end = sum(nearest(kernel.mid, last - t) for t in instants) * full[0] / (n * kernel.notional)
        strength *= full[1] / at_end if at_end > 0 else 1.0
    spacing_s = (instants[1] - instants[0]) / NS_PER_SECOND if n > 1 else 0.0

    def seen(seconds: float) -> float:
        return nearest(kernel.mark, round(seconds * NS_PER_SECOND)) / kernel.mid[0]

    sizes = sizes_of_children(strength, n, spacing_s, seen)
    ends_ns = end_of(reset, horizon)
    alive = [nearest(kernel.mid, ends_ns - t) for t in instants]
    if sum(alive) <= 0:
        return sum(sizes)
    return n * sum(a * u for a, u in zip(alive, sizes, strict=True)) / sum(alive)


def end_of(reset: MarketReset, horizon: str) -> int:
    """When a horizon ends [ns]."""
    if horizon == NEXT:
        assert reset.next_ns is not None  # a probe was looked at then
        return reset.next_ns - 1
    assert reset.last_ns is not None
    return reset.last_ns + horizon_ns(horizon)


# -- worked until nothing is wanted


def _worked_out(
    run: Run, versus: Run, reset: MarketReset, kernel: Kernel, need: Need, horizon: str
) -> Predicted | None:
    pushes = pushes_of(run)[reset.market, reset.decide_ns]
    sizes = sorted({push.size for push in pushes if push is not None and push.schedule == RESET})
    at_end, later = (
        _impact([found for size in sizes if (found := _own_push(run, versus, reset, word, size))])
        for word in ("0s", horizon)
    )
    phi = _seen(kernel)
    if at_end is None or later is None or phi is None:
        return None
    end = move_worked_out(need.r, need.k, lambda size: phi * at_end(size))
    return None if end is None else Predicted(1 + later(need.k * end) / need.r, need.r)


def _seen(kernel: Kernel) -> float | None:
    """phi: what the mark shows of an impact, at the first time after it; None where nothing of it was left."""
    after = min((lag for lag in kernel.mid if lag > 0), default=None)
    if after is None or kernel.mid[after] <= 0:
        return None
    return kernel.mark[after] / kernel.mid[after]


def _impact(points: Sequence[tuple[float, float]]) -> Impact | None:
    """I(Q) through the pushes of probes of several sizes."""
    return power_impact(*np.array(points, np.float64).reshape(-1, 2).T)
