"""The largest reset from close by: the price around it, what each token had traded by when, and the book."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import polars as pl

from marketsim.analysis.run_data.measured_resets import measured_resets
from marketsim.datasets.resets import MarketReset
from marketsim.figures import panels
from marketsim.figures.drawn import Gathering
from marketsim.figures.picture import Axis, LeftOut, Number, Panel, Picture, Series, letter
from marketsim.figures.run_source import Instrument, RunSource, drawn_as
from marketsim.units import NS_PER_SECOND, format_instant

BEFORE_NS, AFTER_NS = 600 * NS_PER_SECOND, 1_800 * NS_PER_SECOND
"""What is drawn before the decision, and after the last fill."""
MOST_TOKENS = 6
_MINUTE_NS = 60 * NS_PER_SECOND


def largest_reset(source: RunSource, name: str, gathering: Gathering) -> Picture:
    """The measured reset that traded most, in units of its market's currency; raises `LeftOut` where none did."""
    reset = _largest(source)
    instrument = source.instruments[reset.market]
    begin = max(source.begin_ns, reset.decide_ns - BEFORE_NS)
    end = min(source.end_ns, (reset.last_ns or reset.decide_ns) + AFTER_NS)
    axis = Axis("time since the decision [min]", limits=(_minutes(begin, reset), _minutes(end, reset)))
    on_axis = partial(_on_axis, reset)
    makers: list[tuple[str, Callable[[], tuple[Panel, str]]]] = [
        ("price", partial(_price, source, reset, begin, end)),
        ("orders", partial(_orders, source, reset, instrument, end)),
        ("book", partial(panels.book, source, instrument, begin, end, on_axis)),
    ]
    made, told = gathering.panels(name, makers)
    at = format_instant(source.period.start_ns + reset.decide_ns)
    lots = reset.filled_lots * instrument.lot
    says = [
        f"Decided at {at} by {len(reset.orders)} token{'s' * (len(reset.orders) > 1)}; traded together {lots:+.6g}"
        f" {instrument.underlying} of {reset.target_lots * instrument.lot:+.6g} wanted.",
        *(f"({letter(place)}) {sentence[0].upper()}{sentence[1:]}." for place, sentence in enumerate(told)),
        "n = 1 reset of 1 run, so there is no interval.",
    ]
    return Picture(name, f"The largest reset of {reset.market}", made, axis, caption=says)


def _largest(source: RunSource) -> MarketReset:
    source.require_resets()
    found = [reset for reset in measured_resets(source.run) if reset.market in source.markets and reset.filled_lots]
    if not found:
        raise LeftOut("no reset after the warm-up traded in a book")
    rows = source.table("rebalances", "id", "filled_lots", "vwap").iter_rows()
    bought = {number: lots * (vwap or 0.0) for number, lots, vwap in rows}

    def traded(reset: MarketReset) -> float:
        """What its orders bought less what they sold, in the market's currency."""
        return float(abs(sum(bought[order.id] for order in reset.orders)) * source.instruments[reset.market].lot)

    return max(found, key=lambda reset: (traded(reset), -reset.decide_ns))


def _minutes(t_ns: int, reset: MarketReset) -> float:
    return (t_ns - reset.decide_ns) / _MINUTE_NS


def _on_axis(reset: MarketReset, series: Series) -> Series:
    return replace(series, x=[_minutes(int(t_ns), reset) for t_ns in series.x if t_ns is not None])


def _price(source: RunSource, reset: MarketReset, begin: int, end: int) -> tuple[Panel, str]:
    """Mid and index against the arrival mid, and each order's average price while it traded."""
    rows = _rebalances(source, reset)
    arrival = rows["arrival_mid"].drop_nulls().first()
    if arrival is None:
        raise LeftOut("a side of the book was empty when the reset was decided")
    arrival = float(arrival)  # type: ignore[arg-type]
    frame, table = source.mids(reset.market)
    mid = source.thinned(frame, _over(pl.col("mid"), arrival), begin, end)
    series = [_on_axis(reset, mid.series("mid"))]
    try:
        marks = source.scan("marks", "t_ns", "market", "index_price").filter(pl.col("market") == reset.market)
        index = source.thinned(marks, _over(pl.col("index_price"), arrival), begin, end)
        series.insert(0, _on_axis(reset, index.series("index", None)))
    except LeftOut:  # a market without an index
        pass
    paid = rows.filter(pl.col("vwap").is_not_null() & (pl.col("t_last_ns") >= 0)).head(MOST_TOKENS)
    if paid.height:
        middle = [_minutes((first + last) // 2, reset) for first, last in paid["t_first_ns", "t_last_ns"].iter_rows()]
        ends = [[_minutes(t_ns, reset) for t_ns in paid[name]] for name in ("t_first_ns", "t_last_ns")]
        over = [1e4 * (vwap / arrival - 1) for vwap in paid["vwap"]]
        series.append(Series("average fill", "points", middle, over, x_lo=ends[0], x_hi=ends[1], look=1))
    told = f"price over the arrival mid, less 1 ({drawn_as(mid, table)})"
    told += "; bars: each order's average price from first to last fill" if paid.height else ""
    return Panel("over arrival mid\n[bps]", series, reference=0.0), told


def _over(price: pl.Expr, arrival: float) -> pl.Expr:
    return 1e4 * (price / arrival - 1)


def _rebalances(source: RunSource, reset: MarketReset) -> pl.DataFrame:
    """The rows of its orders, the largest first."""
    columns = "id", "token", "filled_lots", "arrival_mid", "vwap", "t_first_ns", "t_last_ns"
    own = [order.id for order in reset.orders]
    rows = source.table("rebalances", *columns).filter(pl.col("id").is_in(own))
    return rows.sort(pl.col("filled_lots").abs(), "id", descending=[True, False])


def _orders(source: RunSource, reset: MarketReset, instrument: Instrument, end: int) -> tuple[Panel, str]:
    """What each token had traded by when: its children's fills at the instants at which they were final."""
    columns = "t_end_ns", "purpose", "parent", "filled_lots"
    children = source.table("children", *columns).filter(pl.col("purpose") == "rebalance").sort("t_end_ns")
    series: list[Series] = []
    rows = _rebalances(source, reset)
    for place, (number, token) in enumerate(rows.select("id", "token").head(MOST_TOKENS).iter_rows()):
        own = children.filter((pl.col("parent") == number) & (pl.col("t_end_ns") <= end))
        filled = [0, *own["filled_lots"].cum_sum(), int(own["filled_lots"].sum())]
        at = [reset.decide_ns, *own["t_end_ns"], end]
        x = [_minutes(t_ns, reset) for t_ns in at]
        y: list[Number] = [lots * instrument.lot for lots in filled]
        series.append(Series(token, "steps", x, y, look=place))
    told = "what each token had traded by then"
    told += f", the {MOST_TOKENS} largest of {rows.height}" if rows.height > MOST_TOKENS else ""
    return Panel(f"traded\n[{instrument.underlying}]", series, reference=0.0), told
