"""What a registration asks of a game of clocks: a TOML file with `analysis = "clock game"`.

    analysis = "clock game"
    times = ["00:02", "00:07", "00:12"]        # what each issuer may choose

All tokens of the study are players. They have to be alike but for their ids and issuers, and the study needs an arm,
with orders in the market, for every way they may spread over the times: which of them is at which does not matter.
Other keys and text are the registration's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketsim.analysis.clock_game.symmetric_game import Schedule, all_schedules
from marketsim.analysis.registrations import CLOCKS, asked_for, registration_for, registration_of
from marketsim.datasets.study import Study
from marketsim.errors import UsageError
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.study import StudySpec, study_of

NOT_COMPARED = ("id", "issuer", "rebalance")


@dataclass(frozen=True)
class RegisteredClocks:
    """Times of day that issuers may choose, in their order, the players' ids, and the arm of every schedule."""

    times: tuple[str, ...]
    players: tuple[str, ...]
    arms: Mapping[Schedule, str]

    def in_words(self, schedule: Schedule) -> str:
        """A schedule as its times of day."""
        return " ".join(self.times[time] for time in schedule)


def registered_clocks(study: Study) -> RegisteredClocks | None:
    """The game that the registration of a study asks for; None where it has none or asks for none."""
    held = registration_of(study)
    return None if held is None else read_clocks(*held, study.scenario["tokens"], study.spec)


def check_clocks(scenario: Scenario) -> None:
    """Raise `UsageError` where a study's registration asks for a game that it cannot have; before anything runs."""
    named = registration_for(scenario)
    if named is not None:
        tokens = scenario.model_dump(mode="json", include={"tokens"})["tokens"]
        read_clocks(*named, tokens, study_of(scenario.study))


def read_clocks(
    data: bytes, name: str, tokens: Sequence[Mapping[str, Any]], spec: StudySpec
) -> RegisteredClocks | None:
    """The game that a registration asks for, of these tokens; None where it asks for none.

    tokens: as resolved.json has them. Raises `UsageError`, naming file, key and what is allowed.
    """
    told = asked_for(CLOCKS, data, name)
    if told is None:
        return None
    times = told.get("times")
    if not isinstance(times, list) or len(set(map(str, times))) < max(2, len(times)):
        raise UsageError(f'{name}: times: was {times!r}; allowed: two or more different ones, as ["00:02", "00:07"]')
    _check_alike(name, tokens)
    arms = _arms(name, tuple(map(str, times)), tokens, spec)
    return RegisteredClocks(tuple(map(str, times)), tuple(token["id"] for token in tokens), arms)


def _check_alike(name: str, tokens: Sequence[Mapping[str, Any]]) -> None:
    """The players are two or more, and differ in nothing but when they reset."""
    if len(tokens) < 2:
        raise UsageError(f"{name}: a game of clocks has two tokens or more; the study has {len(tokens)}")
    first, *others = ({key: value for key, value in token.items() if key not in NOT_COMPARED} for token in tokens)
    for token, other in zip(tokens[1:], others, strict=True):
        different = [key for key in {**first, **other} if first.get(key) != other.get(key)]
        if different:
            raise UsageError(
                f"{name}: the players of a game of clocks are alike; {token['id']} differs from {tokens[0]['id']} in "
                f"{', '.join(different)}"
            )


def _arms(name: str, times: Sequence[str], tokens: Sequence[Mapping[str, Any]], spec: StudySpec) -> dict[Schedule, str]:
    """The arm of every schedule."""
    if spec.over:
        raise UsageError(f"{name}: a game of clocks has one cell; the study varies {', '.join(spec.over)}")
    found: dict[Schedule, str] = {}
    for arm in spec.arms:
        if arm.arm != "factual" or arm.only is not None:
            continue
        at = [_clock(token, arm.set) for token in tokens]
        strange = next((each for each in at if each not in times), None)
        if strange is not None:
            raise UsageError(f"{name}: in arm {arm.id!r} a token resets at {strange}; allowed: {', '.join(times)}")
        schedule = tuple(sorted(times.index(each) for each in at))
        if schedule in found:
            raise UsageError(f"{name}: the arms {found[schedule]!r} and {arm.id!r} are one schedule; allowed: one each")
        found[schedule] = arm.id
    missing = [each for each in all_schedules(len(tokens), len(times)) if each not in found]
    if missing:
        words = " ".join(times[time] for time in missing[0])
        raise UsageError(
            f"{name}: {len(missing)} schedules have no arm, the first is {words}; allowed: an arm for each"
        )
    return {schedule: found[schedule] for schedule in all_schedules(len(tokens), len(times))}


def _clock(token: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """When a token resets in an arm, as a time of day; later overrides count."""
    at = token["rebalance"].get("at")
    for path, value in changes.items():
        if path in (f"tokens.{token['id']}.rebalance.at", "tokens.*.rebalance.at"):
            at = value
    return str(at)
