"""A scenario in words: what it means, one paragraph a part."""

from __future__ import annotations

from marketsim.events.family import EventSpec
from marketsim.scenario.document import ScenarioSpec
from marketsim.units import (
    format_duration,
    format_instant,
    format_money,
    format_rate,
)
from marketsim.venues.contract import MarketSpec
from marketsim.venues.deleveraging.family import DELEVERAGING_RULES
from marketsim.venues.engines.family import LIQUIDATION_ENGINES
from marketsim.venues.marks.family import MARK_RULES
from marketsim.venues.underlying import UnderlyingSpec


def in_sentences(scenario: ScenarioSpec) -> str:
    """What a scenario means, in words: one paragraph a part."""
    clock = scenario.clock
    opening = f"{scenario.name}: {scenario.title}" if scenario.title else scenario.name
    warmup = f" The first {format_duration(clock.warmup)} is warm-up." if clock.warmup else ""
    when = f"The run covers {format_duration(clock.duration)} from {format_instant(clock.start)}, seed {scenario.seed}."
    paragraphs = [opening, when + warmup]
    paragraphs += [_index(underlying) for underlying in scenario.underlyings]
    paragraphs += [_market(market) for market in scenario.markets]
    paragraphs += [" ".join(token.sentences()) for token in scenario.tokens]
    coins = {market.id: market.underlying for market in scenario.markets if market.kind == "spot"}
    paragraphs += [f"{group.introduction(coins.get(group.market))} {group.sentence()}" for group in scenario.traders]
    paragraphs += [network.sentence() for network in scenario.networks]
    paragraphs += [_event(event) for event in scenario.events]
    if scenario.envelope is not None:
        paragraphs.append(scenario.envelope.sentence())
    if scenario.claim is not None:
        paragraphs.append(f"Its title is put to the test as the claim `{scenario.claim}` (`marketsim list claims`).")
    if scenario.study is not None:
        registered = scenario.study.registration
        how = "" if registered is None else f" What it expects is registered in {registered} before its first run."
        paragraphs.append(f"A study is declared; `sweep` reads it, `run` ignores it.{how}")
    if scenario.run is not None:
        paragraphs.append(f"`run` makes one run of this world: {scenario.run.sentence()}.")
    return "\n\n".join(paragraphs)


def _index(underlying: UnderlyingSpec) -> str:
    index = underlying.index
    learns = "It learns nothing from the markets here."
    if index.weights:
        learns = "How much of a push stays is an outcome."
    elif index.pass_through:
        halflife = format_duration(index.pass_through_halflife)
        learns = f"It learns {format_rate(index.pass_through)} of the perp's deviation, half of that in {halflife}."
    moves = f"{index.sentence()}{index.season_words()}, in steps of {format_duration(index.every)}"
    return f"The index of {underlying.id} {moves}. {learns}{underlying.latent_sentence()}"


def _market(market: MarketSpec) -> str:
    fees, is_spot = market.fees, market.kind == "spot"
    what = (
        f"the spot market of {market.underlying}"
        if is_spot
        else f"a {market.contract} perpetual on {market.underlying}"
    )
    text = (
        f"{market.id} is {what} at venue {market.venue}, priced in "
        f"steps of {format_money(market.tick)} and traded in lots of {market.lot}. Makers pay "
        f"{format_rate(fees.maker)}, takers {format_rate(fees.taker)}. The mark price is "
        f"{MARK_RULES.kinds[market.mark.rule].sentence()}, every {format_duration(market.mark.every)}. "
    )
    if not market.matching.has_book:
        text += f"{market.matching.sentence()} "
    if is_spot:
        return text + "Sellers cannot go short and buyers cannot spend cash they do not hold."
    funding = market.funding
    margin = f"{len(market.margin.tiers)} margin tiers" if market.margin.tiers else "no margin limits"
    return text + (
        f"Funding is paid every {format_duration(funding.every)}, at most {format_rate(funding.cap)}. There are "
        f"{margin}; the insurance fund starts with {format_money(market.insurance_fund)}. An account below maintenance "
        f"{LIQUIDATION_ENGINES.kinds[market.liquidation.engine].sentence()}{market.liquidation.sentence()}; "
        f"deleveraging closes {DELEVERAGING_RULES.kinds[market.deleveraging.rule].sentence()}."
    )


def _event(event: EventSpec) -> str:
    return f"{format_duration(event.at)} into the run {event.sentence()}."
