"""What this machine has and lacks: versions, the kernel's cache, extras, and the line that installs what is missing.

It looks and reports; it installs and changes nothing.
"""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from marketsim.errors import EnvironmentLackError

DISTRIBUTION = "marketsim-lab"
INSTALL_SOURCE = "pip install -e ."


def examine() -> dict[str, Any]:
    """Look at versions, the kernel's cache and extras; raises `EnvironmentLackError` if marketsim is not installed."""
    from marketsim.kernel import cache_folder

    needed, extras = _requirements()
    versions = {name: _version(name) for name in needed}
    folder = cache_folder()
    return {
        "marketsim": version(DISTRIBUTION),
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "versions": versions,
        "missing": sorted(name for name, found in versions.items() if found is None),
        "kernel_cache": {"folder": str(folder), "warm": any(folder.rglob("*.nbi"))},
        "extras": {extra: _extra(extra, names) for extra, names in extras.items()},
    }


def as_text(found: dict[str, Any]) -> str:
    """Say in lines what `examine` found."""
    cache = found["kernel_cache"]
    state = "warm" if cache["warm"] else "cold: the first run compiles the kernel"
    lines = [
        f"marketsim {found['marketsim']}, Python {found['python']}, {found['platform']}",
        f"executable    {found['executable']}",
        f"kernel cache  {cache['folder']} ({state})",
        *(f"{name:<18}{number or 'missing: ' + INSTALL_SOURCE}" for name, number in found["versions"].items()),
    ]
    for extra, state in found["extras"].items():
        lacks = f"lacks {', '.join(state['missing'])}; {state['install']}" if state["missing"] else "complete"
        lines.append(f"extra {extra:<12}{lacks}")
    return "\n".join(lines)


def _requirements() -> tuple[list[str], dict[str, list[str]]]:
    try:
        lines = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        raise EnvironmentLackError("marketsim is not installed here, only its source is", INSTALL_SOURCE) from None
    needed: list[str] = []
    extras: dict[str, list[str]] = {}
    for line in lines:
        name = re.match(r"[A-Za-z0-9._-]+", line)
        extra = re.search(r"extra == ['\"]([^'\"]+)", line)
        if name is not None:
            (extras.setdefault(extra[1], []) if extra else needed).append(name[0])
    return needed, extras


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _extra(extra: str, names: list[str]) -> dict[str, Any]:
    missing = [name for name in names if _version(name) is None]
    return {"missing": missing, "install": f"pip install -e '.[{extra}]'"}
