"""Who pays for a reset: what trades around it moved between cohorts, reset by reset, closed to the atom.

A reset's trades are those from 30 minutes before its decision to 10 minutes after its last fill, of all markets and
cohorts: who runs ahead, who takes the other side, and who is rid of it afterwards. Where windows meet, a trade belongs
to the earlier reset. All other trades of the measured period stand in rows without a reset, so that rows add up to what
`transfer_matrix` has as cause `trade`, to the atom (`check_reset_transfers`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from marketsim.analysis.run_data.market_units import market_units
from marketsim.analysis.run_data.measured_resets import measured_resets
from marketsim.analysis.run_data.mid_prices import MINUTE_NS
from marketsim.analysis.transfers.trade_transfers import trade_transfers
from marketsim.analysis.transfers.transfer_matrix import Transfers, closing_marks
from marketsim.datasets.run import Run
from marketsim.errors import ResultError

BEFORE_NS, AFTER_NS = 30 * MINUTE_NS, 10 * MINUTE_NS
COLUMNS = {
    "decide_ns": pl.Int64, "asset": pl.String, "from_cohort": pl.String, "to_cohort": pl.String,
    "from_purpose": pl.String, "to_purpose": pl.String, "atoms": pl.Int64,
}  # fmt: skip
"""decide_ns: of the reset, null for trades around none. atoms: signed, from one cohort to the other."""


@dataclass(frozen=True, slots=True)
class _Window:
    """Trades in (since, until] [ns], and the reset that they are around; None for those around none."""

    decide_ns: int | None
    since_ns: int
    until_ns: int


def reset_transfers(run: Run, whole: Transfers, resets: Run | None = None) -> pl.DataFrame:
    """What trades moved around each reset of a run, and apart from all; columns `COLUMNS`.

    whole: the run's transfer matrix, whose period it is of. resets: the run whose resets are meant, where that is
    another because this one's funds send no orders. Raises `ResultError` where the rows do not add up to it.
    """
    marks, assets = closing_marks(run, whole.until_ns), {m: unit.asset for m, unit in market_units(run).items()}
    rows: dict[tuple[int | None, str, str, str, str, str], int] = defaultdict(int)
    for window in _windows(resets or run, whole.since_ns, whole.until_ns):
        for trade in trade_transfers(run, window.since_ns, window.until_ns, marks, whole.until_ns):
            if trade.buyer != trade.seller:
                purposes = (trade.buyer_purpose, trade.seller_purpose)
                rows[window.decide_ns, assets[trade.market], trade.buyer, trade.seller, *purposes] += trade.edge
    table = pl.DataFrame([(*key, atoms) for key, atoms in rows.items() if atoms], schema=COLUMNS, orient="row").sort(
        "decide_ns", "asset", "from_cohort", "to_cohort", "from_purpose", "to_purpose", nulls_last=True
    )
    check_reset_transfers(table, whole)
    return table


def _windows(run: Run, since_ns: int, until_ns: int) -> Iterator[_Window]:
    """The windows of all resets and the gaps between them, in the order of time: together the whole period."""
    ends: dict[int, int] = {}
    for reset in measured_resets(run):
        last = reset.decide_ns if reset.last_ns is None else reset.last_ns
        ends[reset.decide_ns] = max(ends.get(reset.decide_ns, 0), last + AFTER_NS)
    done = since_ns
    for decide_ns, end_ns in sorted(ends.items()):
        begin, end = (min(max(at, done), until_ns) for at in (decide_ns - BEFORE_NS, end_ns))
        if begin > done:
            yield _Window(None, done, begin)
        if end > begin:
            yield _Window(decide_ns, begin, end)
        done = max(done, end)
    if done < until_ns:
        yield _Window(None, done, until_ns)


def check_reset_transfers(table: pl.DataFrame, whole: Transfers) -> None:
    """Raise `ResultError` unless the resets' transfers and the rest add up to the whole run's trades, to the atom."""
    pair = ["asset", "from_cohort", "to_cohort"]
    by_reset = table.group_by(pair).agg(atoms=pl.col("atoms").sum())
    at_once = whole.flows.filter(cause="trade").group_by(pair).agg(whole=pl.col("atoms").sum())
    both = by_reset.join(at_once, on=pair, how="full", coalesce=True).fill_null(0)
    wrong = both.filter(pl.col("atoms") != pl.col("whole"))
    if wrong.height:
        payer, to, over = wrong.select("from_cohort", "to_cohort", pl.col("atoms") - pl.col("whole")).row(0)
        raise ResultError(f"the resets' transfers do not add up: {payer} to {to} by {over:+d} atoms")
