"""Snapshots of markets and tokens: rows of one instant, after everything that happens at it."""

from __future__ import annotations

from typing import Any

from marketsim.simulation.model import MarketModel

Row = dict[str, Any]


def quotes(model: MarketModel, t_ns: int) -> list[Row]:
    """The best bid and ask of every market; without a book the mid alone, which is its price."""
    view, rows = model.view, []
    for i, market in enumerate(model.wired.market_specs):
        bid, ask, mid = view.bid_ticks(market.id), view.ask_ticks(market.id), view.mid(market.id)
        rows.append(
            {
                "t_ns": t_ns,
                "market": market.id,
                "bid_ticks": bid or 0,
                "bid_lots": model.world.best_lots(i, is_bid=True),
                "ask_ticks": ask or 0,
                "ask_lots": model.world.best_lots(i, is_bid=False),
                "mid": None if mid is None else mid * float(model.wired.tick_sizes[i]),
            }
        )
    return rows


def depth(model: MarketModel, t_ns: int) -> list[Row]:
    """Lots within each declared distance of the mid, by side."""
    wanted = model.scenario.record.depth
    if wanted is None:
        return []
    distances = [float(bps) for bps in wanted.bps]
    return [
        {"t_ns": t_ns, "market": market.id, "side": side, "bps": bps, "size_lots": lots}
        for i, market in enumerate(model.wired.market_specs)
        if market.matching.has_book
        for side in ("bid", "ask")
        for bps, lots in zip(distances, model.world.depths_lots(i, side == "bid", distances), strict=True)
    ]


def book(model: MarketModel, t_ns: int) -> list[Row]:
    """The best levels of every book."""
    wanted = model.scenario.record.book
    rows: list[Row] = []
    for i, market in enumerate(model.wired.market_specs if wanted is not None else ()):
        for side in ("bid", "ask"):
            prices, lots = model.world.book_levels(i, side == "bid")
            for level in range(min(wanted.levels if wanted else 0, len(prices))):
                row = {"t_ns": t_ns, "market": market.id, "side": side, "level": level + 1}
                rows.append({**row, "price_ticks": int(prices[level]), "size_lots": int(lots[level])})
    return rows


def marks(model: MarketModel, t_ns: int) -> list[Row]:
    """Index, mark, mid and last price, premium, predicted funding and open interest of every market."""
    view, rows = model.view, []
    predicted = {desk.spec.id: float(desk.predicted_rate()) for desk in model.funding}
    for i, market in enumerate(model.wired.market_specs):
        tick, mid, last = float(model.wired.tick_sizes[i]), view.mid(market.id), view.last_ticks(market.id)
        rows.append(
            {
                "t_ns": t_ns,
                "market": market.id,
                "index_price": view.index_ticks(market.id) * tick,
                "mark_price": view.mark_ticks(market.id) * tick,
                "mid_price": None if mid is None else mid * tick,
                "last_price": last * tick if last else None,
                "premium": model.world.market_float(i, "premium") if market.kind == "perpetual" else None,
                "predicted_funding": predicted.get(market.id),
                "open_interest_lots": view.open_interest_lots(market.id),
                "latent_price": model.world.market_float(i, "latent_ticks") * tick or None,
            }
        )
    return rows


def tokens(model: MarketModel, t_ns: int) -> tuple[list[Row], list[Row]]:
    """Every token, and the legs of every token."""
    rows, legs = [], []
    for desk in model.desks:
        row, its_legs = desk.snapshot(t_ns)
        rows.append({**row, **_premium(model, desk.token.id, row["nav"])})
        legs += its_legs
    return rows, legs


def _premium(model: MarketModel, token: str, nav: float) -> Row:
    """Mid of a token's own market, and its premium over NAV; None without a market or with an empty side."""
    number = model.wired.markets.get(token)
    mid = None if number is None else model.view.mid(token)
    price = None if mid is None or number is None else mid * float(model.wired.tick_sizes[number])
    return {"mid_price": price, "premium_to_nav": price / nav - 1.0 if price is not None and nav > 0 else None}
