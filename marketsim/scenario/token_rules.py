"""Rules of a token that contradict themselves or its basket: bands, emergencies, hidden targets, chunks, slices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from marketsim.issuers.execution import HiddenSpec, TwapSpec
from marketsim.issuers.rebalancing import BandSpec, DailySpec, EmergencySpec, FliSpec, NoRebalanceSpec, VariableSpec
from marketsim.issuers.token import TokenSpec
from marketsim.scenario import bounds
from marketsim.scenario.nodes import Path
from marketsim.scenario.primary_rules import check_atoms
from marketsim.scenario.world import World
from marketsim.streams import lower_end, upper_end
from marketsim.units import NS_PER_SECOND, format_duration, format_number
from marketsim.venues.contract import MarketSpec

MOST_COST = Decimal("0.5")
"""Largest share of equity that the expected cost of turning a whole target over may be."""


def check_token_rules(world: World, path: Path, token: TokenSpec, markets: Mapping[str, MarketSpec]) -> None:
    """Check a token's rebalancing, execution and fees against its basket."""
    gross = sum((abs(value) for value in token.basket.values()), Decimal(0))
    rule, keys = token.rebalance, (*path, "rebalance")
    if isinstance(rule, BandSpec):
        _check_band(world, keys, token, rule, gross)
    elif isinstance(rule, DailySpec):
        _check_daily(world, keys, token, rule, gross)
    elif isinstance(rule, VariableSpec):
        _check_variable(world, keys, rule, gross)
    elif isinstance(rule, FliSpec):
        _check_fli(world, keys, token, rule, markets)
    _check_execution(world, (*path, "execution"), token, gross)
    _check_fees(world, path, token, gross)


def _check_execution(world: World, path: Path, token: TokenSpec, gross: Decimal) -> None:
    how = token.execution
    length = how.over if isinstance(how, TwapSpec) else how.window if isinstance(how, HiddenSpec) else None
    if isinstance(how, (TwapSpec, HiddenSpec)) and length is not None and how.slices > length:
        world.at((*path, "slices"), "more slices than nanoseconds", "fewer slices")
    if how.cost_allowance * gross > MOST_COST:
        message = "with this target such costs leave no size that allows for them"
        world.at((*path, "cost_allowance"), message, "a cost of at most half the equity when the target is traded")


def _check_fees(world: World, path: Path, token: TokenSpec, gross: Decimal) -> None:
    """Fees that would never be charged, or take all there is."""
    management, primary = token.management_fee, token.primary
    if isinstance(token.rebalance, NoRebalanceSpec):
        message = "this token never rebalances, so this is never charged"
        if management is not None and management.when == "rebalance":
            world.at((*path, "management_fee", "when"), message, "every, or a token that rebalances")
        if token.rebalance_fee is not None:
            world.at((*path, "rebalance_fee"), message, "none, or a token that rebalances")
    if token.rebalance_fee is not None:
        check_atoms(world, (*path, "rebalance_fee"), token.rebalance_fee)
    for name in ("create_fee", "redeem_fee"):
        if primary is not None and primary.fee_of == "notional" and getattr(primary, name) * gross >= 1:
            message = f"of {format_number(gross)} times the cash, this fee leaves nothing of it"
            world.at((*path, "primary", name), message, "less than the cash, or fee_of: cash")


def _check_band(world: World, path: Path, token: TokenSpec, band: BandSpec, target: Decimal) -> None:
    if band.lower is None and band.upper is None and band.by_target is None:
        if band.move is None:
            world.at(path, "this band has no border", "at least one of lower, upper, by_target, move")
        if band.to == "edge":
            world.at((*path, "to"), "there is no edge to return to", "target, a share, or a band with lower or upper")
    _check_borders(world, path, band.lower, band.upper, "upper", target)
    _check_by_target(world, path, token, band.by_target)
    _check_jitter(world, path, band.jitter, band.poll)


def _check_daily(world: World, path: Path, token: TokenSpec, daily: DailySpec, target: Decimal) -> None:
    if daily.skip_if is not None and daily.skip_if[0] > daily.skip_if[1]:
        world.at((*path, "skip_if"), "the lower end lies above the upper", "[lo, hi] with lo <= hi")
    rule: EmergencySpec | None = daily.emergency
    if rule is None:
        return
    keys = (*path, "emergency")
    if rule.leverage is None and rule.lower is None and rule.by_target is None and rule.move is None:
        world.at(keys, "this emergency has no border", "at least one of leverage, lower, by_target, move")
    _check_borders(world, keys, rule.lower, None, "leverage", target)
    if rule.leverage is not None and 0 < rule.leverage <= target:
        message = "the emergency is not above the target"
        world.at((*keys, "leverage"), message, f"above {format_number(target)}, without sign")
    _check_by_target(world, keys, token, rule.by_target)
    _check_jitter(world, keys, rule.jitter, rule.poll)


