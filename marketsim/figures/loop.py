"""The loop in one figure: a market's price, what its price is against the index, leverage, flow of resets, the book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import polars as pl

from marketsim.figures import panels
from marketsim.figures.drawn import Gathering
from marketsim.figures.picture import Axis, LeftOut, Panel, Picture, Series, letter
from marketsim.figures.run_source import Instrument, RunSource, drawn_as
from marketsim.figures.thinning import collected
from marketsim.units import NS_PER_SECOND

MOST_TOKENS = 4
_INTERVALS = 120
_ABOVE_ONE_BPS = 1e4


def loop(source: RunSource, market: str, name: str, gathering: Gathering) -> Picture:
    """The figure of one market over the whole run; raises `LeftOut` where nothing of it was recorded."""
    instrument = source.instruments[market]
    span = source.begin_ns, source.end_ns
    if span[0] == span[1]:
        raise LeftOut("the run ended before any time had passed")
    makers: list[tuple[str, Callable[[], tuple[Panel, str]]]] = [
        ("price", partial(_price, source, instrument)),
        ("price against the index", partial(_basis, source, instrument)),
        ("leverage", partial(_leverage, source, instrument)),
        ("orders of resets", partial(_flow, source, instrument)),
        ("book", partial(panels.book, source, instrument, *span, lambda series: series)),
    ]
    made, told = gathering.panels(name, makers)
    warm_up = (source.begin_ns, source.period.begin_ns)
    shaded = warm_up if warm_up[1] > warm_up[0] else None
    axis = Axis("time [UTC]", "utc", start_ns=source.period.start_ns, limits=span, shaded=shaded)
    says = [f"({letter(place)}) {sentence[0].upper()}{sentence[1:]}." for place, sentence in enumerate(told)]
    says += ["Grey: the warm-up, which no measure reads."] if shaded else []
    says.append("n = 1 run, so there is no interval.")
    return Picture(name, f"The loop of resets in {market}", made, axis, caption=says)


def _price(source: RunSource, instrument: Instrument) -> tuple[Panel, str]:
    frame = source.scan("marks", "t_ns", "market", "index_price", "mid_price")
    own, series, drawn = frame.filter(pl.col("market") == instrument.market), [], []
    for name, column, look in (("index", "index_price", None), ("mid", "mid_price", 0)):
        try:
            found = source.thinned(own, pl.col(column), source.begin_ns, source.end_ns)
        except LeftOut:  # a market without an index, or whose book was never two-sided
            continue
        series.append(found.series(name, look))
        drawn.append(drawn_as(found, name))
    if not series:
        raise LeftOut(f"{instrument.market} has neither an index nor a mid")
    return Panel(f"price\n[{instrument.asset}]", series), f"price ({'; '.join(drawn)})"


def _basis(source: RunSource, instrument: Instrument) -> tuple[Panel, str]:
    frame = source.scan("marks", "t_ns", "market", "index_price", "mark_price", "mid_price")
    own, index, series, drawn = frame.filter(pl.col("market") == instrument.market), pl.col("index_price"), [], []
    for name, column, look in (("mid", "mid_price", 0), ("mark", "mark_price", 1)):
        over = _ABOVE_ONE_BPS * (pl.col(column) / index - 1)
        try:
            found = source.thinned(own, over, source.begin_ns, source.end_ns)
        except LeftOut:  # no index, or a book that was never two-sided
            continue
        series.append(found.series(name, look))
        drawn.append(drawn_as(found, name))
    if not series:
        raise LeftOut(f"{instrument.market} has no index to compare its prices with")
    told = f"{' and '.join(one.name for one in series)} over the index, less 1 ({drawn[0]})"
    return Panel("over index\n[bps]", series, reference=0.0), told


def _leverage(source: RunSource, instrument: Instrument) -> tuple[Panel, str]:
    """How far leverages are from their targets, as magnitudes: a +3 and a -3 fund that rise to 3.1 read the same."""
    columns = "t_ns", "token", "market", "leverage", "target_leverage"
    frame = source.scan("token_legs", *columns).filter(pl.col("market") == instrument.market)
    holders = set(collected(source.run, frame.select(pl.col("token").unique()))["token"])
    opening = source.scan("tokens", "t_ns", "token", "equity_atoms").filter(pl.col("t_ns") == pl.col("t_ns").min())
    order = collected(source.run, opening).sort(pl.col("equity_atoms").abs(), "token", descending=[True, False])
    tokens = [token for token in order["token"] if token in holders]
    if not tokens:
        raise LeftOut(f"no token holds {instrument.market}")
    series, drawn = [], ""
    distance = pl.col("leverage").abs() - pl.col("target_leverage").abs()
    for place, token in enumerate(tokens[:MOST_TOKENS]):
        try:
            found = source.thinned(frame.filter(pl.col("token") == token), distance, source.begin_ns, source.end_ns)
        except LeftOut:  # without units there is no leverage
            continue
        series.append(found.series(token, place))
        drawn = drawn_as(found, "each")
    if not series:
        raise LeftOut("no token had units, so none had a leverage")
    told = f"magnitude of the leverage less that of its target ({drawn})"
    told += f", of the {len(series)} largest of {len(tokens)} tokens" if len(tokens) > len(series) else ""
    return Panel("leverage\nover target [x]", series, reference=0.0), told


def _flow(source: RunSource, instrument: Instrument) -> tuple[Panel, str]:
    """What orders of resets bought and sold, by the interval of their decision, so that opposite orders both show."""
    resets = source.resets(instrument.market)
    width = max(NS_PER_SECOND, -(-(source.end_ns - source.begin_ns) // _INTERVALS))
    sums: dict[int, Counter[int]] = {1: Counter(), -1: Counter()}
    for reset in resets:
        start = source.begin_ns + (reset.decide_ns - source.begin_ns) // width * width
        for order in reset.orders:
            sums[1 if order.filled_lots > 0 else -1][start] += order.filled_lots
    series = []
    for look, (name, sign) in enumerate((("bought", 1), ("sold", -1))):
        bars = sorted((start, lots) for start, lots in sums[sign].items() if lots)
        if bars:
            starts = [start for start, _ in bars]
            series.append(
                Series(name, "bars", [start + width // 2 for start in starts], [x * instrument.lot for _, x in bars],
                       x_lo=starts, x_hi=[start + width for start in starts], look=look)
            )  # fmt: skip
    if not series:
        raise LeftOut(f"no order of a reset was filled in {instrument.market}")
    count, funds = len(resets), len({order.token for reset in resets for order in reset.orders})
    told = f"fills of {count:,} reset{'s' * (count > 1)} of {funds} token{'s' * (funds > 1)}"
    told += f", by the {width / NS_PER_SECOND:.3g} s in which they were decided"
    return Panel(f"reset orders\n[{instrument.underlying}]", series, reference=0.0), told
