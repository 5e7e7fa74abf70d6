"""The measures of CONTRACT section 7: what each is, and how a value comes from the sums of many runs.

A measure of a run, or of a pair of runs with one luck, is a list of terms: sums of numerator and denominator of one
window, UTC day or run, each with its day. Terms of replications are put in one list and only then divided: a ratio of
sums and never a mean of ratios. Resampling replications (or days in them) means choosing terms. A measure of single
runs is compared across arms by the difference of its values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from marketsim.analysis import executions, moves, outcomes
from marketsim.analysis.moves import Term
from marketsim.analysis.span import span_of
from marketsim.datasets.run import Run
from marketsim.errors import UsageError

Value = Callable[[Sequence[Term]], float | None]


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: its name, what it says, its unit, and whether it takes a run alone or beside its counterfactual."""

    name: str
    about: str
    unit: str
    of_pair: Callable[[Run, Run], list[Term]] | None
    of_run: Callable[[Run], list[Term]] | None
    value: Value
    """Of any list of terms put together; None where the terms do not say (nothing happened)."""

    @property
    def needs_pair(self) -> bool:
        """Whether it compares a run with its counterfactual."""
        return self.of_pair is not None

    def terms(self, factual: Run, counterfactual: Run | None = None) -> list[Term]:
        """The sums of one run, or of one pair; raises `UsageError` without the counterfactual that it needs."""
        if self.of_run is not None:
            return self.of_run(factual)
        if self.of_pair is None or counterfactual is None:
            raise UsageError(f"{self.name} compares a run with its counterfactual; there was none; give a second run")
        _check_pair(self.name, factual, counterfactual)
        return self.of_pair(factual, counterfactual)


def _check_pair(name: str, a: Run, b: Run) -> None:
    """Raise `UsageError` unless two runs have one luck and cover the same time."""
    for luck in ("seed", "replication"):
        one, other = (run.manifest[luck] for run in (a, b))
        if one != other:
            raise UsageError(f"{name} compares runs that share luck; {luck} was {one} and {other}; pair equal ones")
    if span_of(a) != span_of(b):
        raise UsageError(f"{name} compares runs of the same time; {a.path} has {span_of(a)}, {b.path} {span_of(b)}")


def _ratio(scale: float = 1.0, num: str = "num") -> Value:
    def value(terms: Sequence[Term]) -> float | None:
        den = sum(term["den"] for term in terms)
        return scale * sum(term[num] for term in terms) / den if den else None

    return value


def _root(scale: float = 1.0) -> Value:
    def value(terms: Sequence[Term]) -> float | None:
        ratio = _ratio()(terms)
        return None if ratio is None else scale * sqrt(ratio)

    return value


def _pair(name: str, about: str, unit: str, terms: Callable[[Run, Run], list[Term]], value: Value) -> Measure:
    return Measure(name, about, unit, terms, None, value)


def _single(name: str, about: str, unit: str, terms: Callable[[Run], list[Term]], value: Value) -> Measure:
    return Measure(name, about, unit, None, terms, value)


_ALL = (
    _pair("price_share", "share of the moves around rebalances that the counterfactual lacks: sum x_f (x_f - x_c) / "
          "sum x_f^2", "share", moves.price_share_terms, _ratio()),
    _pair("amplification", "factor on the counterfactual's moves around rebalances: sum x_f x_c / sum x_c^2", "ratio",
          moves.amplification_terms, _ratio()),
    _pair("volatility", "volatility against the counterfactual: sqrt(sum RV_f / sum RV_c), 5-minute returns by UTC "
          "day", "ratio", moves.volatility_terms, _root()),
    _pair("reversal", "share of the gap to the counterfactual at the last fill that is left at H: D(H) / D(0)",
          "share", moves.reversal_terms, moves.share_left),
    _pair("reversal_half_life", "first tau at which half of what goes back is back; none where nothing does", "s",
          moves.reversal_terms, moves.half_life_s),
    _pair("reversal_gap", "gap to the counterfactual at the last fill, in the direction of the orders: D(0)", "bps",
          moves.reversal_terms, moves.gap_bps),
    _single("slippage_bps", "cost of rebalances against the mid before the decision, fees apart", "bps",
            executions.slippage_terms, _ratio()),
    _single("shortfall_bps", "the same with what stayed unfilled at the mid of the last fill", "bps",
            executions.shortfall_terms, _ratio()),
    _single("participation", "own fills over the market's volume while tokens rebalance", "share",
            executions.participation_terms, _ratio()),
    _single("rebalances_per_day", "decisions to rebalance per token and day", "1/d", executions.rebalance_terms,
            _ratio()),
    _single("premium", "mean of market price over NAV, less 1, of tokens with a market", "bps",
            outcomes.premium_terms, _ratio(1e4)),
    _single("premium_size", "mean distance of market price from NAV, whatever its sign", "bps",
            outcomes.premium_terms, _ratio(1e4, "size")),
    _single("tracking_error", "root mean square, over tokens and UTC days, of NAV's return less target x index's",
            "bps", outcomes.tracking_terms, _root(1e4)),
    _single("token_return", "mean return of a token's unit from the warm-up to the end", "share",
            outcomes.return_terms, _ratio()),
    _single("funding_drag", "funding that tokens paid, per day and equity", "bps/d", outcomes.funding_terms,
            _ratio(1e4)),
    _single("wipe_probability", "share of tokens that were wiped", "share", outcomes.wipe_terms, _ratio()),
    _single("collapse_share", "share of runs with a market whose mark lost its index or whose book was gone", "share",
            outcomes.collapse_terms, _ratio()),
    _single("cascade_size", "mean notional liquidated in a cascade", "currency", outcomes.cascade_terms, _ratio()),
    _single("branching_ratio", "share of liquidations that another event set off: with a parent", "share",
            outcomes.branching_terms, _ratio()),
    _single("anticipator_profit", "what anticipators gain, fees and all", "currency/d", outcomes.anticipator_terms,
            _ratio()),
    _single("insurance_loss", "what insurance funds lose, liquidation fees apart", "currency/d",
            outcomes.insurance_terms, _ratio()),
)  # fmt: skip

MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in _ALL}


def measure_named(name: str) -> Measure:
    """A measure by its name; raises `UsageError` with the names there are."""
    if name not in MEASURES:
        raise UsageError(f"there is no measure {name!r}; the measures are {', '.join(MEASURES)}")
    return MEASURES[name]


def listing() -> list[tuple[str, str, str]]:
    """Name, unit and kind, and what it is about, of each measure: the rows of `marketsim list measures`."""
    return [
        (measure.name, f"{'pair' if measure.needs_pair else 'run'}, {measure.unit}", measure.about) for measure in _ALL
    ]
