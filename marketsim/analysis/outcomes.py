"""What became of tokens, markets, levered accounts and who trades around them: terms of one run, to be summed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import prod

import polars as pl

from marketsim.analysis.moves import Term
from marketsim.analysis.span import own_markets, require_cadence, span_of
from marketsim.datasets.run import Run
from marketsim.units import ATOMS_PER_UNIT, NS_PER_DAY

LEAST_OF_INDEX, MOST_OF_INDEX = 1 / 3, 3.0
EMPTY_SHARE = 0.10
FINE_NS = 600 * 10**9  # a book that is empty for minutes must be seen empty
WHOLE_RUN = -1


def _tokens(run: Run, what_for: str) -> pl.DataFrame:
    """Table `tokens`, or `ResultError` where it was hardly written."""
    require_cadence(run, "tokens", what_for, FINE_NS)
    return run.table("tokens")


def premium_terms(run: Run) -> list[Term]:
    """A term for each UTC day: premium of tokens' own markets over NAV, summed over snapshots, and its size."""
    span = span_of(run)
    rows = _tokens(run, "premium").filter(pl.col("t_ns") >= span.begin_ns, pl.col("premium_to_nav").is_not_null())
    found = []
    for day, begin, end in span.days():
        values = rows.filter(pl.col("t_ns").is_between(begin, end, closed="right"))["premium_to_nav"]
        if len(values):
            term = {
                "day": day,
                "num": float(values.sum()),
                "size": float(values.abs().sum()),
                "den": float(len(values)),
            }
            found.append(term)
    return found


def tracking_terms(run: Run) -> list[Term]:
    """A term for each token and UTC day: (return of NAV - sum of target x return of the leg's index) squared.

    Splits and merges are taken out of NAV. A token that had nothing left at the day's begin has no term.
    """
    for table in ("tokens", "marks"):
        require_cadence(run, table, "tracking_error", FINE_NS)
    legs = run.table("token_legs").unique(["token", "market"], keep="first", maintain_order=True)
    targets: dict[str, list[tuple[str, float]]] = {}
    for token, market, target in legs.select("token", "market", "target_leverage").iter_rows():
        targets.setdefault(token, []).append((market, target))
    cuts = sorted({cut for _, begin, end in span_of(run).days() for cut in (begin, end)})
    navs, indices = _as_of(run, "tokens", "token", "nav", cuts), _as_of(run, "marks", "market", "index_price", cuts)
    found = []
    for day, begin, end in span_of(run).days():
        for token, basket in targets.items():
            before, after = navs.get((token, begin)), navs.get((token, end))
            if before is None or after is None or before <= 0.0:
                continue
            earned = after / before * _units_made(run, token, begin, end) - 1.0
            promised = sum(L * (indices[m, end] / indices[m, begin] - 1.0) for m, L in basket)
            found.append({"day": day, "num": (earned - promised) ** 2, "den": 1.0})
    return found


def _as_of(run: Run, table: str, key: str, column: str, cuts: Iterable[int]) -> dict[tuple[str, int], float]:
    """The last value of a column that stood at each instant, by subject and instant."""
    rows = run.table(table).select("t_ns", key, column).filter(pl.col(column).is_not_null())
    return {
        (subject, cut): value
        for cut in cuts
        for subject, value in rows.filter(pl.col("t_ns") <= cut).group_by(key).agg(pl.col(column).last()).iter_rows()
    }


def _units_made(run: Run, token: str, begin_ns: int, end_ns: int) -> float:
    """Units into which one unit was made by splits and merges in (begin, end], fractions paid in cash counted in."""
    events = run.table("events").filter(
        pl.col("event").is_in(["reverse_split", "merge"]),
        pl.col("subject") == token,
        pl.col("t_ns").is_between(begin_ns, end_ns, closed="right"),
    )
    return 1.0 / prod(float(json.loads(detail)["ratio"]) for detail in events["detail"].to_list())


def return_terms(run: Run) -> list[Term]:
    """A term for each token: what one unit was worth at the end over what it was behind the warm-up, less 1."""
    span = span_of(run)
    require_cadence(run, "tokens", "token_return", FINE_NS)
    navs = _as_of(run, "tokens", "token", "nav", (span.begin_ns, span.end_ns))
    tokens = sorted({token for token, _ in navs})
    return [
        {
            "day": WHOLE_RUN,
            "num": navs[token, span.end_ns] / navs[token, span.begin_ns]
            * _units_made(run, token, span.begin_ns, span.end_ns)
            - 1.0,
            "den": 1.0,
        }
        for token in tokens
        if navs.get((token, span.begin_ns), 0.0) > 0.0
    ]  # fmt: skip


def funding_terms(run: Run) -> list[Term]:
    """A term for each token and UTC day: funding its account paid, over mean equity x days."""
    tokens = _tokens(run, "funding_drag").filter(pl.col("equity_atoms") > 0)
    paid = (
        run.table("ledger")
        .filter(pl.col("entry") == "funding")
        .select(
            "t_ns",
            token=pl.when(pl.col("to_cohort") == "venue").then("from_cohort").otherwise("to_cohort"),
            atoms=pl.when(pl.col("to_cohort") == "venue").then("atoms").otherwise(-pl.col("atoms")),
        )
    )
    found = []
    for day, begin, end in span_of(run).days():
        inside = pl.col("t_ns").is_between(begin, end, closed="right")
        equity = tokens.filter(inside).group_by("token").agg(pl.col("equity_atoms").mean())
        for token, mean in equity.sort("token").iter_rows():
            atoms = paid.filter(inside, pl.col("token") == token)["atoms"].sum()
            found.append({"day": day, "num": float(atoms), "den": mean * (end - begin) / NS_PER_DAY})
    return found


