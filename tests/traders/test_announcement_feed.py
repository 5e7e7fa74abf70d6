"""The feed's modes and what a group makes of them: field by field, its own knowledge before what is announced."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import pytest

from marketsim.announcements import Announcement, AnnouncementFeed
from marketsim.streams import Stream
from marketsim.traders.knowledge import Knowledge, KnowsSpec

MINUTE = 60 * 10**9
DUE = 60 * MINUTE
PLAN = Announcement("UP", "PERP", 0, 0, DUE, -1_000)
SAID = replace(PLAN, said_ns=DUE - 10 * MINUTE, lots=-900)


@dataclass
class Reading:
    """A token whose next order is stated by hand."""

    is_schedule_public: bool = True
    lead_ns: int = 10 * MINUTE
    plan: Announcement = PLAN

    def due_ns(self) -> int | None:
        return self.plan.due_ns

    def expected(self) -> Sequence[Announcement]:
        return (self.plan,)


def feed(said: Announcement | None = SAID, **reading: object) -> AnnouncementFeed:
    found = AnnouncementFeed()
    found.register("UP", Reading(**reading))
    if said is not None:
        found.publish(said)
    return found


def known(found: AnnouncementFeed, now_ns: int = DUE - MINUTE, **knows: object) -> list[tuple[int | None, int]]:
    spec = KnowsSpec(**knows) if knows else None
    knowledge = Knowledge(spec, found, partial(Stream, 1, 0))
    return [(each.due_ns, knowledge.lots(each, 0)) for each in knowledge.prospects("UP", now_ns)]


def test_an_announcement_hangs_until_the_next_on_its_subject_or_its_end() -> None:
    found = feed()
    assert found.known("UP", DUE) == (SAID,)
    assert found.known("UP", SAID.said_ns - 1) == ()
    newer = replace(SAID, said_ns=DUE - 9 * MINUTE, lots=-950)
    found.publish(newer)
    assert found.known("UP", DUE) == (newer,)
    found.publish(replace(newer, is_over=True))
    assert found.known("UP", DUE) == ()


def test_a_silent_token_tells_nobody_and_cannot_be_inferred() -> None:
    found, heard = feed(), []
    found.listen(heard.append)
    found.set_mode("UP", "silent")
    found.publish(SAID)
    assert heard == []
    assert found.known("UP", DUE) == found.foresee("UP") == ()
    assert known(found) == known(found, schedule=True, size_noise="0%") == []


def test_a_token_in_mode_zero_is_known_with_a_size_of_zero() -> None:
    found, heard = feed(), []
    found.listen(heard.append)
    found.set_mode("UP", "zero")
    found.publish(SAID)
    assert [said.lots for said in heard] == [0]
    assert known(found) == known(found, schedule=True, size_noise="50%") == [(DUE, 0)]


def test_a_mode_holds_for_its_token_alone_and_can_be_taken_back() -> None:
    found = feed()
    found.set_mode("DOWN", "silent")
    assert known(found) == [(DUE, -900)]
    found.set_mode("UP", "silent")
    found.set_mode("UP", "true")
    assert known(found) == [(DUE, -900)]
    with pytest.raises(ValueError, match="allowed: true, zero, silent"):
        found.set_mode("UP", "quiet")


def test_without_own_knowledge_only_what_is_announced_is_known() -> None:
    assert known(feed()) == [(DUE, -900)]
    assert known(feed(said=None)) == []
    assert known(feed(said=replace(SAID, lots=None))) == []
    assert known(feed(said=replace(SAID, due_ns=None))) == []


def test_own_inference_replaces_the_announced_size() -> None:
    assert known(feed(), size_noise="0%") == [(DUE, -1_000)]


def test_an_own_lead_begins_earlier_or_later_than_the_public_one() -> None:
    early, late = {"size_noise": "0%", "lead": "30min"}, {"size_noise": "0%", "lead": "5min"}
    assert known(feed(), DUE - 30 * MINUTE, **early) == [(DUE, -1_000)]
    assert known(feed(), DUE - 30 * MINUTE - 1, **early) == []
    assert known(feed(), DUE - 5 * MINUTE - 1, **late) == []
    assert known(feed(), DUE - 5 * MINUTE, **late) == [(DUE, -1_000)]


def test_a_public_size_is_heard_no_earlier_than_it_is_said() -> None:
    found = feed(said=None)
    assert known(found, DUE - 30 * MINUTE, lead="30min") == []
    found.publish(SAID)
    assert known(found, DUE - 10 * MINUTE, lead="30min") == [(DUE, -900)]


def test_a_hidden_schedule_is_known_to_who_knows_it_and_a_public_one_can_be_unknown() -> None:
    hidden = feed(said=replace(SAID, due_ns=None), is_schedule_public=False)
    assert known(hidden, schedule=True) == [(DUE, -900)]
    assert known(hidden, size_noise="0%") == []
    assert known(feed(), schedule=False) == []


def test_the_error_of_an_inference_is_one_draw_a_trader_and_reset_with_mean_one() -> None:
    found = feed(plan=replace(PLAN, lots=-(10**6)))
    knowledge = Knowledge(KnowsSpec(size_noise="20%"), found, partial(Stream, 1, 0))
    (prospect,) = knowledge.prospects("UP", DUE - MINUTE)
    sizes = [knowledge.lots(prospect, trader) for trader in range(400)]
    assert sizes == [knowledge.lots(prospect, trader) for trader in range(400)]
    logs = [math.log(size / -(10**6)) for size in sizes]
    mean = sum(logs) / 400
    sd = math.sqrt(sum((x - mean) ** 2 for x in logs) / 399)
    # Standard errors: 0.2 / 20 = 0.01 of the mean, which is -0.02; 0.2 / root(800) = 0.007 of the deviation.
    assert mean == pytest.approx(-0.02, abs=0.03)
    assert sd == pytest.approx(0.2, abs=0.021)
    (tomorrow,) = feed(plan=replace(PLAN, due_ns=2 * DUE, lots=-(10**6))).foresee("UP")
    assert tomorrow.due_ns == 2 * DUE
    assert knowledge.lots(replace(prospect, key=2 * DUE), 0) != sizes[0]
