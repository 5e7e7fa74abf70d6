"""Words of `measures` and `primary`: what a study measures of its runs."""

from __future__ import annotations

from typing import Annotated

from marketsim.kinds import WordOf

TRANSFERS = "transfers"
"""A word of `measures` that asks for a table and is no measure: the transfer matrix of every run."""
REVERSAL_GAP = "reversal_gap"
"""The old spelling of `impact_gap_0s`."""
MEASURE_GROUPS = (
    "impact_gap", "impact_per_move", "multiplier", "multiplier_cumulative", "multiplier_predicted", "crowding_number",
    "impact_per_usdt", "impact_per_usdt_buy", "impact_per_usdt_sell",
)  # fmt: skip
"""Words of `measures` that stand for the measures at all horizons whose names begin with them."""
PROBED = ("crowding_number", "impact_per_usdt", "impact_exponent", "multiplier")
"""What the names of measures begin with for which a study sends probes."""
DEFAULT_MEASURES = ("impact_gap", "impact_per_move", "slippage_bps", "participation")
DEFAULT_OUTCOME = "impact_gap_0s"
MeasureName = Annotated[str, WordOf("measure", also=(*MEASURE_GROUPS, REVERSAL_GAP, TRANSFERS))]
OutcomeName = Annotated[str, WordOf("measure", also=(*MEASURE_GROUPS, REVERSAL_GAP))]
"""What `analysis.measures` registers, plugins included, or one of the words above; an outcome is a number."""


def stands_for(word: str, measure: str) -> bool:
    """Whether a word of `measures` asks for a measure."""
    word = DEFAULT_OUTCOME if word == REVERSAL_GAP else word
    return word == measure or (word in MEASURE_GROUPS and measure.startswith(f"{word}_"))