def wipe_terms(run: Run) -> list[Term]:
    """One term: tokens that were wiped, over tokens that ever had units outstanding."""
    tokens = _tokens(run, "wipe_probability").filter(pl.col("supply") > 0)["token"].unique()
    wiped = run.table("events").filter(pl.col("event") == "wiped")["subject"].unique()
    return [{"day": WHOLE_RUN, "num": float(wiped.is_in(tokens.to_list()).sum()), "den": float(len(tokens))}]


def is_collapsed(run: Run) -> bool:
    """Whether a market of the run was destroyed: its price lost its index, or its book was not there.

    A mark below a third or above three times the index at any snapshot behind the warm-up, or no mid at more than one
    snapshot in ten, in any market but a token's own. Yagi and Mizuta (2016; VALIDATION section 3) call a market
    destroyed whose price runs away from its fundamental value; the bounds are far beyond every deviation of a market
    that works (99 % within 10 bps of the index in the base world) and short of where only rounding is left. A token
    that was wiped is no collapse of a market: that is `wipe_probability`.
    """
    require_cadence(run, "marks", "collapse_share", FINE_NS)
    rows = run.table("marks").filter(pl.col("t_ns") >= span_of(run).begin_ns, pl.col("market").is_in(own_markets(run)))
    deviation = pl.coalesce("mark_price", "mid_price") / pl.col("index_price")
    lost = ~deviation.is_between(LEAST_OF_INDEX, MOST_OF_INDEX).fill_null(True)  # a market without an index keeps none
    found = rows.group_by("market").agg(lost=lost.any(), empty=pl.col("mid_price").is_null().mean())
    return bool((found["lost"] | (found["empty"] > EMPTY_SHARE)).any())


def collapse_terms(run: Run) -> list[Term]:
    """One term: 1 where a market was destroyed (`is_collapsed`), over 1."""
    return [{"day": WHOLE_RUN, "num": float(is_collapsed(run)), "den": 1.0}]


def _liquidations(run: Run) -> pl.DataFrame:
    span = span_of(run)
    rows = run.table("liquidations").filter(pl.col("t_ns") >= span.begin_ns)
    days = [span.day_of(t_ns) for t_ns in rows["t_ns"].to_list()]
    lots = run.table("instruments").select("market", "lot")
    return rows.with_columns(day=pl.Series(days, dtype=pl.Int64)).join(lots, on="market", how="left")


def cascade_terms(run: Run) -> list[Term]:
    """A term for each cascade, of the day it began: notional liquidated at the mark, over 1."""
    notional = pl.col("size_lots").abs() * pl.col("lot") * pl.col("mark_price")
    rows = _liquidations(run).filter(pl.col("cascade") >= 0)
    cascades = rows.group_by("market", "cascade", maintain_order=True).agg(day=pl.col("day").min(), num=notional.sum())
    return cascades.select("day", "num", den=pl.lit(1.0)).to_dicts()


def branching_terms(run: Run) -> list[Term]:
    """A term for each UTC day: liquidations with a parent, over all."""
    rows = _liquidations(run).group_by("day", maintain_order=True)
    counted = rows.agg(num=(pl.col("parent") >= 0).sum().cast(pl.Float64), den=pl.len().cast(pl.Float64))
    return counted.select("day", "num", "den").to_dicts()


def _equity_by_day(run: Run, chosen: pl.Expr) -> list[tuple[int, int, int, int]]:
    """(day, begin, end, change of equity [atoms]) of cohorts, by the snapshots that stood as a day began and ended."""
    rows = run.table("cohorts").filter(chosen).group_by("t_ns").agg(pl.col("equity_atoms").sum()).sort("t_ns")
    taken = dict(rows.iter_rows())
    found = []
    for day, begin, end in span_of(run).days() if taken else ():
        a, b = (max((t_ns for t_ns in taken if t_ns <= cut), default=min(taken)) for cut in (begin, end))
        if a < b:
            found.append((day, a, b, taken[b] - taken[a]))
    return found


def anticipator_terms(run: Run) -> list[Term]:
    """A term for each UTC day: what the anticipators gained, fees and all, over days."""
    return [
        {"day": day, "num": gain / ATOMS_PER_UNIT, "den": (b - a) / NS_PER_DAY}
        for day, a, b, gain in _equity_by_day(run, pl.col("kind") == "anticipator")
    ]


def insurance_terms(run: Run) -> list[Term]:
    """A term for each UTC day: what the insurance funds lost besides the liquidation fees they got, over days."""
    fees = run.table("ledger").filter(pl.col("entry") == "liquidation_fee", pl.col("to_cohort") == "insurance")
    found = []
    for day, a, b, gain in _equity_by_day(run, pl.col("cohort") == "insurance"):
        got = fees.filter(pl.col("t_ns").is_between(a, b, closed="right"))["atoms"].sum()
        found.append({"day": day, "num": (got - gain) / ATOMS_PER_UNIT, "den": (b - a) / NS_PER_DAY})
    return found
