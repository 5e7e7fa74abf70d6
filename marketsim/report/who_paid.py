"""Who paid whom: the transfer matrix of a run, net between each two cohorts, without what the price did to all."""

from __future__ import annotations

from typing import Any

import polars as pl
from polars.exceptions import ColumnNotFoundError

from marketsim.analysis.transfers.transfer_matrix import POOL, transfers
from marketsim.errors import DamagedResultError, ResultError
from marketsim.report import charts, markup, numbers
from marketsim.report.embedding import figure
from marketsim.report.markup import Markup
from marketsim.report.record import RunRecord

_MOST_COHORTS = 16
_ATOMS = 1e8


def who_paid(record: RunRecord) -> Markup:
    """A picture for each currency, or why there is none."""
    title = markup.heading("Who paid whom")
    if "record" not in record.resolved:
        return markup.join([title, markup.empty("What was recorded is not known.")])
    try:
        paid = payments(record)
    except DamagedResultError:
        raise
    except ColumnNotFoundError:
        return markup.join([title, markup.empty("It was not worked out: other code wrote this run's tables.")])
    except ResultError as error:
        return markup.join([title, markup.empty(f"It was not worked out: {str(error).rstrip('.')}.")])
    if paid.is_empty():
        return markup.join([title, markup.empty("No cohort paid another.")])
    return markup.join([title, *(_drawn(str(asset), own) for (asset,), own in paid.group_by("asset"))])


def _drawn(asset: str, paid: pl.DataFrame) -> Markup:
    kept = _largest(paid)
    caption = (
        f"Net payments between cohorts after the warm-up, in {asset}: what sellers got above the mid ten minutes later,"
        " fees, funding, liquidations. What moves of the price did to positions is left out; it is in the table above."
    )
    note = markup.left_out(kept.height, paid.height, "payments", f"those between the {_MOST_COHORTS} cohorts that move "
                           "the most", verb="drawn")  # fmt: skip
    return markup.join([figure(payments_chart(asset, paid), caption), note])


def payments(record: RunRecord) -> pl.DataFrame:
    """Net payments after the warm-up: `asset`, `payer`, `payee`, `atoms` (> 0), the largest first.

    Raises `ResultError` where the run's record is too coarse for them.
    """
    flows = transfers(record.run).flows.filter(pl.col("from_cohort") != POOL, pl.col("to_cohort") != POOL)
    turned = pl.col("from_cohort") > pl.col("to_cohort")
    first, second = pl.min_horizontal("from_cohort", "to_cohort"), pl.max_horizontal("from_cohort", "to_cohort")
    signed = pl.when(turned).then(-pl.col("atoms")).otherwise(pl.col("atoms"))
    net = flows.group_by("asset", first.alias("first"), second.alias("second")).agg(signed.sum().alias("atoms"))
    gives = pl.col("atoms") > 0
    made = net.filter(pl.col("atoms") != 0, pl.col("first") != pl.col("second")).select(
        "asset", payer=pl.when(gives).then("first").otherwise("second"),
        payee=pl.when(gives).then("second").otherwise("first"), atoms=pl.col("atoms").abs(),
    )  # fmt: skip
    return made.sort("asset", "atoms", "payer", "payee", descending=[False, True, False, False])


def _largest(paid: pl.DataFrame) -> pl.DataFrame:
    order = _order(paid)
    return paid.filter(pl.col("payer").is_in(order), pl.col("payee").is_in(order))


def _order(paid: pl.DataFrame) -> list[str]:
    """The cohorts that moved the most, those that paid the most on balance first."""
    out, into = paid.group_by(cohort="payer").agg(out=pl.col("atoms").sum()), paid.group_by(cohort="payee").agg(
        into=pl.col("atoms").sum()
    )  # fmt: skip
    both = out.join(into, on="cohort", how="full", coalesce=True).fill_null(0)
    most = both.sort(pl.col("out") + pl.col("into"), "cohort", descending=[True, False]).head(_MOST_COHORTS)
    return most.sort(pl.col("out") - pl.col("into"), "cohort", descending=[True, False])["cohort"].to_list()


def payments_chart(asset: str, paid: pl.DataFrame) -> Any:
    """Who paid whom in one currency, given its rows of `payments`."""
    kept = _largest(paid)
    told = pl.Series([numbers.money(atoms, asset) for atoms in kept["atoms"]], dtype=pl.String)
    frame = kept.select("payer", "payee", value=pl.col("atoms") / _ATOMS, told=told)
    return charts.flows(frame, _order(paid), f"net [{asset}]")
