"""A scenario in words: what it means, one paragraph a part."""

from __future__ import annotations

from decimal import Decimal

from marketsim.issuers.execution import (
    CappedSpec,
    ExecutionSpec,
    HiddenSpec,
    IocLadderSpec,
    OffBookSpec,
    PassiveSpec,
    PovSpec,
    TwapSpec,
)
from marketsim.issuers.rebalancing import BandSpec, DailySpec, EmergencySpec, FliSpec, TlxSpec, VariableSpec
from marketsim.issuers.token import TokenSpec
from marketsim.networks.influence import BlocksSpec, NetworkSpec, SmallWorldSpec
from marketsim.scenario.crowd_sentences import crowd_sentence
from marketsim.scenario.fund_sentences import fee_words, fund_sentences, notice_sentence
from marketsim.scenario.schema import EventSpec, JumpEventSpec, OrderEventSpec, Scenario
from marketsim.spec import distribution_words
from marketsim.traders.group import TraderGroupSpec
from marketsim.traders.holder import HolderSpec
from marketsim.units import (
    format_annual_rate,
    format_duration,
    format_event_rate,
    format_instant,
    format_money,
    format_number,
    format_rate,
    format_time_of_day,
)
from marketsim.venues.contract import MarketSpec, UnderlyingSpec
from marketsim.venues.index import ConstantIndexSpec, FileIndexSpec, LogOuVolIndexSpec, PathIndexSpec


def in_sentences(scenario: Scenario) -> str:
    """What a scenario means, in words: one paragraph a part."""
    clock = scenario.clock
    opening = f"{scenario.name}: {scenario.title}" if scenario.title else scenario.name
    warmup = f" The first {format_duration(clock.warmup)} are warm-up." if clock.warmup else ""
    when = f"The run covers {format_duration(clock.duration)} from {format_instant(clock.start)}, seed {scenario.seed}."
    paragraphs = [opening, when + warmup]
    paragraphs += [_index(underlying) for underlying in scenario.underlyings]
    paragraphs += [_market(market) for market in scenario.markets]
    paragraphs += [_token(token) for token in scenario.tokens]
    coins = {market.id: market.underlying for market in scenario.markets if market.kind == "spot"}
    paragraphs += [_group(group, coins.get(group.market)) for group in scenario.traders]
    paragraphs += [_network(network) for network in scenario.networks]
    paragraphs += [_event(event) for event in scenario.events]
    if scenario.study is not None:
        paragraphs.append("A study is declared; `sweep` reads it, `run` ignores it.")
    return "\n\n".join(paragraphs)


def _index(underlying: UnderlyingSpec) -> str:
    index = underlying.index
    every = format_duration(index.every)
    if isinstance(index, PathIndexSpec):
        text = f"follows a path of {len(index.points)} points ({index.interpolate})"
    elif isinstance(index, FileIndexSpec):
        text = f"follows the column {index.price} of {index.path}"
    elif isinstance(index, ConstantIndexSpec):
        text = f"stays at {format_money(index.price)}"
    else:
        volatility = format_annual_rate(index.volatility)
        text = f"starts at {format_money(index.price)} and wanders with a volatility of {volatility}"
        if isinstance(index, LogOuVolIndexSpec):
            text += f", which itself wanders (sd {format_number(index.log_sd)}, memory {format_duration(index.memory)})"
    learns = "It learns nothing from the markets here."
    if index.pass_through:
        halflife = format_duration(index.pass_through_halflife)
        learns = f"It learns {format_rate(index.pass_through)} of the perp's deviation, half of that in {halflife}."
    return f"The index of {underlying.id} {text}, in steps of {every}. {learns}"


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
        f"{format_rate(fees.maker)}, takers {format_rate(fees.taker)}. The mark price is by the rule "
        f"{market.mark.rule}, every {format_duration(market.mark.every)}. "
    )
    if is_spot:
        return text + "Nobody sells coin he has not or spends cash he has not."
    funding = market.funding
    margin = f"{len(market.margin.tiers)} margin tiers" if market.margin.tiers else "no margin limits"
    return text + (
        f"Funding is paid every {format_duration(funding.every)}, at most {format_rate(funding.cap)}. There are "
        f"{margin}; the insurance fund starts with {format_money(market.insurance_fund)}."
    )


