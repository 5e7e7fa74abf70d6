"""Rebalancing: all policies a scenario may declare, and the policy a declaration asks for.

A policy reads a `Situation` and returns a `Decision`; the families are in `policies`. Waiting, sending and remembering
are `issuer.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from marketsim.issuers.policies.band import Band, BandRebalancing, BandSpec, band_of
from marketsim.issuers.policies.daily import DailyRebalancing, DailySpec, EmergencySpec, daily_of
from marketsim.issuers.policies.decision import (
    Decision,
    NoRebalancing,
    Occasion,
    PriceSource,
    RebalancingPolicy,
    Side,
    Situation,
)
from marketsim.issuers.policies.fli import FliRebalancing, FliSpec, fli_of
from marketsim.issuers.policies.tlx import TlxRebalancing, TlxSpec, tlx_of
from marketsim.issuers.policies.variable import VariableRebalancing, VariableSpec, variable_of
from marketsim.spec import Spec
from marketsim.streams import Stream

if TYPE_CHECKING:
    from marketsim.issuers.token import LegTerms

__all__ = [
    "Band",
    "BandRebalancing",
    "BandSpec",
    "DailyRebalancing",
    "DailySpec",
    "Decision",
    "EmergencySpec",
    "FliRebalancing",
    "FliSpec",
    "NoRebalanceSpec",
    "NoRebalancing",
    "Occasion",
    "PriceSource",
    "RebalanceSpec",
    "RebalancingPolicy",
    "Side",
    "Situation",
    "TlxRebalancing",
    "TlxSpec",
    "VariableRebalancing",
    "VariableSpec",
    "policy_of",
]


class NoRebalanceSpec(Spec):
    """Never."""

    policy: Literal["none"]


RebalanceSpec = NoRebalanceSpec | DailySpec | BandSpec | VariableSpec | FliSpec | TlxSpec


def policy_of(spec: RebalanceSpec, *, legs: Sequence[LegTerms], start_ns: int, stream: Stream) -> RebalancingPolicy:
    """The policy a declaration asks for.

    legs: the basket. start_ns: the run's start [ns since 1970]. stream: the token's own luck.
    """
    target = sum((leg.target for leg in legs), Fraction(0))
    gross = sum((abs(leg.target) for leg in legs), Fraction(0))
    match spec:
        case NoRebalanceSpec():
            return NoRebalancing()
        case DailySpec():
            return daily_of(spec, target, gross, start_ns, stream)
        case BandSpec():
            return band_of(spec, target, stream)
        case VariableSpec():
            return variable_of(spec, stream)
        case FliSpec():
            return fli_of(spec, gross, legs[0].lot)
        case TlxSpec():
            return tlx_of(spec, gross)
