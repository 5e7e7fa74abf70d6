"""Where a run came from: its identity, the code and machine that made it, and the manifest that says so."""

from __future__ import annotations

import hashlib
import json
import os
import platform as machine
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketsim.kinds import Plugin, families, load_plugins

if TYPE_CHECKING:
    from marketsim.datasets.writer import TableSummary

SCHEMA = "marketsim/1"
COUNTS = (
    "micro_events",
    "strategic_events",
    "orders",
    "cancels",
    "rejected_orders",
    "trades",
    "liquidations",
    "deleveragings",
    "rebalances",
    "creations",
    "redemptions",
)
NOT_PART_OF_THE_WORLD = ("study", "seed", "name", "title", "references")
LIBRARIES = ("numba", "numpy", "simpy", "mesa", "polars", "scipy", "pydantic", "networkx")


def canonical_json(value: Any) -> bytes:
    """A value as the one JSON text for it: keys sorted, no blanks, UTF-8; raises `ValueError` for NaN and infinity."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def json_text(value: Any) -> str:
    """A value as JSON for people: indented, keys in the order given, a line end at the end."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON for people."""
    path.write_text(json_text(value), encoding="utf-8", newline="\n")


def scenario_sha256(resolved: Mapping[str, Any]) -> str:
    """The identity of a resolved world: equal worlds that were spelled, named or seeded differently have the same."""
    world = {key: value for key, value in resolved.items() if key not in NOT_PART_OF_THE_WORLD}
    return hashlib.sha256(canonical_json(world)).hexdigest()


def utc_now() -> str:
    """This second in UTC, as manifests and study.json write instants."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def run_id(scenario_sha256: str, seed: int, replication: int, arm: str) -> str:
    """The identity of a run, 16 hexadecimal digits of the hash of what sets it apart."""
    return hashlib.sha256(canonical_json([scenario_sha256, seed, replication, arm])).hexdigest()[:16]


def identity_sha256(scenario_sha256: str, seed: int, replication: int, code: str) -> str:
    """The identity of a run without its intervention [hex]: world, luck and code."""
    return hashlib.sha256(canonical_json([scenario_sha256, seed, replication, code])).hexdigest()


def code_sha256(package: Path, suffixes: Iterable[str] = (".py", ".yaml")) -> str:
    """The hash of every source file in folder `package`, or of the one file that it is [hex].

    The scenarios that a wheel brings along are no code: a run is the same from a wheel and from a checkout.
    """
    code, wanted = hashlib.sha256(), set(suffixes)
    files = package.rglob("*") if package.is_dir() else [package]
    for path in sorted(files, key=lambda path: path.relative_to(package).as_posix()):
        if path.suffix in wanted and path.is_file() and not path.is_relative_to(package / "scenarios"):
            data = path.read_bytes()
            code.update(f"{path.relative_to(package).as_posix()}\0{len(data)}\0".encode() + data)
    return code.hexdigest()


def code_version(package: Path, suffixes: Iterable[str] = (".py", ".yaml")) -> str:
    """The version of the code in folder `package`: release + 12 digits of the hash of every source file in it."""
    return f"{_installed('marketsim-lab')}+{code_sha256(package, suffixes)[:12]}"


@cache
def code_here() -> str:
    """The version of the code that runs in this process, as it stood when first asked for.

    Plugins with kinds that can be part of a world count: one more, or another version of one, is other code.
    """
    own = code_version(Path(__file__).resolve().parent.parent)
    acting = [plugin for plugin in load_plugins() if families()[plugin.family].key]
    if not acting:
        return own
    return f"{own}+{hashlib.sha256(canonical_json(_packages(acting))).hexdigest()[:12]}"


def _packages(plugins: Iterable[Plugin]) -> list[dict[str, str]]:
    """The distributions of plugins: name, version, and the hash of their code."""
    sources = {(plugin.package, plugin.version): plugin.source for plugin in plugins}
    return [
        {"name": name, "version": release, "sha256": code_sha256(source)}
        for (name, release), source in sorted(sources.items())
    ]


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def versions(code: str) -> dict[str, str]:
    """Versions of our code, of Python and of the libraries that take part in a run."""
    libraries = {name: _installed(name) for name in LIBRARIES}
    return {"marketsim": code, "python": machine.python_version(), **libraries}


def platform() -> dict[str, Any]:
    """The kind of machine, without its name."""
    return {
        "system": machine.system(),
        "release": machine.release(),
        "machine": machine.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "implementation": machine.python_implementation(),
        "libc": " ".join(part for part in machine.libc_ver() if part),
    }


def _processor() -> str:
    """The processor's name where the system tells."""
    told = Path("/proc/cpuinfo")
    if told.is_file():
        for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return machine.processor()