def _token(token: TokenSpec) -> str:
    legs = " and ".join(f"{format_number(target)} times {market}" for market, target in token.basket.items())
    text = (
        f"{token.id} of issuer {token.issuer} holds {legs}, with {format_money(token.aum)} under management at "
        f"{format_money(token.nav)} a unit and {fee_words(token.management_fee)}. "
        f"{_rebalance(token)} {_execution(token)}"
    )
    return " ".join([text, *fund_sentences(token)])


def _rebalance(token: TokenSpec) -> str:
    rule = token.rebalance
    if isinstance(rule, DailySpec):
        return _daily(rule, token)
    if isinstance(rule, BandSpec):
        goal = f"to the {rule.to}" if isinstance(rule.to, str) else f"{format_rate(rule.to)} of the way to the target"
        return f"It rebalances when {_borders(rule, token)}, {goal}."
    if isinstance(rule, VariableSpec):
        band = f"{format_number(rule.lower)} to {format_number(rule.upper)}"
        return (
            f"It goes to a hidden target ({distribution_words(rule.hidden)}) when, at a look, leverage is outside "
            f"{band}; the time between two looks is {distribution_words(rule.poll)}."
        )
    if isinstance(rule, FliSpec):
        return _fli(rule, token)
    if isinstance(rule, TlxSpec):
        threshold = format_number(rule.threshold)
        return f"It returns to its target when notional is {threshold} times the last margin or more away from it."
    return "It never rebalances."


def _daily(rule: DailySpec, token: TokenSpec) -> str:
    jitter = f" plus up to {format_duration(rule.jitter)}" if rule.jitter else ""
    text = f"It returns to its target every day at {format_time_of_day(rule.at)} UTC{jitter}"
    quiet = []
    if rule.skip_if is not None:
        quiet.append(f"leverage is within {format_number(rule.skip_if[0])} to {format_number(rule.skip_if[1])}")
    if rule.skip_move is not None:
        quiet.append(f"the price has moved by less than {format_rate(rule.skip_move)}")
    text += f" unless {' and '.join(quiet)}" if quiet else ""
    if rule.emergency is not None:
        sides = {"delever": "only to lower leverage", "both": "in both directions", "losing": "only after a loss"}
        text += f", and at once when {_borders(rule.emergency, token)} ({sides[rule.emergency.side]})"
    return text + "."


def _fli(rule: FliSpec, token: TokenSpec) -> str:
    target = abs(_target(token)) if rule.target is None else rule.target
    low, high, ripcord = (format_number(value) for value in (rule.min, rule.max, rule.ripcord))
    reward = ""
    if rule.ripcord_reward is not None:
        lasts = "" if rule.reward_balance is None else f", {format_money(rule.reward_balance)} in all"
        reward = f" Who pulls that ripcord gets {format_money(rule.ripcord_reward)} of the issuer{lasts}."
    return (
        f"Every {format_duration(rule.every)} it goes {format_rate(rule.speed)} of the way to {format_number(target)}, "
        f"and at once back into {low} to {high}, in chunks of {rule.max_trade} {format_duration(rule.cooldown)} apart; "
        f"from {ripcord} on it falls back to {high} in chunks of {rule.ripcord_max_trade} "
        f"{format_duration(rule.ripcord_cooldown)} apart.{reward}"
    )


def _target(token: TokenSpec) -> Decimal:
    return sum(token.basket.values(), Decimal(0))


def _borders(rule: BandSpec | EmergencySpec, token: TokenSpec) -> str:
    """What a band or an emergency waits for: `leverage is below 2 or above 4 or the price has moved by 15%`."""
    lower, upper = rule.lower, rule.upper if isinstance(rule, BandSpec) else rule.leverage
    row = (rule.by_target or {}).get(_target(token))
    if row is not None:
        lower, upper = row[0] if lower is None else lower, row[1] if upper is None else upper
    sides = [f"below {format_number(lower)}"] if lower is not None else []
    sides += [f"above {format_number(upper)}"] if upper is not None else []
    causes = [f"leverage is {' or '.join(sides)}"] if sides else []
    causes += [f"the price has moved by {format_rate(rule.move)}"] if rule.move is not None else []
    return " or ".join(causes)


