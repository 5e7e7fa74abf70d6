"""What a token's primary market, quote and splits must agree with beside themselves."""

from __future__ import annotations

from marketsim.errors import UnitError
from marketsim.issuers.primary_market.caps import DailyCapSpec
from marketsim.issuers.primary_market.terms import PrimarySpec
from marketsim.issuers.token_spec import TokenSpec
from marketsim.scenario.nodes import Path
from marketsim.scenario.world import ScenarioDraft
from marketsim.units import Money, format_money, to_atoms


def check_primary(draft: ScenarioDraft, path: Path, token: TokenSpec) -> None:
    """Check what a token says about creation, redemption and splits."""
    if token.primary is not None:
        _check_counter(draft, (*path, "primary"), token.primary)
    rule = token.reverse_split
    if rule is None:
        return
    keys = (*path, "reverse_split")
    if rule.below.amount > token.nav.amount:
        message = f"the token opens at {format_money(token.nav)}, beneath the threshold"
        draft.at((*keys, "below"), message, f"at most {format_money(token.nav)}")
    if token.market is not None and rule.fractions == "exact":
        draft.at((*keys, "fractions"), "the lot of a token's own market cannot become smaller", "cash")


def _check_counter(draft: ScenarioDraft, path: Path, spec: PrimarySpec) -> None:
    if spec.mode == "cash_batch" and not spec.batches:
        draft.at((*path, "mode"), "batches need their times of day", 'batches: ["00:00", "08:00", "16:00"]')
    if spec.mode != "cash_batch" and spec.batches:
        draft.at((*path, "batches"), f"{spec.mode} deals at once, not in batches", "left out")
    if spec.mode == "in_kind" and spec.hedge == "off_book":
        draft.at((*path, "hedge"), "in kind nothing is traded, so nothing is hedged", "left out")
    for name in ("minimum", "daily_cap", "account_cap"):
        value = getattr(spec, name)
        amounts = {"base": value.base} if isinstance(value, DailyCapSpec) else {"": value}
        for key, amount in amounts.items():
            if isinstance(amount, Money):
                check_atoms(draft, (*path, name, key) if key else (*path, name), amount)


def check_atoms(draft: ScenarioDraft, path: Path, amount: Money) -> None:
    """Check that an amount is a whole number of atoms."""
    try:
        to_atoms(amount.amount)
    except UnitError as error:
        draft.at(path, error.message, error.allowed)
