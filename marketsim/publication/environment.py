"""The environment of a package: the versions of all that took part, and marketsim itself as a wheel.

A wheel is a zip of the package and of its metadata with a list of hashes (packaging.python.org, binary distribution
format); this one holds the sources that run in this process, so what made the data goes along with them.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from marketsim.files import shipped_folder

DISTRIBUTION = "marketsim-lab"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: equal sources give equal wheels."""


def requirements(root: str = DISTRIBUTION) -> str:
    """Every distribution that an installation of `root` needs here, as `name==version` lines, `root` left out."""
    return "".join(f"{found.name}=={found.version}\n" for found in sorted(_needed(root), key=lambda each: each.name))


def _needed(root: str) -> Iterator[Distribution]:
    seen, waiting = {_normal(root)}, [distribution(root)]
    while waiting:
        for line in waiting.pop().requires or ():
            name = _normal(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0])
            if name in seen or "extra ==" in line:
                continue
            seen.add(name)
            try:
                found = distribution(name)
            except PackageNotFoundError:  # not needed on this system
                continue
            waiting.append(found)
            yield found


def _normal(name: str) -> str:
    """A distribution's name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def write_wheel(folder: Path) -> Path:
    """Write the wheel of the code that runs here into `folder`; returns where it is."""
    found = distribution(DISTRIBUTION)
    stem = f"{DISTRIBUTION.replace('-', '_')}-{found.version}"
    info, package = f"{stem}.dist-info", Path(__file__).resolve().parent.parent
    entries = {f"marketsim/{name}": data for name, data in _sources(package)}
    entries |= {f"marketsim/scenarios/{name}": data for name, data in _sources(shipped_folder())}
    entries[f"{info}/METADATA"] = (found.read_text("METADATA") or "").encode()
    entries[f"{info}/entry_points.txt"] = (found.read_text("entry_points.txt") or "").encode()
    entries[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: marketsim\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in sorted(entries.items())]
    entries[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name in sorted(entries):
            wheel.writestr(zipfile.ZipInfo(name, _EPOCH), entries[name], zipfile.ZIP_DEFLATED)
    return path


def _sources(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a folder as an installation has them: nothing compiled, nothing hidden, no cases of the language."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_left_out = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts)
        if path.is_file() and not is_left_out and not name.startswith(("cases/", "scenarios/")):
            yield name, path.read_bytes()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
