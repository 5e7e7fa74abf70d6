"""Workers: every task is done exactly once whatever dies, or left as failed; nothing is left running."""

import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import pytest

from marketsim.errors import EnvironmentLackError
from marketsim.experiments import engine, worker_host
from marketsim.experiments.engine import TRIES, Cluster
from marketsim.experiments.task import Receipt, Task
from tests.experiments.sample_tasks import CopyKilled, Kills, KillsOnce, Pid, Raises, Waits

MEMORY = 3 * 10**9


class Pair:
    """Two workers at a time: a cluster that lost one for good is exchanged, so that no test waits for it for ever."""

    def __init__(self) -> None:
        self.cluster = Cluster.local(2, MEMORY)

    def whole(self) -> Cluster:
        try:
            self.cluster.client.wait_for_workers(2, timeout=20)
        except TimeoutError:
            self.cluster.close()
            self.cluster = Cluster.local(2, MEMORY)
        return self.cluster


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    two = Pair()
    yield two
    two.cluster.close()


@pytest.fixture
def cluster(pair: Pair) -> Cluster:
    """Both workers, whatever the test before did to one."""
    return pair.whole()


def receipts(cluster: Cluster, *tasks: Task) -> dict[str, Receipt]:
    waiting = iter(tasks)
    found = list(cluster.receipts(lambda: next(waiting, None)))
    assert Counter(receipt.task for receipt in found) == Counter(task.name for task in tasks)
    return {receipt.task: receipt for receipt in found}


def pids(*found: Receipt) -> list[int]:
    """The processes that did tasks `Pid`."""
    assert {receipt.status for receipt in found} == {"ok"}
    return [int(receipt.reason or 0) for receipt in found]


def test_tasks_are_done_by_workers_and_not_by_the_parent(cluster: Cluster) -> None:
    found = receipts(cluster, *(Pid(f"pid-{i}") for i in range(20)))
    assert set(pids(*found.values())) <= set(cluster.pids()) - {os.getpid()}
    assert all(receipt.memory_mb > 10 for receipt in found.values())


def test_each_worker_has_the_memory_that_it_was_given(cluster: Cluster) -> None:
    workers = cluster.client.scheduler_info()["workers"].values()
    assert [worker["memory_limit"] for worker in workers] == [MEMORY] * 2


def test_a_task_whose_worker_is_killed_is_tried_again(cluster: Cluster, tmp_path: Path) -> None:
    others = [Pid(f"other-{i}") for i in range(6)]
    found = receipts(cluster, KillsOnce("dies", tmp_path / "marker"), *others)
    assert (found["dies"].status, found["dies"].deaths) == ("ok", 1)
    assert [found[task.name].deaths for task in others] == [0] * 6


def test_a_task_that_kills_every_worker_is_left_as_failed_and_the_rest_is_done(cluster: Cluster) -> None:
    found = receipts(cluster, Kills("kills"), *(Pid(f"rest-{i}") for i in range(4)))
    kills = found.pop("kills")
    assert (kills.status, kills.deaths) == ("failed", TRIES)
    assert kills.reason == "3 workers died while they ran it: killed, or out of memory"
    assert len(pids(*found.values())) == 4


def test_a_task_of_which_a_forked_copy_is_killed_is_tried_again(cluster: Cluster, tmp_path: Path) -> None:
    found = receipts(
        cluster, CopyKilled("once", tmp_path / "marker"), CopyKilled("always", tmp_path / "no", always=True)
    )
    assert (found["once"].status, found["once"].deaths) == ("ok", 1)
    assert (found["always"].status, found["always"].deaths) == ("failed", TRIES)


def test_the_workers_of_an_existing_scheduler_are_used_and_stay(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "certificate.pem").write_text(cluster.door.certificate)
    (tmp_path / "key.pem").write_text(cluster.door.key)
    tls = {"ca-file": "certificate", "client.cert": "certificate", "client.key": "key"}
    own = {f"distributed.comm.tls.{name}": str(tmp_path / f"{file}.pem") for name, file in tls.items()}
    with dask.config.set(own), Cluster.at(cluster.door.address) as guest:
        found = receipts(guest, *(Pid(f"guest-{i}") for i in range(4)))
        assert (guest.workers, guest.own) == (2, None)
    assert set(pids(*found.values())) <= set(cluster.pids())
    assert pids(receipts(cluster, Pid("host"))["host"])[0] in cluster.pids()


def test_an_error_is_the_reason_of_the_failure(cluster: Cluster) -> None:
    receipt = receipts(cluster, Raises("raises"))["raises"]
    assert (receipt.status, receipt.reason, receipt.deaths) == ("failed", "ValueError: no", 0)


def test_a_worker_starts_anew_after_so_many_tasks(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "RUNS_OF_A_WORKER", 6)
    before = set(cluster.pids())
    found = receipts(cluster, *(Pid(f"worn-{i}") for i in range(30)))
    assert [receipt.deaths for receipt in found.values()] == [0] * 30
    each = Counter(pids(*found.values()))
    assert len(set(each) - before) >= 2
    assert max(each[pid] for pid in set(each) - before) <= 6


def test_what_becomes_ready_later_is_asked_for(cluster: Cluster) -> None:
    ready = [Pid("first")]
    names = []
    for receipt in cluster.receipts(lambda: ready.pop() if ready else None):
        names.append(receipt.task)
        if receipt.task == "first":
            ready.append(Pid("second"))
    assert names == ["first", "second"]


