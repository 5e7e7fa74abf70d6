"""The latent fundamental: what moves it, what an index shows of it and when, and which pairs of both make no sense."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketsim.venues.underlying import UnderlyingSpec
from marketsim.venues.underlying_paths import UnderlyingPaths, underlying_paths

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
LOG_OU = {"kind": "log_ou_vol", "price": "30000 USDT", "volatility": "70%/yr"}
RAMP = {
    "kind": "path",
    "points": [["0s", "100 USDT"], ["1d", "86500 USDT"]],
    "interpolate": "linear",
}  # 100 + 1 a second


def underlying(index: dict[str, Any], latent: dict[str, Any] | None) -> UnderlyingSpec:
    return UnderlyingSpec.model_validate({"id": "BTC", "index": index, "latent": latent})


def paths(
    index: dict[str, Any], latent: dict[str, Any] | None, *jumps: tuple[int, str], seed: int = 1
) -> UnderlyingPaths:
    listed = {"BTC": [(at_s * SECOND, Decimal(size)) for at_s, size in jumps]}
    return underlying_paths(
        [underlying(index, latent)], seed=seed, replication=0, start_ns=0, duration_ns=DAY, root=Path(), jumps=listed
    )["BTC"]


def test_an_index_shows_the_fundamental_as_it_was_a_delay_ago() -> None:
    shown = paths({"kind": "latent", "delay": "5s"}, RAMP).index
    assert shown.levels(0, 9).tolist() == [100, 100, 100, 100, 100, 100, 101, 102, 103]
    assert shown.levels(40_000, 2).tolist() == [40_095, 40_096]


def test_an_index_without_delay_shows_the_fundamental_at_its_own_next_step() -> None:
    both = paths({"kind": "latent", "every": "1min"}, RAMP)
    assert both.index.levels(0, 4).tolist() == [100, 160, 220, 280]
    assert both.latent is not None
    assert both.latent.levels(59, 3).tolist() == [159, 160, 161]


def test_a_listed_jump_is_in_the_fundamental_at_once_and_in_the_index_by_halves() -> None:
    both = paths({"kind": "latent", "halflife": "10s"}, {"kind": "constant", "price": "1000 USDT"}, (60, "-0.08"))
    assert both.latent is not None
    assert both.latent.levels(59, 2).tolist() == [1_000, 920]
    levels = both.index.levels(0, 100)
    assert levels[59] == 1_000
    # The first step after the jump is already one of ten: 80 x 2^-(1/10), and half is left after ten of them
    assert levels[60] == pytest.approx(920 + 80 * 0.933033, abs=1e-3)
    assert levels[[69, 79]] == pytest.approx([960, 940])


def test_chunks_of_a_shown_path_fit_together() -> None:
    shown = paths({"kind": "latent", "delay": "3s", "halflife": "20s"}, LOG_OU).index
    whole = shown.levels(0, 9_000)
    again = paths({"kind": "latent", "delay": "3s", "halflife": "20s"}, LOG_OU).index
    pieces = [again.levels(first, 1_500) for first in range(7_500, -1, -1_500)]
    assert np.array_equal(np.concatenate(pieces[::-1]), whole)
    growth = again.growth(0, 9_000)
    assert 30_000 * np.multiply.accumulate(growth) == pytest.approx(whole, rel=1e-9)


def test_an_index_slower_than_a_very_fast_fundamental_reads_only_what_it_needs() -> None:
    fast = {**RAMP, "every": "1ms"}
    assert paths({"kind": "latent", "every": "10min"}, fast).index.levels(0, 4).tolist() == [100, 700, 1_300, 1_900]


def test_a_fundamental_has_the_luck_that_the_index_would_have_had() -> None:
    both = paths({"kind": "latent", "delay": "5s"}, LOG_OU, (100, "0.05"))
    alone = paths(LOG_OU, None, (100, "0.05"))
    assert alone.latent is None
    assert both.latent is not None
    assert np.array_equal(both.latent.levels(0, 5_000), alone.index.levels(0, 5_000))
    assert np.array_equal(both.index.levels(5, 1_000), alone.index.levels(0, 1_000))


def test_a_constant_index_beside_a_fundamental_keeps_still_when_that_jumps() -> None:
    both = paths({"kind": "constant", "price": "30000 USDT", "pass_through": "100%"}, LOG_OU, (100, "0.05"))
    assert set(both.index.levels(0, 200)) == {30_000.0}


@pytest.mark.parametrize(
    ("index", "latent", "place", "words"),
    [
        ({"kind": "latent"}, None, ("index", "kind"), "there is none"),
        ({"kind": "latent"}, {"kind": "latent"}, ("latent", "kind"), "cannot show itself"),
        (LOG_OU, LOG_OU, ("index", "kind"), "wander away"),
        ({"kind": "latent"}, {**LOG_OU, "pass_through": "50%"}, ("latent", "pass_through"), "learns nothing"),
        ({"kind": "constant", "price": "30000 USDC"}, LOG_OU, ("latent",), "in USDT, the index in USDC"),
    ],
)
def test_pairs_that_make_no_sense_are_refused(
    index: dict[str, Any], latent: dict[str, Any] | None, place: tuple[str, ...], words: str
) -> None:
    first = next(underlying(index, latent).faults())
    assert first.path == place
    assert words in first.message


def test_right_pairs_have_no_fault() -> None:
    for index in ({"kind": "latent"}, {"kind": "constant", "price": "30000 USDT"}):
        assert not list(underlying(index, LOG_OU).faults())


def test_rules_of_traders_go_by_the_volatility_of_what_is_behind_an_index_that_states_none() -> None:
    assert underlying({"kind": "latent"}, LOG_OU).stated_volatility == Decimal("0.7")
    assert underlying({"kind": "constant", "price": "30000 USDT"}, LOG_OU).stated_volatility == Decimal("0.7")
    assert underlying(LOG_OU, None).stated_volatility == Decimal("0.7")
    assert underlying({"kind": "constant", "price": "30000 USDT"}, None).stated_volatility is None
