"""What comes after something waits for it, and is lost with it."""

from marketsim.experiments import agenda
from marketsim.experiments.agenda import Agenda
from marketsim.experiments.engine import Task
from marketsim.experiments.order import Answer


def item(name: str, after: str | None = None) -> agenda.Item:
    return agenda.Item(name, lambda: Task(name, print), lambda reason: Answer("failed", reason), after)


def names(agenda: Agenda) -> list[str]:
    found = []
    while (each := agenda.next()) is not None:
        found.append(each.name)
    return found


def test_items_come_in_their_order_and_after_what_they_need() -> None:
    todo = Agenda([item("placebo", after="factual"), item("factual"), item("other")], {})
    assert names(todo) == ["factual", "other"]
    todo.settle("factual", is_done=True)
    assert names(todo) == ["placebo"]


def test_what_stands_there_already_need_not_be_waited_for() -> None:
    assert names(Agenda([item("placebo", after="factual")], {"factual": True})) == ["placebo"]


def test_what_comes_after_a_failure_is_lost_once() -> None:
    todo = Agenda([item("placebo", after="factual"), item("factual"), item("late", after="old")], {"old": False})
    assert [each.name for each in todo.lost()] == ["late"]
    todo.settle("factual", is_done=False)
    assert [each.name for each in todo.lost()] == ["placebo"]
    assert todo.lost() == []


def test_nothing_more_begins_after_a_stop() -> None:
    todo = Agenda([item("factual"), item("placebo", after="factual")], {})
    todo.stop()
    todo.settle("factual", is_done=True)
    assert names(todo) == []
