"""Defaults that depend on another part: currencies, fees of a group, tiers of a market, the start of a token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from marketsim.issuers.token_spec import TokenSpec, market_of
from marketsim.spec import QUOTE, Distribution, Spec
from marketsim.traders.group import TraderGroupSpec
from marketsim.units import Money, Size, nearest_ticks
from marketsim.venues.contract import MarketSpec
from marketsim.venues.margin import TIER_TABLES
from marketsim.venues.underlying import UnderlyingSpec

AnySpec = TypeVar("AnySpec", bound=Spec)

DEFAULT_TIERS = "binance_btcusdt_2024"
"""Margin tiers of a market that says nothing about them (the contract's example)."""

VOLATILITY_WITHOUT_INDEX = Decimal("0.7")
"""The yearly volatility that a rule goes by where the index states none (the contract's example)."""


def fill(parts: dict[str, Any], openings: Mapping[str, Decimal]) -> None:
    """Write in what is absent; `openings`: index prices at the start, by underlying. Parts that are None stay."""
    underlyings = {spec.id: spec for spec in parts.get("underlyings", ()) if spec is not None}
    parts["markets"] = [spec and _market(spec, underlyings) for spec in parts.get("markets", ())]
    markets = {spec.id: spec for spec in parts["markets"] if spec is not None}
    parts["tokens"] = [spec and _token(spec, markets, openings) for spec in parts.get("tokens", ())]
    parts["tokens"] = [spec and _own_market(spec, markets) for spec in parts["tokens"]]
    coins = {spec.id for spec in markets.values() if spec.kind == "spot"}
    markets |= books(parts["tokens"], markets)
    groups = [spec and (_on_spot(spec) if spec.market in coins else spec) for spec in parts.get("traders", ())]
    parts["traders"] = [spec and _group(spec, markets, underlyings) for spec in groups]


def _own_market(spec: TokenSpec, markets: Mapping[str, MarketSpec]) -> TokenSpec:
    """The token with its own market's amounts in the currency of its first leg."""
    leg = markets.get(next(iter(spec.basket), ""))
    if spec.market is None or leg is None:
        return spec
    return spec.model_copy(update={"market": with_currency(spec.market, leg.currency, spec.id)})


def books(tokens: Iterable[TokenSpec | None], markets: Mapping[str, MarketSpec]) -> dict[str, MarketSpec]:
    """The tokens' own books by id, of those tokens whose first leg is right."""
    found = {}
    for token in tokens:
        leg = markets.get(next(iter(token.basket), "")) if token is not None else None
        book = market_of(token, leg) if token is not None and leg is not None else None
        if book is not None:
            found[book.id] = book
    return found


def with_currency(spec: AnySpec, currency: str, underlying: str) -> AnySpec:
    """The same Spec with every amount that names no currency counted in this one."""
    changed = {}
    for name in type(spec).model_fields:
        value = getattr(spec, name)
        filled = _filled(value, currency, underlying)
        if filled is not value:
            changed[name] = filled
    return spec.model_copy(update=changed) if changed else spec


def _filled(value: Any, currency: str, underlying: str) -> Any:
    if isinstance(value, Money) and value.currency == QUOTE:
        return replace(value, currency=currency)
    if isinstance(value, Size) and value.underlying == QUOTE:
        return replace(value, underlying=underlying)
    if isinstance(value, Distribution) and value.unit == QUOTE and value.quantity in ("money", "price"):
        return replace(value, unit=currency)
    return with_currency(value, currency, underlying) if isinstance(value, Spec) else value


def _market(spec: MarketSpec, underlyings: Mapping[str, UnderlyingSpec]) -> MarketSpec:
    underlying = underlyings.get(spec.underlying)
    currency = spec.currency or (underlying.price_currency if underlying else QUOTE)
    spec = with_currency(spec, currency, spec.underlying)
    if (spec.kind == "spot" or not spec.matching.has_book) and "rule" not in spec.mark.model_fields_set:
        spec = spec.model_copy(update={"mark": spec.mark.model_copy(update={"rule": "mid"})})
    if spec.kind == "spot":
        return spec.model_copy(update={"contract": None})
    if "tiers" in spec.margin.model_fields_set:
        return spec
    rows = tuple(
        row.model_copy(update={"up_to": Money(row.up_to.amount, currency)}) for row in TIER_TABLES[DEFAULT_TIERS]
    )
    return spec.model_copy(update={"margin": spec.margin.model_copy(update={"tiers": rows})})


def _token(spec: TokenSpec, markets: Mapping[str, MarketSpec], openings: Mapping[str, Decimal]) -> TokenSpec:
    legs = {name: spec.basket[name] for name in sorted(spec.basket)}
    changed: dict[str, Any] = {"basket": legs}
    first = markets.get(next(iter(legs), ""))
    if len(legs) == 1 and first is not None:
        start: dict[str, Any] = {}
        if spec.start.leverage is None:
            start["leverage"] = next(iter(legs.values()))
        if spec.start.last_reset is None and first.underlying in openings and first.tick.amount > 0:
            tick = first.tick.amount
            start["last_reset"] = Money(nearest_ticks(openings[first.underlying], tick) * tick, first.currency)
        changed["start"] = spec.start.model_copy(update=start)
    return spec.model_copy(update=changed)


def _on_spot(spec: TraderGroupSpec) -> TraderGroupSpec:
    """A group on a coin's spot market: what its kind has otherwise there, and all who open with coin are long."""
    changed = {key: value for key, value in spec.on_spot.items() if key not in spec.model_fields_set}
    if spec.start is not None and "long_share" not in spec.start.model_fields_set:
        changed["start"] = spec.start.model_copy(update={"long_share": Decimal(1)})
    return spec.model_copy(update=changed)


def _group(
    spec: TraderGroupSpec, markets: Mapping[str, MarketSpec], underlyings: Mapping[str, UnderlyingSpec]
) -> TraderGroupSpec:
    market = markets.get(spec.market)
    if market is None:
        return spec
    spec = with_currency(spec, market.currency, market.underlying)
    changed: dict[str, Any] = {}
    if spec.fees is None:
        changed["fees"] = market.fees
    underlying = underlyings.get(market.underlying)
    volatility = (underlying.stated_volatility if underlying is not None else None) or VOLATILITY_WITHOUT_INDEX
    return spec.model_copy(update=changed).completed(volatility)
