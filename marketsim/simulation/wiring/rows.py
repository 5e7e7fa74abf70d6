"""Indices and markets as the kernel's rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.issuers.token_spec import lots_per_token, opening_supply_lots
from marketsim.kernel import codes, layout
from marketsim.scenario.schema import Scenario
from marketsim.simulation.wiring.accounts import Accounts
from marketsim.simulation.wiring.markets import Markets
from marketsim.streams.elementary import left_after
from marketsim.units import NS_PER_DAY, NS_PER_SECOND, Money, atoms_per_tick_lot, rate_parts, to_atoms
from marketsim.venues.contract import MarketSpec
from marketsim.venues.deleveraging.family import DELEVERAGING_RULES
from marketsim.venues.engines.family import LIQUIDATION_ENGINES
from marketsim.venues.index.index_path import IndexPath
from marketsim.venues.liquidation import LiquidationSpec
from marketsim.venues.margin import TierTable, tier_table
from marketsim.venues.marks.family import MARK_RULES
from marketsim.venues.matching.family import FormulaSpec
from marketsim.venues.perp import first_settlement_ns

MEMORY_HALFLIFE_NS = 30 * NS_PER_SECOND  # of the public average of the deviation (docs/calibration.md#market-makers)
UNLIMITED_LEVERAGE = 1e18


def underlying_rows(scenario: Scenario, markets: Markets, paths: list[IndexPath]) -> list[dict[str, Any]]:
    """Every index: where it opens, when it steps, and what it learns from the market that follows it; then the latents.

    paths: of the indices, then of the latent fundamentals there are, both in file order.
    """
    rows = []
    for spec, path in zip(scenario.underlyings, paths, strict=False):
        own = [market for market in scenario.markets if market.underlying == spec.id]
        perpetuals = [market for market in own if market.kind == "perpetual"]
        follower = next(iter([*perpetuals, *own]), None)  # it learns from its first perpetual, else its spot market
        halves = path.every_ns / spec.index.pass_through_halflife
        learned = float(spec.index.pass_through) * (1.0 - left_after(halves))
        row = _index_row(path, is_absolute=path.is_absolute and learned == 0.0)
        number = 0 if follower is None else markets.numbers[follower.id]
        of_markets = {
            "sources": [(markets.numbers[name], float(weight)) for name, weight in spec.index.weights.items()],
            "outlier": spec.index.outlier_border,
            "clamps": int(spec.index.clamps),
        }
        rows.append({**row, "learning": learned, "learning_market": number, **of_markets})
    latents = (_index_row(path, is_absolute=path.is_absolute) for path in paths[len(rows) :])
    return [*rows, *latents]


def _index_row(path: IndexPath, *, is_absolute: bool) -> dict[str, Any]:
    opening = float(path.levels(0, 1)[0])
    return {"level": opening, "every_ns": path.every_ns, "next_ns": path.every_ns, "absolute": int(is_absolute)}


def market_rows(
    scenario: Scenario,
    markets: Markets,
    accounts: Accounts,
    interest: list[int],
    views: Mapping[int, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Every market, with the accounts it names; interest: its open interest [lots]; views: by market number."""
    underlyings = [underlying.id for underlying in scenario.underlyings]
    with_latent = [underlying.id for underlying in scenario.underlyings if underlying.latent is not None]
    latents = {name: len(underlyings) + number for number, name in enumerate(with_latent)}
    rows = []
    for i, market in enumerate(markets.specs):
        leg = markets.spec(markets.legs(market)[0]) if markets.is_of_token(market) else market
        steps = [
            group.longest_lookback_ns() // market.mark.every for group in scenario.traders if group.market == market.id
        ]
        opening = float(markets.opening_ticks[i] * market.tick.amount)
        underlying = underlyings.index(leg.underlying)
        row = market_row(market, underlying, opening, scenario.clock.start, max(steps, default=0))
        row["latent"] = -1 if markets.is_of_token(market) else latents.get(market.underlying, -1)
        rows.append({**row, **accounts.roles[i], **_book_of(market, markets, accounts), "open_interest": interest[i]})
        if i in views:
            rows[-1]["view"] = {**views[i], "day_ends_ns": NS_PER_DAY - scenario.clock.start % NS_PER_DAY}
    return rows


