"""What comes after something waits for it, and is lost with it."""

from marketsim.experiments.task_queue import TaskQueue


def names(queue: TaskQueue) -> list[str]:
    found = []
    while (name := queue.next()) is not None:
        found.append(name)
    return found


def test_tasks_come_in_their_order_and_after_what_they_need() -> None:
    queue = TaskQueue({"placebo": "factual", "factual": None, "other": None}, {})
    assert names(queue) == ["factual", "other"]
    queue.settle("factual", is_done=True)
    assert names(queue) == ["placebo"]


def test_what_stands_there_already_need_not_be_waited_for() -> None:
    assert names(TaskQueue({"placebo": "factual"}, {"factual": True})) == ["placebo"]


def test_what_comes_after_a_failure_is_lost_once() -> None:
    queue = TaskQueue({"placebo": "factual", "factual": None, "late": "old"}, {"old": False})
    assert queue.take_lost() == [("late", "old")]
    queue.settle("factual", is_done=False)
    assert queue.take_lost() == [("placebo", "factual")]
    assert queue.take_lost() == []


def test_nothing_more_begins_after_a_stop() -> None:
    queue = TaskQueue({"factual": None, "placebo": "factual"}, {})
    queue.stop()
    queue.settle("factual", is_done=True)
    assert names(queue) == []
