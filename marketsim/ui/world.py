"""The world that the page holds: which scenario, what was changed in it, and what the command would say of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from marketsim.errors import MarketsimError, ScenarioError
from marketsim.scenario import Scenario, load
from marketsim.scenario.shipped import catalogue
from marketsim.scenario.study.arm import PLACEBOS, ArmKind
from marketsim.ui.parameters import Parameter, as_option, parameters_of

ARMS = tuple(kind for kind in get_args(ArmKind) if kind != "factual" and kind not in PLACEBOS)
"""What a twin may be: every kind of arm that needs no other run first."""


def choices(files: Sequence[str]) -> list[str]:
    """The worlds one may choose: the files that were given, then the newest version of every shipped scenario."""
    return [*files, *(f"marketsim:{name}" for name in catalogue())]


@dataclass
class WorldInHand:
    """A scenario by its name or file, and the values laid over it by path; `check` says what is wrong with these.

    scenario: as it is now; None where there is a problem. problems: the command's own sentences, by the path of the
    value, "" for what is no value's.
    """

    reference: str
    changes: dict[str, str] = field(default_factory=dict)
    scenario: Scenario | None = None
    parameters: list[Parameter] = field(default_factory=list)
    problems: dict[str, list[str]] = field(default_factory=dict)

    def open(self) -> None:
        """Read the scenario as it stands in its file, with nothing changed."""
        self.changes.clear()
        self.check()
        self.parameters = parameters_of(self.scenario) if self.scenario is not None else []

    def check(self) -> None:
        """Load it with its changes, exactly as `marketsim run` with `--set` does."""
        try:
            self.scenario, self.problems = load(self.reference, set=self.options), {}
        except ScenarioError as error:
            self.scenario, self.problems = None, {}
            for problem in error.problems:
                self.problems.setdefault(problem.path, []).append(str(problem))
        except MarketsimError as error:
            self.scenario, self.problems = None, {"": [str(error)]}

    @property
    def options(self) -> tuple[str, ...]:
        """The changes as `--set` takes them."""
        return tuple(as_option(path, text) for path, text in self.changes.items())

    def twin_options(self) -> tuple[str, ...]:
        """The same for an arm: a study of several cells, which is not of the world, has to be left out."""
        has_study = self.scenario is not None and self.scenario.study is not None
        return (*self.options, "study=null") if has_study else self.options


def problems_elsewhere(problems: Mapping[str, Sequence[str]], shown: Sequence[str]) -> list[str]:
    """The sentences that stand at none of the values shown."""
    return [text for path, texts in problems.items() if path not in shown for text in texts]
