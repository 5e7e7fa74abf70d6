"""What a registration asks of a study of robustness: a TOML file with `analysis = "robustness"`.

    analysis = "robustness"
    headlines = ["impact_gap_0s", "impact_per_move_0s"]    # measures of the factual arm against the baseline
    margin = 0.25                                          # of the first cell's value: a change within it is none
    cells = ["as declared", "mark: index", ..]             # what each cell stands for; the first is held against

Other keys and text are the registration's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from marketsim.analysis.registrations import ROBUSTNESS, asked_for, registration_for, registration_of
from marketsim.datasets.study import Study
from marketsim.errors import UsageError
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.measured import stands_for
from marketsim.scenario.study.study import StudySpec, study_of


@dataclass(frozen=True)
class RegisteredHeadlines:
    """Measures, the margin as a share of the first cell's value, and a label for each cell in the design's order."""

    headlines: tuple[str, ...]
    margin: float
    cells: tuple[str, ...]


def registered_headlines(study: Study) -> RegisteredHeadlines | None:
    """The headlines that the registration of a study asks for; None where it has none or asks for none."""
    held = registration_of(study)
    return None if held is None else read_headlines(*held, study.declared["cells"], study.spec)


def check_headlines(scenario: Scenario, cells: int) -> None:
    """Raise `UsageError` where a study's registration asks for what it cannot have; before anything runs."""
    named = registration_for(scenario)
    if named is not None:
        read_headlines(*named, cells, study_of(scenario.study))


def read_headlines(data: bytes, name: str, cells: int, spec: StudySpec) -> RegisteredHeadlines | None:
    """The headlines that a registration asks for, of a study with so many cells; None where it asks for none.

    Raises `UsageError`, naming file, key and what is allowed.
    """
    told = asked_for(ROBUSTNESS, data, name)
    if told is None:
        return None
    headlines, margin, labels = told.get("headlines"), told.get("margin"), told.get("cells")
    if not isinstance(headlines, list) or not headlines:
        raise UsageError(f'{name}: headlines: was {headlines!r}; allowed: measures, as ["impact_gap_0s"]')
    strange = next((each for each in headlines if not any(stands_for(word, str(each)) for word in spec.words)), None)
    if strange is not None:
        raise UsageError(
            f"{name}: headlines: was {strange!r}; allowed: what the study measures, {', '.join(spec.words)}"
        )
    if not isinstance(margin, float) or not 0 < margin < 1:
        raise UsageError(f"{name}: margin: was {margin!r}; allowed: above 0, below 1")
    if not isinstance(labels, list) or len(labels) != cells:
        had = len(labels) if isinstance(labels, list) else 0
        raise UsageError(f"{name}: cells: was {had} labels; allowed: one for each of the study's {cells} cells")
    if spec.factual_arm is None or spec.factual_arm == spec.baseline_arm:
        raise UsageError(f"{name}: headlines are of the factual arm against another; the study has no such two")
    return RegisteredHeadlines(tuple(map(str, headlines)), margin, tuple(map(str, labels)))
