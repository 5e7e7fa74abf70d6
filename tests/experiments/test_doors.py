"""The doors of a sweep: workers take work from their own parent alone, and import nothing from where one stands."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from distributed import rpc
from distributed.security import Security

from marketsim.experiments.engine import Cluster
from marketsim.experiments.local_workers import Door, LocalWorkers
from marketsim.safe_path import SAFE_PATH, safe_command


@pytest.fixture(scope="module")
def host() -> Iterator[tuple[LocalWorkers, Door]]:
    workers = LocalWorkers(1, 0)
    try:
        yield workers, workers.door()
    finally:
        workers.stop()


def connects(address: str, security: Security | None) -> bool:
    """Whether the scheduler answers; asked without a `Client`, whose loops lock one another where one is refused."""

    async def ask() -> bool:
        arguments = (security or Security()).get_connection_args("client")
        async with rpc(address, connection_args=arguments, timeout=3) as scheduler:
            return bool(await scheduler.identity())

    try:
        return asyncio.run(asyncio.wait_for(ask(), 10))
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError):
        return False


def test_a_stranger_is_refused_and_the_parent_is_not(host: tuple[LocalWorkers, Door]) -> None:
    _, door = host
    assert door.address.startswith("tls://127.0.0.1:")
    own = Security(
        require_encryption=True,
        tls_client_cert=door.certificate,
        tls_client_key=door.key,
        tls_ca_file=door.certificate,
    )
    assert connects(door.address, own)
    assert not connects(door.address, None)
    assert not connects(door.address.replace("tls://", "tcp://"), None)
    assert not connects(door.address, Security.temporary())  # encrypted, with a certificate of one's own


def listening(pid: int) -> set[int]:
    """Inodes of the sockets that a process and its children hold."""
    found = set()
    for process in [pid, *children(pid)]:
        folder = Path(f"/proc/{process}/fd")
        for handle in folder.iterdir() if folder.exists() else ():
            target = os.readlink(handle) if handle.exists() or handle.is_symlink() else ""
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    return found


def children(pid: int) -> list[int]:
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [number for child in map(int, below) for number in (child, *children(child))]


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="sockets are counted in /proc")
def test_every_port_that_listens_speaks_tls_and_none_http(host: tuple[LocalWorkers, Door]) -> None:
    workers, _ = host
    mine = listening(workers.pid)
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    ports = [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and int(row[9]) in mine]
    assert ports
    for port in ports:
        asked = subprocess.run(
            [sys.executable, "-c", ASK_HTTP, str(port)], capture_output=True, text=True, timeout=20, check=False
        )
        assert "HTTP/" not in asked.stdout, port


ASK_HTTP = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5) as door:
    door.settimeout(5)
    door.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    try:
        print(door.recv(200))
    except OSError as error:
        print("refused", error)
"""


def test_work_is_done_behind_the_certificate() -> None:
    with closing(Cluster.local(1)) as cluster:
        assert len(cluster.pids()) == 1


@pytest.mark.parametrize("name", ["json.py", "signal.py", "numpy.py", "msgpack.py"])
def test_nothing_of_the_working_folder_is_executed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(f"open({str(tmp_path / 'HIJACKED')!r}, 'w').write('executed')\n")
    program = "import json, signal, numpy, msgpack, marketsim; print(marketsim.__name__)"
    inner = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {program!r}]).returncode)"
    for text in (program, inner):  # a child, and a child of a child
        done = subprocess.run(
            safe_command(text),
            cwd=tmp_path,
            env={**os.environ, **SAFE_PATH},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not (tmp_path / "HIJACKED").exists(), text
        if text is program:
            assert (done.returncode, done.stdout.strip()) == (0, "marketsim")
