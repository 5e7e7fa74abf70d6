"""The benchmarks: each case has a name, a unit, a target, and a function that measures one figure several times.

Every case prints its median beside its target, with the lowest and highest repetition: on a shared machine the spread
says how much the median is worth. Rates are of whole micro events with mark, margin and liquidation triggers live, per
second of one core's time (what other programs take of the core is not counted); `streamed` and whole processes but
`compile` are in wall time. The worlds are the project's own scenario files; figures of other simulators are not
measured here.
"""

from __future__ import annotations

import ctypes
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketsim.errors import EnvironmentLackError, UsageError
from marketsim.units import NS_PER_SECOND

if TYPE_CHECKING:
    from marketsim.simulation import MarketModel

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
NOISE = {"makers": 0, "value": 0, "trend": 0, "retail": 0, "noise": 10_000}
MIXED = {"makers": 20, "value": 2_490, "trend": 630, "retail": 630, "noise": 6_230}  # shares of btc-perp@1
SLICES = 7
SLICE_S = 0.4  # time of one repetition, about
RECORDINGS = 3
WAKES = 50_000
MIB = 1 << 20


@dataclass(frozen=True)
class Case:
    """One figure: `measure()` gives its repetitions in `unit`; `target` is a floor if `at_least`, else a ceiling."""

    name: str
    unit: str
    target: float
    at_least: bool
    measure: Callable[[], Sequence[float]]
    about: str