def ended(pid: int, within_s: float = 30.0) -> bool:
    """Whether a process that is no child of ours has ended, now or within some seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within_s)[0])
    finally:
        os.close(handle)


LONELY = """
import os, signal, sys
from pathlib import Path
from marketsim.experiments.engine import Cluster
from tests.experiments.sample_tasks import Waits
cluster = Cluster.local(1)
print(cluster.own.pid, *cluster.pids(), flush=True)
tasks = [Waits("waits", Path(sys.argv[1]))]
{how}
for receipt in cluster.receipts(lambda: tasks.pop() if tasks else None):
    pass
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with the one that started it")
def test_forks_end_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    """Else they would go on at what another worker has been given meanwhile."""
    os.mkfifo(tmp_path / "fifo")
    program = (
        "import sys; from pathlib import Path; from marketsim.simulation.forks import in_new_process; "
        "from tests.experiments.sample_tasks import wait_in_a_copy; "
        "in_new_process(wait_in_a_copy, *map(Path, sys.argv[1:]))"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "fifo"), str(tmp_path / "told")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    while not (tmp_path / "told").exists():
        assert worker.poll() is None
        time.sleep(0.05)
    worker.kill()
    worker.wait()
    assert all(ended(int(pid)) for pid in (tmp_path / "told").read_text(encoding="ascii").split())


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this platform does not tell when another process ends")
def test_the_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    program = LONELY.format(how="")
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "fifo")], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    with parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    assert all(ended(pid) for pid in pids)


def test_a_scheduler_that_is_killed_ends_the_work_with_what_to_do(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with Cluster.local(1) as cluster:
        assert cluster.own is not None
        tasks = [Waits("waits", tmp_path / "fifo")]
        host = cluster.own.pid

        def take() -> Task | None:
            if tasks:
                return tasks.pop()
            os.kill(host, signal.SIGKILL)
            return None

        cluster.workers = 2  # so that it is asked again while the first task is out
        with pytest.raises(EnvironmentLackError, match="start again to continue"):
            list(cluster.receipts(take))


def test_an_address_where_nobody_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CONNECT_S", 0.2)
    with pytest.raises(EnvironmentLackError, match="no Dask scheduler answers at tcp://127"):
        Cluster.at("tcp://127.0.0.1:1")


@pytest.mark.parametrize("address", ["nonsense", "tls://::"])
def test_an_address_that_is_none_is_told_before_anything_connects(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distributed.Client", lambda *_, **__: pytest.fail("it waits for an answer"))
    with pytest.raises(EnvironmentLackError, match=f"no Dask scheduler answers at {address}"):
        Cluster.at(address)


class Nanny:
    """What `revive` sees of a worker's nanny."""

    def __init__(self, *alive: bool) -> None:
        self.alive, self.process, self.started = list(alive), object(), 0

    def is_alive(self) -> bool:
        return self.alive.pop(0)

    def instantiate(self) -> None:
        self.started += 1


class Nannies:
    def __init__(self, **workers: Nanny) -> None:
        self.workers = workers

    def sync(self, act: Callable[[], None]) -> None:
        act()


def test_a_worker_that_nobody_starts_again_is_started_by_the_host() -> None:
    lost, restarting = Nanny(False, False, False, True), Nanny(False, False, True, False)
    cluster, dead = Nannies(lost=lost, restarting=restarting), {}
    started = []
    for _ in range(4):
        worker_host.revive(cluster, dead)
        started.append(lost.started)
    assert started == [0, 0, 1, 1]  # it is left to itself the first times
    assert lost.process is None
    assert restarting.started == 0


def test_workers_that_wear_out_while_they_start_are_replaced(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "RUNS_OF_A_WORKER", 1)
    found = receipts(pair.whole(), *(Pid(f"short-{i}") for i in range(6)))
    assert len(set(pids(*found.values()))) == 6


class Deserted:
    """A scheduler without workers, and the process they should live in."""

    status = "running"

    def is_alive(self) -> bool:
        return True

    def nthreads(self) -> dict[str, int]:
        return {}

    def submit(self, *_: object, **__: object) -> "Deserted":
        return self

    def add_done_callback(self, told: Callable[[object], None]) -> None:
        """Never tells."""


def test_workers_that_are_all_gone_before_a_task_begins_end_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "RESTART_S", 0.1)
    monkeypatch.setattr(engine, "LOOK_S", 0.01)
    nobody: Any = Deserted()
    tasks = [Pid("waits")]
    with pytest.raises(EnvironmentLackError, match="workers that died do not start again"):
        list(Cluster(nobody, 1, own=nobody).receipts(lambda: tasks.pop() if tasks else None))


def test_workers_that_start_again_are_waited_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is given to a cluster whose workers have died; then the work ends with its reason."""
    nobody: Any = Deserted()
    cluster = Cluster(nobody, 1, own=nobody, _short_s=1000.0)
    monkeypatch.setattr(engine, "monotonic", lambda: 1060.0)
    assert cluster._most_submitted() == 0
    monkeypatch.setattr(engine, "monotonic", lambda: 1060.5)
    with pytest.raises(EnvironmentLackError, match="workers that died do not start again"):
        cluster._most_submitted()
