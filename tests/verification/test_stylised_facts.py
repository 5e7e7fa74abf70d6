"""What intervals of one tape cover of a truth that is known: block bootstraps of facts of made-up tapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from marketsim.analysis.stylised_facts.fact import Estimate
from marketsim.analysis.stylised_facts.order_flow import fano, sign_memory
from marketsim.analysis.stylised_facts.spread import mean_spread
from marketsim.analysis.stylised_facts.tape import Tape
from tests.analysis.stylised_facts.tapes import HOUR, MIN, S, fills, markov_signs, poisson, quotes, tape

TAPES = 300
LEAST, MOST = 0.90, 0.99
"""Three standard errors of 300 tapes about a nominal .95 are .038; the block bootstrap may lose a point or two more."""


def coverage(made: Callable[[np.random.Generator], Tape], fact: Callable[[Tape], Estimate], truth: float) -> float:
    """The share of tapes whose interval holds the truth."""
    rng, held = np.random.default_rng(20_261_130), 0
    for _ in range(TAPES):
        found = fact(made(rng))
        assert found.lo is not None
        assert found.hi is not None
        held += found.lo <= truth <= found.hi
    return held / TAPES


def test_intervals_of_the_memory_of_signs_cover_it(say: Callable[[str], None]) -> None:
    def made(rng: np.random.Generator) -> Tape:
        return tape(HOUR, fills=fills(np.sort(rng.integers(0, HOUR, 20_000)), markov_signs(20_000, 0.9, rng)))

    found = coverage(made, lambda record: sign_memory(record, 10), 0.8**10)
    say(f"signs that stay with .9, lag 10: {found:.3f} of {TAPES} intervals cover .107")
    assert LEAST <= found <= MOST


def test_intervals_of_the_fano_factor_cover_it(say: Callable[[str], None]) -> None:
    def made(rng: np.random.Generator) -> Tape:
        first = poisson(2.0, 6 * HOUR, rng)
        return tape(6 * HOUR, fills=fills(np.sort((first[:, None] + np.arange(4) * 1_000).ravel())))

    found = coverage(made, lambda record: fano(record, MIN), 4.0)
    say(f"orders in fours, 60 s: {found:.3f} of {TAPES} intervals cover 4")
    assert LEAST <= found <= MOST


def test_intervals_of_a_mean_that_remembers_cover_it(say: Callable[[str], None]) -> None:
    def made(rng: np.random.Generator) -> Tape:
        """A spread that is an exponential of an autoregression with a memory of a minute, its mean 1 bp."""
        noise, memory = rng.normal(size=6 * 3_600), np.exp(-1 / 60)
        x = np.empty(len(noise))
        x[0] = noise[0]
        for i in range(1, len(x)):
            x[i] = memory * x[i - 1] + (1 - memory**2) ** 0.5 * noise[i]
        widths = np.exp(0.5 * x - 0.125)
        return tape(6 * HOUR, quotes=quotes(np.arange(len(x)) * S, 10_000.0, widths, S))

    found = coverage(made, mean_spread, 1.0)
    say(f"mean spread with a memory of a minute, 6 h: {found:.3f} of {TAPES} intervals cover it")
    assert LEAST <= found <= MOST