def _check_borders(
    world: World, path: Path, lower: Decimal | None, upper: Decimal | None, upper_key: str, target: Decimal
) -> None:
    shown = format_number(target)
    if lower is not None and lower >= target > 0:
        world.at((*path, "lower"), "the lower border is not below the target", f"below {shown}, without sign")
    if upper is not None and 0 < upper <= target:
        world.at((*path, upper_key), "the upper border is not above the target", f"above {shown}, without sign")


def _check_by_target(
    world: World, path: Path, token: TokenSpec, rows: Mapping[Decimal, tuple[Decimal, Decimal]] | None
) -> None:
    """A table of borders has a row for the token's one target, and each row lies around its target."""
    if rows is None:
        return
    keys = (*path, "by_target")
    for target, (lower, upper) in rows.items():
        if not 0 <= lower < abs(target) < upper:
            message = f"these borders do not lie around {format_number(abs(target))}"
            world.at(keys, message, "[lower, upper] around the target, without sign")
    if len(token.basket) > 1:
        world.at(keys, "a basket of several legs has no one target to look up", "lower and upper")
    elif token.basket and next(iter(token.basket.values())) not in rows:
        target = next(iter(token.basket.values()))
        listed = ", ".join(format_number(known) for known in rows)
        world.at(keys, f"there are no borders for a target of {format_number(target)}", f"a target of {listed}")


def _check_jitter(world: World, path: Path, jitter: int, poll: int) -> None:
    if jitter > poll:
        message = "looks would overtake each other: the jitter is longer than the time between two looks"
        world.at((*path, "jitter"), message, f"at most {format_duration(poll)}, or a longer poll")


def _check_variable(world: World, path: Path, rule: VariableSpec, target: Decimal) -> None:
    if not rule.lower < target < rule.upper:
        message = f"the target {format_number(target)}, at which it opens, is not within the band"
        world.at((*path, "lower"), message, "lower below the target, upper above it, without sign")
    least, most = lower_end(rule.hidden), upper_end(rule.hidden)
    if most is None or not rule.lower < least <= most < rule.upper:
        message = "the hidden target may leave the band"
        world.at((*path, "hidden"), message, "a law with two ends that lie between lower and upper")
    if bounds.mean(rule.poll) < NS_PER_SECOND:
        world.at((*path, "poll"), "it would look more often than prices are published", "1s or longer on average")


def _check_fli(world: World, path: Path, token: TokenSpec, rule: FliSpec, markets: Mapping[str, MarketSpec]) -> None:
    """The constraints under which the contract would revert, and that its one leg is the market its chunks are in."""
    if len(token.basket) != 1:
        world.at(path, "this policy keeps one leg at its target", "a basket of one market")
        return
    ((name, leg),) = token.basket.items()
    target = abs(leg) if rule.target is None else rule.target
    if target != abs(leg):
        world.at((*path, "target"), "the basket has another target", format_number(abs(leg)))
    if rule.min > target:
        world.at((*path, "min"), "the minimum is above the target", f"at most {format_number(target)}")
    if rule.max < target:
        world.at((*path, "max"), "the maximum is below the target", f"at least {format_number(target)}")
    if rule.ripcord < rule.max:
        world.at((*path, "ripcord"), "the ripcord is below the maximum", f"at least {format_number(rule.max)}")
    if rule.cooldown > rule.every:
        world.at((*path, "cooldown"), "longer than the interval", f"at most {format_duration(rule.every)}")
    if rule.reward_balance is not None and rule.ripcord_reward is None:
        world.at((*path, "reward_balance"), "there is no reward to pay out of it", "left out, or a ripcord_reward")
    for key in ("ripcord_reward", "reward_balance"):
        if getattr(rule, key) is not None:
            check_atoms(world, (*path, key), getattr(rule, key))
    if rule.ripcord_cooldown > rule.cooldown:
        allowed = f"at most {format_duration(rule.cooldown)}"
        world.at((*path, "ripcord_cooldown"), "longer than the cooldown without the ripcord", allowed)
    lot = markets[name].lot if name in markets else None
    for key, size in (("max_trade", rule.max_trade), ("ripcord_max_trade", rule.ripcord_max_trade)):
        if lot is not None and lot.underlying == size.underlying and 0 < size.amount < lot.amount:
            world.at((*path, key), "less than one lot", f"{lot} or more")
