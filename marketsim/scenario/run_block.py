"""The block `run`: which run of its world a stored scenario stands for, where it is not simply the first factual one.

A run directory's scenario.yaml has it, so that the file makes the same run again and not silently another one. It
describes and does not change the world: it is part of no hash and of no resolved.json.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from marketsim.ranges import ABOVE_ZERO, ZERO_OR_MORE
from marketsim.scenario.study.arm import ArmSpec
from marketsim.spec import NONE_IN_WORDS, Count, Duration, Spec


class ForkedPartSpec(Spec):
    """The part of a run that a fork covers: taken from the factual world just before `from`, about an event at `at`."""

    from_: Annotated[Duration, ZERO_OR_MORE] = Field(alias="from")
    at: Annotated[Duration, ZERO_OR_MORE]
    until: Annotated[Duration, ABOVE_ZERO]


class RunSpec(Spec):
    """One run of a study, or one made with agents of one's own.

    cell, over: the point of the study, and what it sets, which the file has already. arm: what is changed in the world;
    its `set` the file has already too. cell_sha256: of the world without that `set`. source_sha256: of the world whose
    orders a placebo sends again, where it is another. agents: by their names; they are Python and stand in no file.
    """

    cell: Annotated[Count | None, NONE_IN_WORDS, ZERO_OR_MORE] = None
    over: dict[str, Any] = Field(default_factory=dict)
    replication: Annotated[Count, ZERO_OR_MORE] = 0
    arm: ArmSpec = ArmSpec(id="factual")
    cell_sha256: Annotated[str | None, NONE_IN_WORDS] = None
    source_sha256: Annotated[str | None, NONE_IN_WORDS] = None
    fork: Annotated[ForkedPartSpec | None, NONE_IN_WORDS] = None
    agents: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it says no more than a scenario without it: the first draw of the factual world."""
        return self == RunSpec()

    def sentence(self) -> str:
        """Which run it is, in words."""
        parts = [] if self.cell is None else [f"cell {self.cell}"]
        parts += [f"replication {self.replication}", f"arm {self.arm.id}"]
        parts += [] if self.fork is None else ["forked from the factual run"]
        return ", ".join(parts) + (f", with {', '.join(self.agents)}" if self.agents else "")
