"""What of a scenario goes beyond what its world was tested with, in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from marketsim.scenario.document import ScenarioSpec
from marketsim.scenario.envelope import EnvelopeSpec, TestedMarketSpec
from marketsim.units import format_duration, format_number, format_rate

ONE_PERCENT = Decimal("0.01")


@dataclass(frozen=True)
class ResetDemand:
    """What the resets of all tokens together trade in a market where every index moves by 1 % [quote]."""

    market: str
    amount: Decimal
    tested: TestedMarketSpec
    currency: str

    @property
    def of_a_minute(self) -> Decimal:
        """As a share of the volume of an average minute."""
        return self.amount / self.tested.minute_volume

    @property
    def is_outside(self) -> bool:
        """Whether it is larger than any order whose impact was measured."""
        return self.of_a_minute > self.tested.largest_order

    def sentence(self) -> str:
        """How large it is, in words."""
        shares = (
            f"{_percent(self.of_a_minute)} of an average minute's volume, "
            f"{_percent(self.amount / self.tested.depth.amount)} of the depth within 10 bps and "
            f"{_percent(self.amount / self.tested.daily_volume.amount)} of the daily volume"
        )
        tested = f"{format_rate(self.tested.largest_order)} of a minute's volume"
        verdict = f"more than the {tested} that the world was tested with" if self.is_outside else f"tested is {tested}"
        return (
            f"a move of 1% makes the tokens' resets trade {self.amount:,.0f} {self.currency} in {self.market}: "
            f"{shares}; {verdict}"
        )


def reset_demands(scenario: ScenarioSpec) -> Iterator[ResetDemand]:
    """What resets trade in each market of the envelope per 1 % of every index, in one direction.

    Sum over tokens and legs j of (target_im target_ij - delta_mj target_im) A_i x 1 % (docs/contract.md#measures, K).
    """
    envelope = scenario.envelope
    if envelope is None:
        return
    for tested in envelope.markets:
        name = tested.id
        if not any(name in token.basket for token in scenario.tokens):
            continue
        amount = Decimal(0)
        for token in scenario.tokens:
            target = token.basket.get(name, Decimal(0))
            amount += target * (sum(token.basket.values(), Decimal(0)) - 1) * token.aum.amount * ONE_PERCENT
        yield ResetDemand(name, abs(amount), tested, tested.daily_volume.currency)


def beside_envelope(scenario: ScenarioSpec) -> dict[str, tuple[str, ...]]:
    """What a run says of its envelope: `resets` within it, and what goes `beyond` it; nothing where there is none."""
    if scenario.envelope is None:
        return {}
    within = tuple(demand.sentence() for demand in reset_demands(scenario) if not demand.is_outside)
    return {"resets": within, "beyond": scenario.beyond_envelope}


def beyond_envelope(scenario: ScenarioSpec, openings: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Every way in which a scenario leaves what its world was tested with, a sentence each.

    openings: index price at the start, by underlying.
    """
    envelope = scenario.envelope
    if envelope is None:
        return ()
    told = [demand.sentence() for demand in reset_demands(scenario) if demand.is_outside]
    told += _large_moves(scenario, envelope.largest_move)
    told += _large_orders(scenario, envelope, openings)
    told += _short_horizons(scenario, envelope.shortest_horizon)
    return tuple(told)


def _large_moves(scenario: ScenarioSpec, largest: Decimal) -> Iterator[str]:
    sizes: list[tuple[str, Decimal]] = []
    for event in scenario.events:
        jump = event.index_jump()
        if jump is not None:
            sizes.append((f"the index of {jump[0]} jumps by", jump[1]))
    for size in getattr(scenario.study, "jumps", None) or ():
        sizes.append(("a fork's index jumps by", size))
    for what, size in sizes:
        if abs(size) > largest:
            yield f"{what} {format_rate(size)}, further than the {format_rate(largest)} that the world was tested with"


def _large_orders(scenario: ScenarioSpec, envelope: EnvelopeSpec, openings: Mapping[str, Decimal]) -> Iterator[str]:
    underlyings = {market.id: market.underlying for market in scenario.markets}
    tested = {each.id: each for each in envelope.markets}
    for event in scenario.events:
        order = event.listed_order()
        if order is None or order[0] not in tested or underlyings[order[0]] not in openings:
            continue
        name, coins = order
        share = abs(coins) * openings[underlyings[name]] / tested[name].minute_volume
        if share > tested[name].largest_order:
            yield (
                f"an order of {format_number(coins)} {underlyings[name]} in {name} is {_percent(share)} of an average "
                f"minute's volume, more than the {format_rate(tested[name].largest_order)} that the world was tested "
                "with"
            )


def _short_horizons(scenario: ScenarioSpec, shortest: int) -> Iterator[str]:
    study = scenario.study
    if study is None:
        return
    horizons = [("forks run for", study.fork.horizon)] if study.fork is not None else []
    if study.probe is not None:
        horizons += [("probes look after", horizon) for horizon in study.probe.horizons if isinstance(horizon, int)]
    for what, horizon in horizons:
        if horizon < shortest:
            yield (
                f"{what} {format_duration(horizon)}, sooner than the {format_duration(shortest)} that the world was "
                "tested with"
            )


def _percent(share: Decimal) -> str:
    """A share to three digits."""
    return f"{float(100 * share):.3g}%"
