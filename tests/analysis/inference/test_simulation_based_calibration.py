"""Ranks of the truth among posterior draws: by hand, and for a posterior that is known."""

import numpy as np
import pytest

from marketsim.analysis.inference.simulation_based_calibration import rank_statistic, uniformity_p
from marketsim.errors import UsageError
from marketsim.streams import Stream


def test_the_rank_is_how_many_draws_lie_below_the_truth() -> None:
    assert rank_statistic(2.5, [1.0, 2.0, 3.0]) == 2
    assert rank_statistic(0.0, [1.0, 2.0, 3.0]) == 0
    assert rank_statistic(9.0, [1.0, 2.0, 3.0]) == 3


def test_uniformity_is_the_chi_squared_tests() -> None:
    # 8, 10, 12 ranks in three bins of 10 expected: (4 + 0 + 4) / 10 = 0.8 with 2 degrees of freedom: exp(-0.4)
    ranks = [0] * 8 + [1] * 10 + [2] * 12
    assert uniformity_p(ranks, draws=2, bins=3) == pytest.approx(np.exp(-0.4))
    assert uniformity_p([0, 1, 2, 3, 4, 5] * 5, draws=5, bins=3) == 1.0
    with pytest.raises(UsageError, match="6 ranks do not fill 4 equal bins"):
        uniformity_p(ranks, draws=5, bins=4)
    with pytest.raises(UsageError, match="14 ranks are too few for 3 bins; 15 or more are due"):
        uniformity_p(ranks[:14], draws=2, bins=3)


@pytest.mark.parametrize(("width", "shift", "is_right"), [(1.0, 0.0, True), (0.5, 0.0, False), (1.0, 0.5, False)])
def test_only_the_right_posterior_of_a_normal_mean_has_uniform_ranks(
    width: float, shift: float, is_right: bool
) -> None:
    # prior N(0, 1), one observation N(theta, 1): the posterior is N(y / 2, 1/2)
    luck, who = Stream(5, 0, "test:sbc"), np.arange(500)
    theta = luck.normal(who, 0)
    observed = theta + luck.normal(who, 1)
    draws = observed[:, None] / 2 + shift + width * np.sqrt(0.5) * luck.normal(who[:, None], np.arange(2, 21)[None, :])
    ranks = [rank_statistic(truth, among) for truth, among in zip(theta, draws, strict=True)]
    assert (uniformity_p(ranks, draws=19, bins=10) > 0.01) is is_right
