"""Coverage of intervals and size of tests: on named distributions, and on pairs of placebo runs of a small world.

Writes inference_coverage.csv, inference_size.csv, inference_lambda.csv and inference_placebo.csv.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from marketsim.analysis.inference import intervals
from marketsim.analysis.inference.measured_coverage import COVERAGE
from marketsim.analysis.inference.p_values import sign_flip_ps
from marketsim.analysis.measures.crowding_number import crowding_number_at
from marketsim.analysis.measures.family import Term
from marketsim.analysis.study_effects.arm_contrast import Contrast
from marketsim.analysis.study_effects.replications import Replications
from tests.verification.placebo_pairs import PlaceboPairs
from tests.verification.results import write_table

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]

NAMED: dict[str, Draw] = {
    "normal": lambda rng, size: rng.standard_normal(size),
    "t(3)": lambda rng, size: rng.standard_t(3, size),
    "gamma, skewness 1": lambda rng, size: (rng.gamma(4.0, 1.0, size) - 4.0) / 2.0,
    "normal rounded to 0.5": lambda rng, size: np.round(rng.standard_normal(size) * 2.0) / 2.0,
}
"""Distributions of mean 0 of what a replication gives."""
BEYOND = "exponential, skewness 2"
"""A distribution that is shown and promised less of."""
WEIGHTS: dict[str, Draw] = {
    "gamma, variation .3": lambda rng, size: rng.gamma(1 / 0.09, 0.09, size),
    "exponential": lambda rng, size: rng.exponential(1.0, size),
    "absolute normal": lambda rng, size: np.abs(rng.standard_normal(size)),
}
"""Distributions of the denominators of ratios; what scatters about the ratio is in proportion to them."""
NUMBERS = (6, 7, 8, 9, 10, 20, 30)
SAMPLES, RATIO = 200_000, 0.3
LEAST, LEAST_OF_AN_EFFECT = 0.93, 0.88
SAMPLES_OF_LAMBDA = 2_000


class Ends(NamedTuple):
    """Ends of intervals (k,), of estimates of the truth 0."""

    lo: Floats
    hi: Floats

    @property
    def coverage(self) -> float:
        """The share that holds the truth; an end that is the truth itself counts, as rounded data have them."""
        return float(((self.lo <= 1e-12) & (self.hi >= -1e-12)).mean())


def ends(errors: Floats, values: Floats, worth: Floats | float) -> Ends:
    """The intervals of estimates: Student's t of pseudo-values (k, n), and Johnson's correction outwards.

    worth: how many replications with equal denominators they are worth.
    """
    n = values.shape[1]
    centred = values - values.mean(axis=1, keepdims=True)
    squares = (centred**2).mean(axis=1)
    error, bound = np.sqrt(squares / (n - 1)), stats.t.ppf(0.975, np.maximum(1.0, np.subtract(worth, 1)))
    third = np.divide((centred**3).mean(axis=1), squares**1.5, out=np.zeros(len(values)), where=squares > 1e-20)
    out = third * np.sqrt(n * (n - 1)) / (n - 2) / (6 * np.sqrt(worth)) * (1 + 2 * bound**2) * error
    return Ends(errors - bound * error + np.minimum(0, out), errors + bound * error + np.maximum(0, out))


def of_means(x: Floats) -> Ends:
    """The intervals of means of samples (k, n) whose truth is 0; the product's own of the last 50 are the same."""
    n = x.shape[1]
    made = ends(x.mean(axis=1), x, n)
    for i in range(-50, 0):
        own = intervals.t_interval(float(x[i].mean()), (x[i].sum() - x[i]) / (n - 1))
        assert own.method == "no_spread" or (own.lo, own.hi) == pytest.approx((made.lo[i], made.hi[i]), abs=1e-9)
    return made


def of_ratios(numerator: Floats, d: Floats, truth: float) -> Ends:
    """The same of ratios of sums of samples (k, n)."""
    n, total, weight = d.shape[1], numerator.sum(axis=1, keepdims=True), d.sum(axis=1, keepdims=True)
    left_out, ratio = (total - numerator) / (weight - d), (total / weight)[:, 0]
    worth = weight[:, 0] ** 2 / (d**2).sum(axis=1)
    made = ends(ratio - truth, n * ratio[:, None] - (n - 1) * left_out, worth)
    for i in range(-50, 0):
        own = intervals.t_interval(float(ratio[i]), left_out[i], effective=intervals.effective_number(d[i]))
        assert (own.lo, own.hi) == pytest.approx((truth + made.lo[i], truth + made.hi[i]), rel=1e-6, abs=1e-9)
    return made