def _book_of(market: MarketSpec, markets: Markets, accounts: Accounts) -> dict[str, Any]:
    """The kind of a market's book; of a token's own also its fund, its supply, its limits."""
    if not markets.is_of_token(market):
        return {"kind": codes.SPOT if market.kind == "spot" else codes.PERPETUAL}
    spec = markets.tokens[market.id]
    own = spec.market
    assert own is not None
    return {
        "kind": codes.SPOT,
        "nav_account": accounts.of_tokens[spec.id],
        "supply_lots": opening_supply_lots(spec),
        "index_ticks": markets.opening_ticks[markets.numbers[spec.id]],  # until there are units and so a NAV
        "price_band": float(own.price_band or 0),
        "holding_cap": 0 if own.holding_cap is None else int(own.holding_cap * lots_per_token(spec)),
    }


def kernel_tiers(table: TierTable) -> NDArray[Any]:
    """A margin table as the kernel's records."""
    rows = np.zeros(len(table), layout.TIER)
    floor = 0
    for i, tier in enumerate(table):
        leverage = UNLIMITED_LEVERAGE if tier.max_leverage is None else float(tier.max_leverage)
        rows[i] = (floor, tier.maintenance_parts, tier.deduction_atoms, leverage)
        floor = tier.cap_atoms or 0
    return rows


def market_row(
    spec: MarketSpec, underlying: int, opening: float, start_ns: int, longest_lookback: int
) -> dict[str, Any]:
    """A market's record, its accounts left out."""
    atoms = atoms_per_tick_lot(spec.tick.amount, spec.lot.amount)
    inverse = float(1 / spec.tick.amount)
    price_ticks = max(1, int(opening * inverse))
    every = spec.mark.every
    return {
        "underlying": underlying,
        "atoms": atoms,
        "inverse_tick": inverse,
        "maker_fee": rate_parts(spec.fees.maker),
        "taker_fee": rate_parts(spec.fees.taker),
        "window": _power_of_two(price_ticks // 4, 1 << 12, 1 << 18),
        "buckets": 1 << 14,
        "basis_length": max(1, spec.mark.window // every),
        "history_length": _power_of_two(longest_lookback + 1, 1 << 11, 1 << 22),
        "mark_rule": MARK_RULES.kinds[spec.mark.rule].kernel_code(),
        "liquidation_engine": LIQUIDATION_ENGINES.kinds[spec.liquidation.engine].kernel_code(),
        "deleveraging_rule": DELEVERAGING_RULES.kinds[spec.deleveraging.rule].kernel_code(),
        "mark_every_ns": every,
        "memory_weight": 1.0 - left_after(every / MEMORY_HALFLIFE_NS),
        "funding_every_ns": spec.funding.every,
        "funding_next_ns": first_settlement_ns(start_ns, spec.funding.every, spec.funding.offset),
        "sample_every_ns": spec.funding.sample,
        "next_sample_ns": spec.funding.sample,
        "impact_ticklots": float(to_atoms(spec.funding.impact_notional.amount)) / atoms,
        "tiers": kernel_tiers(tier_table(spec.margin.tiers)),
        "liquidation_fee": rate_parts(spec.liquidation.fee),
        "liquidation_delay_ns": spec.liquidation.delay,
        "liquidations_per_step": _per_step(spec.liquidation),
        "liquidation_slice_atoms": _atoms_or_zero(spec.liquidation.slice),
        "liquidation_cap_atoms": _atoms_or_zero(spec.liquidation.max_per_step),
        "kept": 1.0,
        **(spec.matching.kernel_fields(spec.lot.amount) if isinstance(spec.matching, FormulaSpec) else {}),
    }


def _per_step(spec: LiquidationSpec) -> int:
    """How many accounts the kernel works on at one mark step, 0 for all; no more can wait than 32-bit records count."""
    return 0 if spec.per_step == "all" else min(spec.per_step, 1 << 32)


def _atoms_or_zero(limit: Money | None) -> int:
    """A limit as the kernel has it: 0 for none."""
    return 0 if limit is None else max(1, to_atoms(limit.amount))


def _power_of_two(least: int, low: int, high: int) -> int:
    size = low
    while size < least and size < high:
        size *= 2
    return size
