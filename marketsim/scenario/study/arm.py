"""Arms: interventions on a replication. What one does to a world is in `simulation.arms`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from marketsim.spec import Identifier, Spec

ArmKind = Literal[
    "factual", "frictionless", "shadow", "off", "blind", "phantom", "placebo_time", "placebo_sign", "contrarian"
]
PLACEBOS = ("placebo_time", "placebo_sign", "contrarian")
"""Arms that send another arm's child orders again, and so need the factual one first."""

ARMS_ALLOWED = "a kind of arm, or {id, arm, only, scope, set}"


def _whole_arm(value: Any) -> Any:
    """An arm's kind alone stands for the arm of that name; an arm without `id` is named after its kind."""
    if isinstance(value, str):
        return {"id": value, "arm": value}
    if isinstance(value, dict) and "id" not in value and isinstance(value.get("arm"), str):
        return {"id": value["arm"], **value}
    return value


class ArmSpec(Spec):
    """One intervention (docs/contract.md#arms).

    only: tokens whose issuers it touches, absent = all. scope: flows of theirs that it takes out of the market. set:
    overrides of the scenario, laid over the cell's.
    """

    id: Identifier
    arm: ArmKind = "factual"
    only: tuple[Identifier, ...] | None = None
    scope: tuple[Literal["rebalance", "primary"], ...] = ("rebalance",)
    set: dict[str, Any] = Field(default_factory=dict)

    @property
    def is_intervention(self) -> bool:
        """Whether it changes anything."""
        return self.arm != "factual" or bool(self.set)


Arm = Annotated[ArmSpec, BeforeValidator(_whole_arm, json_schema_input_type=ArmKind | ArmSpec)]