@pytest.fixture(scope="module")
def coverages() -> dict[tuple[str, str, int], float]:
    """Coverage of a nominal 95 % by method, data and n."""
    rng, found = np.random.default_rng(20261130), {}
    for n in NUMBERS:
        found["student_t_skew", BEYOND, n] = of_means(rng.exponential(1.0, (SAMPLES, n)) - 1.0).coverage
        for name, draw in NAMED.items():
            found["student_t_skew", name, n] = of_means(draw(rng, (SAMPLES, n))).coverage
            for weights, weigh in WEIGHTS.items():
                d = weigh(rng, (SAMPLES // 4, n))
                made = of_ratios(d * (RATIO + 0.5 * draw(rng, d.shape)), d, RATIO)
                found["jackknife_t_skew", f"{name}; {weights}", n] = made.coverage
        found |= {("clopper_pearson", f"share {p}", n): exact_coverage(p, n) for p in (0.01, 0.05, 0.1, 0.3, 0.5)}
        found |= {
            ("bonett_price", f"only {a} and {v}", n): paired_coverage(a, v, n)
            for a, v in ((0.01, 0.01), (0.05, 0.0), (0.1, 0.1), (0.3, 0.1), (0.5, 0.2))
        }
    write_table(
        "inference_coverage",
        [{"method": m, "data": data, "n": n, "coverage": value} for (m, data, n), value in found.items()],
    )
    return found


def exact_coverage(share: float, n: int) -> float:
    """Coverage of the interval of a share, summed over what can be found."""
    holds = 0.0
    for k in range(n + 1):
        made = intervals.proportion_interval(k, n)
        assert made.lo is not None
        assert made.hi is not None
        holds += float(stats.binom.pmf(k, n, share)) * (made.lo <= share <= made.hi)
    return holds


def paired_coverage(arm: float, versus: float, n: int) -> float:
    """Coverage of the interval of a difference of shares, summed over what can be found."""
    holds = 0.0
    for a in range(n + 1):
        for v in range(n + 1 - a):
            made = intervals.paired_proportions_interval(a, v, n)
            assert made.lo is not None
            assert made.hi is not None
            chance = stats.multinomial.pmf([a, v, n - a - v], n, [arm, versus, 1 - arm - versus])
            holds += float(chance) * (made.lo <= arm - versus <= made.hi)
    return holds


def test_intervals_of_ten_and_more_replications_cover_what_they_say(
    coverages: dict[tuple[str, str, int], float], say: Callable[[str], None]
) -> None:
    for method in ("student_t_skew", "jackknife_t_skew", "clopper_pearson", "bonett_price"):
        for data in dict.fromkeys(name for m, name, _ in coverages if m == method):
            row = "  ".join(f"{n}: {coverages[method, data, n]:.3f}" for n in NUMBERS)
            say(f"{method:17} {data:44} {row}")
    assert min(value for (_, _, n), value in coverages.items() if n >= 10) >= LEAST  # of exponential data too


def test_intervals_of_six_to_nine_carry_the_coverage_that_is_measured_here(
    coverages: dict[tuple[str, str, int], float],
) -> None:
    for method, by_n in COVERAGE.items():
        for n, told in by_n.items():
            alike = {data: value for (m, data, number), value in coverages.items() if (m, number) == (method, n)}
            least = min(value for data, value in alike.items() if data != BEYOND)
            is_exact = method in ("clopper_pearson", "bonett_price")
            assert told <= least + 0.004, (method, n)
            assert is_exact or told >= least - 0.004, (method, n)


def size(samples: Floats, rng: np.random.Generator) -> float:
    """The share of samples (k, n) of no effect that the test rejects at 5 %, in ten parts with flips of their own."""
    parts = np.array_split(samples, 10)
    return float(np.concatenate([sign_flip_ps(part, rng, many=1_999) <= 0.05 for part in parts]).mean())


def test_the_sign_flip_test_has_its_size(say: Callable[[str], None]) -> None:
    """Of differences of two draws of one distribution, as of an arm that does nothing, and of draws alone."""
    rng, rows = np.random.default_rng(20261130), []
    for n in (6, 10, 20, 30):
        for name, draw in NAMED.items():
            rejected = size(draw(rng, (20_000, n)) - draw(rng, (20_000, n)), rng)
            alone = size(draw(rng, (20_000, n)), rng)
            rows.append({"data": name, "n": n, "size_of_differences": rejected, "size_of_draws": alone})
            say(f"{name:24} n = {n:2}: {rejected:.4f} of differences, {alone:.4f} of draws alone")
            assert rejected <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 20_000)
            assert alone <= 0.07  # a skewed draw is not symmetric about its mean, and then the test is not exact
    write_table("inference_size", rows)


LAMBDA = crowding_number_at("0s")()


def lambda_of(x: Floats, q: Floats) -> Contrast:
    """The contrast of Lambda over resets of n replications with pushes x (n,), of orders q (n,) for K = 1."""
    terms = [[Term(0, np.array([[[a]], [[b]], [[b]]]), b, "M")] for a, b in zip(x, q, strict=True)]
    return Contrast(LAMBDA, Replications(LAMBDA, [LAMBDA.of_replication(each) for each in terms]))


def test_lambda_is_zero_where_orders_move_nothing(say: Callable[[str], None]) -> None:
    """Probes of orders that follow normal moves, and whose pushes are luck: either sign, and 0 in 95 % of intervals."""
    rng, rows = np.random.default_rng(20261130), []
    for n in (6, 10, 20, 30):
        covers, below = 0, 0
        for _ in range(SAMPLES_OF_LAMBDA):
            made = lambda_of(rng.standard_normal(n), np.abs(rng.standard_normal(n))).interval()
            assert made.lo is not None
            assert made.hi is not None
            covers += made.lo <= 0 <= made.hi
            below += made.lo + made.hi < 0
        rows.append({"n": n, "coverage": covers / SAMPLES_OF_LAMBDA, "estimates_below_0": below / SAMPLES_OF_LAMBDA})
        told = f"{rows[-1]['coverage']:.3f} cover, {rows[-1]['estimates_below_0']:.2f} of the estimates are below 0"
        say(f"Lambda at a true 0, n = {n:2}: {told}")
        assert covers / SAMPLES_OF_LAMBDA >= LEAST - 3 * np.sqrt(0.05 * 0.95 / SAMPLES_OF_LAMBDA)
        assert below / SAMPLES_OF_LAMBDA == pytest.approx(0.5, abs=0.05)
    write_table("inference_lambda", rows)


@pytest.fixture(scope="module")
def placebos(tmp_path_factory: pytest.TempPathFactory) -> PlaceboPairs:
    return PlaceboPairs.made(tmp_path_factory.mktemp("placebo"))


def test_intervals_and_tests_hold_on_the_products_own_pairs(placebos: PlaceboPairs, say: Callable[[str], None]) -> None:
    """Studies of n replications drawn from 200 of a small world, of which the truth is the value of all.

    Of pairs that differ by luck alone what is promised holds; pushes of own orders are as skewed as the moves
    that they answer, and their intervals cover less while replications are few.
    """
    rng, rows = np.random.default_rng(20261130), []
    for name, (numerator, d) in placebos.by_name.items():
        truth = float(numerator.sum() / d.sum())
        skewness = float(stats.skew(numerator - truth * d))
        say(f"{name}: {len(d)} pairs, {truth:.3g}, skewness {skewness:.2f}")
        for n in (6, 10, 20, 30):
            chosen = rng.integers(len(d), size=(40_000, n))
            a, b = numerator[chosen], d[chosen]
            made = of_means(a - truth) if np.ptp(d) == 0 else of_ratios(a, b, truth)
            rejected = size((a - truth * b)[:20_000], rng)
            rows.append({"pairs": name, "n": n, "coverage": made.coverage, "size": rejected, "skewness": skewness})
            say(f"    n = {n:2}: coverage {made.coverage:.3f}, size {rejected:.4f}")
    write_table("inference_placebo", rows)
    nulls = [row for row in rows if row["pairs"] not in placebos.of_an_effect]
    assert min(row["coverage"] for row in nulls if row["n"] >= 10) >= LEAST
    assert max(row["size"] for row in nulls) <= 0.06
    assert min(row["coverage"] for row in rows if row["n"] >= 10) >= LEAST_OF_AN_EFFECT


def test_placebos_of_random_sign_push_nowhere(placebos: PlaceboPairs, say: Callable[[str], None]) -> None:
    """The whole pool against its known truth, 0; the funds' own orders push."""
    placebo, own = (of_mean(placebos.by_name[name][0]) for name in ("push of placebos", "push of own orders"))
    say(f"placebos pushed by [{placebo.lo:.2f}, {placebo.hi:.2f}] bp, own orders by [{own.lo:.2f}, {own.hi:.2f}] bp")
    assert placebo.lo < 0 < placebo.hi
    assert own.lo > 0


def of_mean(x: Floats) -> intervals.Interval:
    return intervals.t_interval(float(x.mean()), (x.sum() - x) / (len(x) - 1), level=0.999)