def _execution(token: TokenSpec) -> str:
    how = token.execution
    text = _algorithm(how)
    if isinstance(how, CappedSpec) and how.max_participation is not None:
        text += f", and never more than {format_rate(how.max_participation)} of the market's volume"
    if how.cost_allowance:
        text += f"; its sizes allow for costs of {format_rate(how.cost_allowance)}"
    return text + "."


def _algorithm(how: ExecutionSpec) -> str:
    if isinstance(how, IocLadderSpec):
        every = format_duration(how.every)
        return f"It sends immediate-or-cancel orders of at most {format_money(how.slice)}, one every {every}"
    if isinstance(how, TwapSpec):
        return f"It sends {how.slices} market orders over {format_duration(how.over)}"
    if isinstance(how, HiddenSpec):
        return f"It sends {how.slices} market orders at random times of a window of {format_duration(how.window)}"
    if isinstance(how, PovSpec):
        share, over = format_rate(how.share), format_duration(how.over)
        return f"It sends immediate-or-cancel orders that keep it at {share} of the volume, for at most {over}"
    if isinstance(how, PassiveSpec):
        away, timeout = format_rate(how.offset), format_duration(how.timeout)
        return f"It waits in the book {away} behind the other side, and takes what is left after {timeout}"
    if isinstance(how, OffBookSpec):
        return "It trades at the mark price outside the book" + (", paying the taker fee" if how.off_book_fees else "")
    return "It sends one market order"


def _group(group: TraderGroupSpec, coin: str | None) -> str:
    """A group in words; `coin`: the underlying of its market, if that is a spot market."""
    kind = str(getattr(group, "kind", "")).replace("_", " ")
    where = " and ".join(getattr(group, "markets", ()) or (group.market,))
    capital = distribution_words(group.capital)
    text = f"{group.id}: {group.count:,} {kind} traders on {where}, each with a capital of {capital}"
    text += f", waking {format_event_rate(group.rate)} on average" if group.rate else ""
    latency = distribution_words(group.latency)
    text += "" if latency == "0s" else f", {latency} away from the venue"
    if group.start is not None and coin is not None:
        text += f". They start with a share of their capital in {coin}: {distribution_words(group.start.leverage)}"
    elif group.start is not None:
        share = format_rate(group.start.long_share)
        text += (
            f". They start with positions at leverage {distribution_words(group.start.leverage)}, {share} of them long"
        )
    if isinstance(group, HolderSpec) and group.imitates is not None:
        way = (
            f"{format_rate(group.imitates.weight)} of the way to what their neighbours in {group.imitates.network} hold"
        )
        text += f". The share of wealth they want goes {way}"
    return text + "." + crowd_sentence(group)


_LINKS = {
    "ring": "on a ring",
    "small_world": "on a ring",
    "scale_free": "where newcomers prefer who is known already",
    "random": "at random",
    "blocks": "mostly within their own group",
}


def _network(network: NetworkSpec) -> str:
    text = (
        f"{network.id} links the traders of {' and '.join(network.groups)}: {network.neighbours} neighbours each on "
        f"average, {_LINKS[network.kind]}"
    )
    if isinstance(network, SmallWorldSpec):
        text += f", {format_rate(network.rewire)} of the links leading anywhere instead"
    if isinstance(network, BlocksSpec):
        text += f", {format_rate(network.outside)} of the links leading outside"
    return f"{text}. Nobody looks at more than {network.attention}."


def _event(event: EventSpec) -> str:
    when = f"{format_duration(event.at)} into the run"
    if not isinstance(event, (JumpEventSpec, OrderEventSpec)):
        return f"{when} {notice_sentence(event)}."
    if isinstance(event, JumpEventSpec):
        return f"{when} the index of {event.underlying} jumps by {format_rate(event.size)}."
    price = f" at {format_money(event.price)}" if event.price is not None else ""
    return f"{when} somebody sends a {event.type} order of {event.size} to {event.market}{price}."
