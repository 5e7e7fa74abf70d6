"""How a child process is started so that it imports nothing from the folder one stands in.

Python looks for modules in the working folder first when it is started with `-c` or `-m`: a file `json.py` that lies
there would be executed. A child gets its parent's path behind its own, without the working folder, and so do its
children.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

SAFE_PATH: Mapping[str, str] = {"PYTHONSAFEPATH": "1"}
"""What a child's environment has beside its parent's."""


def safe_command(program: str) -> list[str]:
    """The command that runs a program text in another Python, which finds what this one finds."""
    here = os.path.realpath(os.getcwd())
    known = [path for path in sys.path if path and (os.path.realpath(path) != here or _is_home(path))]
    return [sys.executable, "-P", "-c", f"import sys; sys.path.extend({known!r}); {program}"]


def _is_home(path: str) -> bool:
    """Whether this package itself is found there: then it must stay, behind all others."""
    return os.path.isfile(os.path.join(path, "marketsim", "safe_path.py"))
