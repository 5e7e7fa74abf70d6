"""What a registration asks of a game of clocks is checked before anything runs, and a mistake in it is named."""

import pytest

from marketsim.analysis.clock_game.registered_clocks import read_clocks
from marketsim.errors import UsageError
from marketsim.scenario.study.study import StudySpec

ASKED = 'analysis = "clock game"\ntimes = ["00:02", "00:07"]\n'


def token(name: str, at: str = "00:02", aum: str = "1 MUSDT") -> dict:
    return {"id": name, "issuer": name.lower(), "aum": aum, "rebalance": {"policy": "daily", "at": at}}


def spec(**changes) -> StudySpec:
    arms = [
        {"id": "both"},
        "frictionless",
        {"id": "apart", "set": {"tokens.B.rebalance.at": "00:07"}},
        {"id": "late", "set": {"tokens.*.rebalance.at": "00:07"}},
    ]
    return StudySpec.model_validate({"arms": arms, **changes})


def read(tokens=None, text: str = ASKED, study: StudySpec | None = None):
    return read_clocks(text.encode(), "e.toml", tokens or (token("A"), token("B")), study or spec())


def test_each_schedule_has_its_arm() -> None:
    found = read()
    assert found is not None
    assert found.arms == {(0, 0): "both", (0, 1): "apart", (1, 1): "late"}
    assert found.players == ("A", "B")
    assert found.in_words((0, 1)) == "00:02 00:07"
    assert read(text='analysis = "robustness"') is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"text": ASKED.replace(', "00:07"', "")}, r"times: was \['00:02'\]; allowed: two or more different ones"),
        ({"tokens": (token("A"),)}, "two tokens or more; the study has 1"),
        ({"tokens": (token("A"), token("B", aum="2 MUSDT"))}, "alike; B differs from A in aum"),
        ({"tokens": (token("A", "23:30"), token("B"))}, "in arm 'both' a token resets at 23:30; allowed: 00:02, 00:07"),
        ({"study": spec(arms=[{"id": "both"}, "frictionless"])}, "2 schedules have no arm, the first is 00:02 00:07"),
        (
            {"study": spec(arms=[{"id": "both"}, {"id": "again", "set": {"seed": 2}}])},
            "the arms 'both' and 'again' are one schedule",
        ),
        ({"study": spec(over={"tokens.A.aum": ["1 MUSDT", "2 MUSDT"]})}, "has one cell; the study varies tokens.A.aum"),
    ],
)
def test_a_game_that_cannot_be_is_refused_in_words(changed: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(**changed)