def peak_rss_mb() -> float:
    """The most memory this process ever had resident [MB of 10^6 bytes]."""
    status = Path("/proc/self/status")
    if status.is_file():  # counts from this program's start, where getrusage counts its parent's memory too
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def no_crowding(markets: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The manifest's crowding block of a run for which nothing was estimated."""
    keys = ("k_usdt", "k_triggered_usdt", "impact_per_usdt", "crowding_number", "lo", "hi", "horizon_s")
    return {market: {**dict.fromkeys(keys), "method": "none"} for market in markets}


def manifest(
    *,
    name: str,
    run_id: str,
    scenario_sha256: str,
    seed: int,
    started_utc: str,
    wall_s: float,
    compile_s: float,
    kernel_s: float,
    simulated_ns: int,
    traders: int,
    counts: Mapping[str, int],
    residual_by_asset: Mapping[str, int],
    markets: Iterable[str],
    tables: Mapping[str, TableSummary],
    code: str,
    status: str = "ok",
    reason: str | None = None,
    replication: int = 0,
    cell: int | None = None,
    arm: str = "factual",
    liquidations_queued: Mapping[str, int] | None = None,
    envelope: Mapping[str, Iterable[str]] | None = None,
    intervention: Mapping[str, Any] | None = None,
    identity: str | None = None,
    plugins: Iterable[Plugin] = (),
    over: Mapping[str, Any] | None = None,
    source_sha256: str | None = None,
) -> dict[str, Any]:
    """The manifest of a run, with the keys of the public contract, and some more.

    plugins: those whose kinds its world uses; the manifest has name, version and hash of their distributions.
    `intervention` declares the arm; `identity_sha256` is the run's identity without it: arms of one replication that
    have the same differ in the intervention alone. `over` is what the cell sets, by path; `source_sha256` the
    world whose orders a placebo sent again, where it is another. identity: scenario_sha256 of the world without the
    arm's overrides.
    `kernel_s` includes waiting for the log; `events_per_s` is counts.micro_events / kernel_s; a count that is not given
    is 0; `residual_by_asset` holds, per currency, all balances at the end less all deposits [atoms];
    `liquidations_queued`, per perpetual, the accounts that still wait for liquidation at the end. `envelope`: in words,
    what resets trade beside what the world was tested with, and what goes beyond that.
    """
    if strangers := set(counts) - set(COUNTS):
        raise ValueError(f"unknown counts {sorted(strangers)}; allowed: {', '.join(COUNTS)}")
    counted = {count: int(counts.get(count, 0)) for count in COUNTS}
    return {
        "schema": SCHEMA,
        "name": name,
        "run_id": run_id,
        "status": status,
        "reason": reason,
        "scenario_sha256": scenario_sha256,
        "seed": seed,
        "replication": replication,
        "cell": cell,
        "arm": arm,
        "versions": versions(code),
        "platform": platform(),
        "started_utc": started_utc,
        "wall_s": wall_s,
        "compile_s": compile_s,
        "kernel_s": kernel_s,
        "simulated_ns": int(simulated_ns),
        "traders": int(traders),
        "counts": counted,
        "events_per_s": counted["micro_events"] / kernel_s if kernel_s > 0 else 0.0,
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "conservation": {
            "residual_atoms": sum(abs(int(residual)) for residual in residual_by_asset.values()),
            "by_asset": {asset: int(residual) for asset, residual in residual_by_asset.items()},
        },
        "crowding": no_crowding(markets),
        "tables": {table: asdict(summary) for table, summary in tables.items()},
        "liquidations_queued": {market: int(accounts) for market, accounts in (liquidations_queued or {}).items()},
        "intervention": dict(intervention or {}),
        "identity_sha256": identity_sha256(identity or scenario_sha256, seed, replication, code),
        "plugins": _packages(plugins),
        "over": dict(over or {}),
        "source_sha256": source_sha256,
        **({"envelope": {what: list(told) for what, told in envelope.items()}} if envelope else {}),
    }
