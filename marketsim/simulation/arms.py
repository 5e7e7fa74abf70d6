"""Arms: what an intervention changes in a world, at its start or, for all but `off`, at any instant of it.

| arm | rebalances | who would be informed |
|---|---|---|
| factual | in the book | hears the truth |
| frictionless | at the mark with `outside` (with scope `primary`: hedges too) | hears of size zero |
| shadow | written down, not traded | hears of size zero |
| off | no issuer, no token market, no group that trades only there | - |
| blind | in the book | hears nothing |
| phantom | at the mark with `outside` | hears the truth |
| placebo_time, placebo_sign, contrarian | at the mark; `placebo` sends the factual ones | hears of size zero |

(docs/contract.md#arms.) No arm takes a draw of the factual one (common random numbers).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from marketsim.announcements import Mode
from marketsim.issuers.orders.treatment import Flow
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import PLACEBOS, ArmSpec
from marketsim.simulation.placebo import PlaceboDesk, placebo_orders
from marketsim.simulation.ports import ModelPort

FACTUAL = ArmSpec(id="factual")

_REBALANCE: dict[str, Flow] = {
    "shadow": Flow.WITHHELD,
    "phantom": Flow.OFF_BOOK,
    **dict.fromkeys(PLACEBOS, Flow.OFF_BOOK),
}
_ANNOUNCED: dict[str, Mode] = {
    "blind": "silent", "shadow": "zero", "frictionless": "zero", **dict.fromkeys(PLACEBOS, "zero")
}  # fmt: skip


def touched(arm: ArmSpec, tokens: Iterable[str]) -> list[str]:
    """The tokens that an arm touches."""
    return [token for token in tokens if arm.only is None or token in arm.only]


def present(scenario: Scenario, arm: ArmSpec) -> Scenario:
    """The world of an arm: for `off` without its tokens, their markets, and the groups and events that need them."""
    if arm.arm != "off":
        return scenario
    gone = set(touched(arm, (token.id for token in scenario.tokens)))
    parts: dict[str, Any] = {
        "tokens": tuple(token for token in scenario.tokens if token.id not in gone),
        "traders": tuple(left for group in scenario.traders if (left := group.without(gone)) is not None),
        "events": tuple(event for event in scenario.events if not _is_about(event, gone)),
    }
    world = scenario.model_copy(update=parts)
    if scenario.document is not None:
        world.remember(scenario.root, scenario.document)
    return world


def _is_about(event: Any, gone: Collection[str]) -> bool:
    return any(getattr(event, key, None) in gone for key in ("token", "subject", "market"))


def apply(model: ModelPort, arm: ArmSpec, children: Iterable[Mapping[str, Any]] = ()) -> None:
    """Let an arm begin now. children: rows of table `children` of the factual run, for placebo arms."""
    chosen = touched(arm, (desk.token.id for desk in model.desks))
    for desk in model.desks:
        if desk.token.id not in chosen:
            continue
        is_frictionless = arm.arm == "frictionless"
        if arm.arm in _REBALANCE:
            desk.treatment.rebalance = _REBALANCE[arm.arm]
        elif is_frictionless and "rebalance" in arm.scope:
            desk.treatment.rebalance = Flow.OFF_BOOK
        if is_frictionless and "primary" in arm.scope:
            desk.treatment.primary = Flow.OFF_BOOK
        if arm.arm in _ANNOUNCED and (not is_frictionless or "rebalance" in arm.scope):
            model.announcement_feed.set_mode(desk.token.id, _ANNOUNCED[arm.arm])
    if arm.arm in PLACEBOS:
        orders = placebo_orders(model, arm, [row for row in children if row["token"] in chosen])
        PlaceboDesk(model, orders).start()