def run(names: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Measure the named cases, all without names, one after another; each gives its figure beside its target."""
    unknown = sorted(set(names) - {case.name for case in CASES})
    if unknown:
        allowed = ", ".join(case.name for case in CASES)
        raise UsageError(f"no such benchmark: {', '.join(unknown)}; allowed: {allowed}")
    for case in CASES:
        if names and case.name not in names:
            continue
        started_s = time.perf_counter()
        figures = case.measure()
        figure = statistics.median(figures)
        yield {
            "case": case.name,
            "figure": _short(figure),
            "unit": case.unit,
            "target": case.target,
            "met": figure >= case.target if case.at_least else figure <= case.target,
            "lowest": _short(min(figures)),
            "highest": _short(max(figures)),
            "repetitions": len(figures),
            "wall_s": round(time.perf_counter() - started_s, 1),
            "about": case.about,
        }


def _short(figure: float) -> float:
    return float(f"{figure:.4g}")


# -- the kernel


def _model(file: str, **overrides: str) -> MarketModel:
    """A model of one of the project's scenario files, nothing recorded."""
    from marketsim.kernel.warm import warm_up
    from marketsim.scenario import load
    from marketsim.simulation import MarketModel

    path = SCENARIOS / file
    if not path.exists():
        raise EnvironmentLackError(f"the benchmarks run the scenarios of the project's source, and {path} is not there")
    warm_up(lambda text: None)
    return MarketModel(load(path, set={"record.trades": "none", **overrides}))


def _crowd(counts: dict[str, int], **overrides: str) -> MarketModel:
    """The world btc-perp@1 with other numbers of traders, an hour old: its book is full."""
    heads = {f"traders.{group}.count": str(count) for group, count in counts.items()}
    model = _model("base/btc-perp@1.yaml", **{"clock.duration": "30d", **heads, **overrides})
    model.env.run(3_600 * NS_PER_SECOND)
    return model


def _slices(model: MarketModel) -> list[float]:
    """Micro events per second of this core's time [M/s], slice by slice."""
    rates: list[float] = []
    step = 60 * NS_PER_SECOND
    while len(rates) < SLICES:
        events, started_s = model.world.get("micro_events"), time.process_time()
        model.env.run(model.env.now + step)
        took_s = time.process_time() - started_s
        if took_s >= SLICE_S / 2:
            rates.append((model.world.get("micro_events") - events) / took_s / 1e6)
        step = int(step * min(8.0, SLICE_S / took_s))
    return rates


def noise_rates() -> Sequence[float]:
    """Measure 10,000 noise traders alone [M events/s]."""
    model = _crowd(NOISE)
    rates = _slices(model)
    model.close()
    return rates


def mixed_rates() -> Sequence[float]:
    """Measure the mixed crowd of 10,000 [M events/s]."""
    model = _crowd(MIXED)
    rates = _slices(model)
    model.close()
    return rates


def streamed_rates() -> Sequence[float]:
    """Measure the mixed crowd of 10,000 while every trade goes to Parquet, closing the file included [M events/s]."""
    from marketsim.datasets.recorder import Recorder
    from marketsim.simulation.recording.model_recorder import ModelRecorder

    model = _crowd(MIXED, **{"record.trades": "all", "record.quotes": "1s"})
    rates = []
    for _ in range(RECORDINGS):
        with tempfile.TemporaryDirectory() as folder:
            recorder = Recorder(Path(folder))
            record = ModelRecorder(model, recorder)
            events, started_s = model.world.get("micro_events"), time.perf_counter()
            model.env.run(model.env.now + 12 * 3_600 * NS_PER_SECOND)
            record.flush()
            recorder.close()
            rates.append((model.world.get("micro_events") - events) / (time.perf_counter() - started_s) / 1e6)
    model.close()
    return rates


# -- a million traders, in a process of their own


@cache
def million() -> dict[str, list[float]]:
    """Build and run `million.yaml` in a new process: rates, bytes a trader, and what the process holds without them."""
    program = "from marketsim.bench import measure_million; measure_million()"
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    figures: dict[str, list[float]] = json.loads(ended.stdout.splitlines()[-1])
    return figures


def measure_million() -> None:
    """Print the figures of `million` as JSON."""
    resident = [_resident_bytes()]
    models = []
    for count in (1_000, 1_000_000):
        models.append(_model("million.yaml", **{"traders.noise.count": str(count), "clock.duration": "30d"}))
        resident.append(_resident_bytes())
    small, model = models
    orders = model.world.orders.nbytes - small.world.orders.nbytes
    each = (resident[2] - resident[1] - orders) / (1_000_000 - 1_000)
    small.close()
    model.env.run(60 * NS_PER_SECOND)
    figures = {"rates": _slices(model), "bytes": [each], "base": [resident[1] / MIB]}
    sys.stdout.write(json.dumps(figures) + "\n")


def _resident_bytes() -> int:
    """Memory this process holds now, free blocks handed back first; its peak where the system does not say."""
    from marketsim.datasets.provenance import peak_rss_mb

    with suppress(OSError, AttributeError):  # glibc has it
        ctypes.CDLL("libc.so.6").malloc_trim(0)

    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return int(peak_rss_mb() * MIB)


# -- Python participants


def _quiet() -> MarketModel:
    """The world btc-perp@1 without its traders: an index, a mark, an empty book."""
    return _model(
        "base/btc-perp@1.yaml", **{f"traders.{group}.count": "0" for group in NOISE}, **{"clock.duration": "30d"}
    )


def read_costs() -> Sequence[float]:
    """Time what a SimPy event that reads the market costs more than a bare one [us]."""
    import simpy

    def reader(env: Any, look: Callable[[], object]) -> Generator[Any, Any, None]:
        while True:
            yield env.timeout(1_000_000)
            look()

    model = _quiet()
    model.env.process(reader(model.env, lambda: model.view.mid("BTC-PERP")))
    bare = simpy.Environment()
    bare.process(reader(bare, lambda: None))
    costs = []
    for _ in range(SLICES):
        seconds = []
        for env in (bare, model.env):
            started_s = time.process_time()
            env.run(int(env.now) + WAKES * 1_000_000)
            seconds.append(time.process_time() - started_s)
        costs.append((seconds[1] - seconds[0]) / WAKES * 1e6)
    model.close()
    return costs


def agent_rates() -> Sequence[float]:
    """Count how often an agent wakes, sends an order, and goes back to sleep [1/s]."""
    from marketsim.traders.agent import Agent

    class Trivial(Agent):
        def process(self) -> Generator[Any, Any, None]:
            while True:
                yield self.wait(1_000_000)
                self.send_lots("BTC-PERP", 1, 299_000, tif="ioc")

    model = _quiet()
    Trivial(model, capital="1 MUSDT")
    rates = []
    for _ in range(SLICES):
        started_s = time.process_time()
        model.env.run(model.env.now + WAKES * 1_000_000)
        rates.append(WAKES / (time.process_time() - started_s))
    model.close()
    return rates


# -- whole processes


def _seconds(times: int, *arguments: str, first: bool = False, **environment: str) -> list[float]:
    """Wall time of whole processes [s]; the first start, which reads bytecode from disk, counts only if `first`."""
    taken = []
    for _ in range(times + (not first)):
        started_s = time.perf_counter()
        command = [sys.executable, *arguments]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})
        taken.append(time.perf_counter() - started_s)
    return taken[not first :]


def help_seconds() -> Sequence[float]:
    """Time `marketsim --help` from a new process [s]."""
    return _seconds(7, "-m", "marketsim", "--help")


