"""Who is exposed to the same markets: overlaps, concentrations and the graph between holders and markets.

A holder is whoever has positions (a token, an issuer, a cohort); its exposure to a market is a signed notional in one
currency. All functions take mappings and give numbers; what has no exposure at all has no overlap (None, or left out).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from math import sqrt

import networkx as nx

Exposure = Mapping[str, float]
"""Signed notional by market."""

Exposures = Mapping[str, Exposure]
"""Exposure by holder."""


def exposures(rows: Iterable[tuple[str, str, float]]) -> dict[str, dict[str, float]]:
    """Exposure by holder and market from rows (holder, market, signed notional); rows of one pair add up."""
    table: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for holder, market, notional in rows:
        table[holder][market] += notional
    return {holder: dict(held) for holder, held in table.items()}


def joined(table: Exposures, owner: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Exposures of owners, from those of what they own: tokens to issuers, for one."""
    return exposures((owner[name], market, x) for name, held in table.items() for market, x in held.items())


def gross(held: Exposure) -> float:
    """Sum of all exposures without their signs."""
    return sum(abs(x) for x in held.values())


def cosine(one: Exposure, other: Exposure) -> float | None:
    """How alike two portfolios are bent: +1 the same bets, -1 opposite ones, 0 nothing in common.

    x . y / (|x| |y|) over all markets. Girardi, Hanley, Nikolova, Pelizzon & Getmansky Sherman 2021, "Portfolio
    similarity and asset liquidation in the insurance industry", JFE 142.
    """
    lengths = sqrt(sum(x * x for x in one.values())) * sqrt(sum(y * y for y in other.values()))
    return sum(x * other.get(market, 0.0) for market, x in one.items()) / lengths if lengths else None


def overlap(one: Exposure, other: Exposure) -> float | None:
    """Share of two portfolios that is the same bet: 1 for equal ones, 0 for nothing in common or opposite bets.

    1 - half the sum of |w - v|, w and v signed shares of gross exposure: one minus the active share of Cremers &
    Petajisto 2009, RFS 22, equation 1, with signs.
    """
    mine, theirs = gross(one), gross(other)
    if not mine or not theirs:
        return None
    markets = {**one, **other}
    return 1 - sum(abs(one.get(m, 0.0) / mine - other.get(m, 0.0) / theirs) for m in markets) / 2


def liquidity_overlap(one: Exposure, other: Exposure, depth: Mapping[str, float]) -> float:
    """What `one` loses when `other` sells one part in all of its exposure [currency]: sum of x y / D over the markets.

    depth: D, the notional that moves a market's price by 100 % (inverse impact, same currency): the liquidity-weighted
    overlap of Cont & Schaanning 2017, "Fire sales, indirect contagion and systemic stress testing", Norges Bank
    working paper 2/2017. Raises KeyError for a common market without depth.
    """
    return sum(x * other[market] / depth[market] for market, x in one.items() if market in other)


def herfindahl(sizes: Iterable[float]) -> float | None:
    """Concentration of sizes, signs apart: sum of squared shares, 1 for one alone, 1/n for n alike.

    Hirschman 1964, "The paternity of an index", AER 54.
    """
    amounts = [abs(size) for size in sizes]
    total = sum(amounts)
    return sum((amount / total) ** 2 for amount in amounts) if total else None


def market_concentration(table: Exposures) -> dict[str, float]:
    """Herfindahl index of each market over its holders; markets without exposure are left out."""
    held: defaultdict[str, list[float]] = defaultdict(list)
    for exposure in table.values():
        for market, x in exposure.items():
            held[market].append(x)
    found = {market: herfindahl(sizes) for market, sizes in held.items()}
    return {market: value for market, value in found.items() if value is not None}


def cosines(table: Exposures) -> dict[tuple[str, str], float]:
    """Cosine of every pair of holders, in the order of the table."""
    pairs = {(a, b): cosine(table[a], table[b]) for a, b in combinations(table, 2)}
    return {pair: value for pair, value in pairs.items() if value is not None}


def overlaps(table: Exposures) -> dict[tuple[str, str], float]:
    """Overlap of every pair of holders, in the order of the table."""
    pairs = {(a, b): overlap(table[a], table[b]) for a, b in combinations(table, 2)}
    return {pair: value for pair, value in pairs.items() if value is not None}


def exposure_graph(table: Exposures) -> nx.Graph:
    """The bipartite graph: an edge with the signed `notional`, if not 0, from ("holder", id) to ("market", id)."""
    graph = nx.Graph()
    for holder, held in table.items():
        graph.add_node(("holder", holder), bipartite=0)
        for market, notional in held.items():
            graph.add_node(("market", market), bipartite=1)
            if notional:
                graph.add_edge(("holder", holder), ("market", market), notional=notional)
    return graph


def clusters(table: Exposures) -> list[list[str]]:
    """Holders that reach each other through common markets, largest cluster first, names sorted."""
    parts = nx.connected_components(exposure_graph(table))
    names = [sorted(name for side, name in part if side == "holder") for part in parts]
    return sorted((part for part in names if part), key=lambda part: (-len(part), part))
