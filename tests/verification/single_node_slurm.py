"""A SLURM of one node on this machine, from a configuration of its own, for as long as a test needs it."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "sinfo")
CONFIGURATION = """
ClusterName=one
SlurmctldHost={name}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
NodeName={name} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory_mb} State=UNKNOWN
PartitionName=main Nodes={name} Default=YES MaxTime=INFINITE State=UP
"""


def lacking() -> str:
    """Why there can be no SLURM here; nothing where there can."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if missing:
        return f"{', '.join(missing)} not installed (Debian: apt-get install slurmctld slurmd slurm-client munge)"
    return "" if os.geteuid() == 0 else "slurmd has to be started by root"


@contextmanager
def single_node_slurm(folder: Path, cores: int = 2) -> Iterator[dict[str, str]]:
    """Start munge, the controller and the node; gives the environment in which `sbatch` finds them."""
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    private = folder / "munge"
    private.mkdir(mode=0o700)
    (private / "key").write_bytes(secrets.token_bytes(1024))
    (private / "key").chmod(0o400)
    name = socket.gethostname().partition(".")[0]
    ports = {"ctld_port": free_port(), "node_port": free_port()}
    memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20 * 9 // 10
    text = CONFIGURATION.format(name=name, folder=folder, cores=cores, memory_mb=memory_mb, **ports)
    (folder / "slurm.conf").write_text(text, encoding="utf-8")
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    environment = {**os.environ, "PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}
    munge = [f"--key-file={private}/key", f"--socket={folder}/munge.socket", f"--pid-file={private}/pid"]
    munge += [f"--log-file={private}/log", f"--seed-file={private}/seed"]
    with ExitStack() as started:
        started.enter_context(daemon(["munged", "--foreground", "--force", *munge], environment))
        for command in (["slurmctld", "-D", "-c"], ["slurmd", "-D", "-c"]):
            started.enter_context(daemon(command, environment))
        wait_for_node(environment)
        yield environment


@contextmanager
def daemon(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    """A process in the foreground that ends with the block."""
    null = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdin=null, stdout=null, stderr=null) as process:
        try:
            yield
        finally:
            process.terminate()


def free_port() -> int:
    """A port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_node(environment: dict[str, str], within_s: float = 30.0) -> None:
    """Wait until the node takes jobs."""
    until = time.monotonic() + within_s
    while True:
        told = subprocess.run(["sinfo", "-h", "-o", "%t"], env=environment, capture_output=True, text=True, check=False)
        if told.stdout.strip() == "idle":
            return
        if time.monotonic() > until:
            raise TimeoutError(f"the node is {told.stdout.strip() or told.stderr.strip()!r}, not idle")
        time.sleep(0.2)