def import_seconds() -> Sequence[float]:
    """Time `import marketsim` from a new process [s]."""
    return _seconds(7, "-c", "import marketsim")


def quickstart_seconds() -> Sequence[float]:
    """Time `marketsim run scenarios/quickstart.yaml`, its report included, from a new process [s]."""
    with tempfile.TemporaryDirectory() as folder:
        return _seconds(3, "-m", "marketsim", "run", str(SCENARIOS / "quickstart.yaml"), "--out", folder, "--again")


def compile_seconds() -> Sequence[float]:
    """Compile the kernel in a new process without machine code [s of a core]."""
    program = (
        "import time; from marketsim.kernel.warm import warm_up\n"
        "began_s = time.process_time(); warm_up(lambda text: None); print(time.process_time() - began_s)"
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "MARKETSIM_CACHE_DIR": folder}
        command = [sys.executable, "-c", program]
        return [float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)]


def first_run_seconds() -> Sequence[float]:
    """Run the quickstart from a new process without machine code and bytecode [s]."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        caches = {"MARKETSIM_CACHE_DIR": str(place / "kernel"), "PYTHONPYCACHEPREFIX": str(place / "bytecode")}
        command = ("-m", "marketsim", "run", str(SCENARIOS / "quickstart.yaml"), "--out", str(place / "results"))
        return _seconds(1, *command, first=True, **caches)


# -- sweeps


@cache
def _swept(workers: int) -> tuple[float, float]:
    """Sweep 200 short runs: all of it [s], workers' start included, and the overhead of each [s of a worker].

    The latter is the time between the ends of runs, of each worker, less the runs' own `wall_s`.
    """
    from marketsim.experiments import sweep
    from marketsim.scenario import load

    study = "{arms: [factual, frictionless], replications: 100}"
    scenario = load(SCENARIOS / "quickstart.yaml", set={"study": study})
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        began_s = time.perf_counter()
        out, note = Path(folder), lambda *_: ends.append(time.perf_counter())
        swept = sweep(scenario, out=out, workers=workers, progress=note)
        took_s = time.perf_counter() - began_s
        manifests = [json.loads(path.read_text(encoding="utf-8")) for path in swept.path.glob("runs/*/manifest.json")]
    own_s = statistics.mean(manifest["wall_s"] for manifest in manifests)
    settled = ends[1 + 10 * workers :]  # after the workers' own start
    return took_s, workers * (settled[-1] - settled[0]) / (len(settled) - 1) - own_s


def sweep_speedups() -> Sequence[float]:
    """How much sooner two workers end a sweep of 200 short runs than one."""
    return [_swept(1)[0] / _swept(2)[0]]


def sweep_overheads() -> Sequence[float]:
    """Overhead of one run of a sweep [ms], with one worker and with two."""
    return [1e3 * _swept(workers)[1] for workers in (1, 2)]


CASES = [
    Case("help", "s", 0.3, False, help_seconds, "marketsim --help, a whole process"),
    Case("import", "s", 0.15, False, import_seconds, "import marketsim, a whole process"),
    Case("quickstart", "s", 8, False, quickstart_seconds, "scenarios/quickstart.yaml with its report, a whole process"),
    Case("noise", "M events/s", 10, True, noise_rates, "10,000 noise traders alone, after an hour"),
    Case("mixed", "M events/s", 6, True, mixed_rates, "the crowd of btc-perp@1 as 10,000, after an hour"),
    Case("streamed", "M events/s", 4, True, streamed_rates, "the same, every trade to Parquet, file closed"),
    Case(
        "million",
        "M events/s",
        2.5,
        True,
        lambda: million()["rates"],
        "scenarios/million.yaml with its 20 makers, after a minute",
    ),
    Case(
        "million_bytes",
        "bytes",
        200,
        False,
        lambda: million()["bytes"],
        "memory a trader, resting orders apart",
    ),
    Case("base_memory", "MiB", 400, False, lambda: million()["base"], "memory of a process with a small world"),
    Case("read", "us", 5, False, read_costs, "a SimPy event that reads the mid, less a bare one"),
    Case("agent", "1/s", 50_000, True, agent_rates, "a Python agent wakes and sends an IOC order"),
    Case("sweep", "ratio", 1.8, True, sweep_speedups, "200 short runs by two workers, as fast as by one"),
    Case("sweep_overhead", "ms", 50, False, sweep_overheads, "overhead of one run of a sweep"),
    Case("compile", "s", 30, False, compile_seconds, "the kernel compiled cold, time of a core"),
    Case("first_run", "s", 60, False, first_run_seconds, "the quickstart with no cache, a whole process"),
]
