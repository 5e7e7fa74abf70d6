"""Compiled functions chosen by a code: one file each in a folder, and one function that compares the code with all of theirs.

A folder declares nothing: the files that are there, in alphabetical order, have the codes 0, 1, .. (`CODES` of the folder,
which imports none of them), and each has a compiled function of its own name.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from marketsim.kernel.records import compiled


def functions_of(package: str, codes: Mapping[str, int]) -> dict[str, Any]:
    """The function of each of these files, by name; ImportError where a file has none of its name."""
    functions = {}
    for name in codes:
        module = import_module(f"{package}.{name}")
        if not hasattr(module, name):
            raise ImportError(f"{module.__file__} has no function {name!r}; it must declare one of the file's name")
        functions[name] = getattr(module, name)
    return functions


def by_code(code: str, codes: Mapping[str, int], functions: Mapping[str, Any], otherwise: Any, arguments: str) -> Any:
    """One compiled function that lets the function whose code equals `code` (an expression) answer, `otherwise` where none does.

    It is written out as text: in a chain of functions each link would put all that follows through the compiler once more
    (measured with six: 28 s instead of 25).
    """
    lines = [f"def chosen({arguments}):", f"    code = {code}"]
    for name, number in codes.items():
        lines += [f"    if code == {number}:", f"        return {name}({arguments})"]
    lines += [f"    return otherwise({arguments})"]
    scope = {"otherwise": otherwise, **functions}
    exec("\n".join(lines), scope)  # noqa: S102  # names of files of this room and their numbers
    return compiled(scope["chosen"])
