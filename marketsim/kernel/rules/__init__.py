"""What traders do when they wake: one file a rule, found here, each of which stands by itself.

A file declares one `Rule` of the file's name (`kernel.rule`): its parameters, what each trader has of its own, and the
compiled function of a wake-up. That is all: codes count through the names in alphabetical order, and the kernel's
dispatch is built from what stands here. Elsewhere: what a rule decides with and acts through -> `kernel.sending`; what a
group of such traders declares -> `traders`; rules of other packages -> `kernel.external`.
"""

from importlib import import_module
from pkgutil import iter_modules

from marketsim.kernel.rule import Rule

__all__ = ["CODES", "RULES", "rule_named"]


def _found() -> dict[str, Rule]:
    """The rules of this folder's files by name, in alphabetical order; ImportError where a file has not one of its name."""
    rules = {}
    for name in sorted(module.name for module in iter_modules(__path__)):
        module = import_module(f"{__name__}.{name}")
        declared = [thing.name for thing in vars(module).values() if isinstance(thing, Rule)]
        if declared != [name]:
            raise ImportError(f"{module.__file__} declares the rules {declared}; it must declare one, {name!r}")
        rules[name] = getattr(module, name)
    return rules


RULES = _found()
CODES = {name: code for code, name in enumerate(RULES)}


def rule_named(name: str) -> Rule:
    """The rule of that name; ValueError, with the names there are, when there is none."""
    if name not in RULES:
        raise ValueError(f"no trader rule is called {name!r}; there are {', '.join(RULES)}")
    return RULES[name]
