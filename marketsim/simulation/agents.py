"""A researcher's own agents in a run: who they are in its identity, when they join, and what they wrote down.

An agent is Python, and no part of a scenario. So a run with agents has another `run_id` than the run without: the hash
takes in the names of the factories, in order, or `agents_id`, with which the researcher answers for one whose name does
not say what it makes (a lambda, a closure, a partial). The text of the files they stand in counts as code: a run by an
edited agent is not taken for the run that stands there (D18).
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketsim.datasets.provenance import canonical_json, write_json
from marketsim.errors import UsageError

if TYPE_CHECKING:
    from marketsim.simulation.model import MarketModel

AgentFactory = Callable[["MarketModel"], object]
"""Makes one agent, or several, in a model that is built and has not begun: `lambda model: Predator(model, ...)`."""


@dataclass(frozen=True, slots=True)
class OwnAgents:
    """The factories of a run and what they are called; none by default."""

    factories: tuple[AgentFactory, ...] = ()
    names: tuple[str, ...] = ()

    def run_id(self, of_the_world: str) -> str:
        """The run's identity: that of the same run without agents, hashed with their names; 16 hexadecimal digits."""
        if not self.factories:
            return of_the_world
        return hashlib.sha256(canonical_json([of_the_world, *self.names])).hexdigest()[:16]

    def code(self, of_marketsim: str) -> str:
        """The version of the code: marketsim's, and 12 digits of the hash of every file a factory stands in."""
        if not self.factories:
            return of_marketsim
        texts = hashlib.sha256()
        for factory in self.factories:
            path = _source_of(factory)
            texts.update(path.read_bytes() if path is not None else b"")
        return f"{of_marketsim}+{texts.hexdigest()[:12]}"

    def join(self, model: MarketModel) -> None:
        """Make them, in order."""
        for factory in self.factories:
            factory(model)

    def write(self, model: MarketModel, folder: Path) -> None:
        """Write what each agent recorded into `agents.json`, by its name; nothing for a run without agents."""
        if self.factories:
            told = {agent.name: [_plain(row) for row in agent.records] for agent in model.agents}
            write_json(folder / "agents.json", {"made_by": list(self.names), "records": told})


NO_AGENTS = OwnAgents()
"""Of a run of its scenario alone."""


def own_agents(factories: Sequence[AgentFactory], agents_id: str | None = None) -> OwnAgents:
    """The agents of a run.

    Raises UsageError for a factory that cannot be called, for one whose name does not identify it while there is no
    `agents_id`, and for an `agents_id` without agents.
    """
    for number, factory in enumerate(factories):
        if not callable(factory):
            raise UsageError(f"agents[{number}] was {factory!r}; allowed: a class or function called with the model")
    if agents_id is not None:
        if not factories or not agents_id.strip():
            raise UsageError(f"agents_id was {agents_id!r}; allowed: a name for the agents, where there are any")
        return OwnAgents(tuple(factories), (agents_id,))
    return OwnAgents(tuple(factories), tuple(_name_of(number, factory) for number, factory in enumerate(factories)))


def _name_of(number: int, factory: AgentFactory) -> str:
    name = getattr(factory, "__qualname__", "")
    if not name or "<" in name or inspect.ismethod(factory):
        raise UsageError(
            f"agents[{number}] was {factory!r}, whose name does not say what it makes; allowed: a class or function at "
            'the top of a module, or any with agents_id="..." to tell this run from others'
        )
    return f"{getattr(factory, '__module__', '')}.{name}"


def _source_of(factory: AgentFactory) -> Path | None:
    """The file a factory stands in, where there is one (not at a prompt); of a partial, that of its function."""
    inner = getattr(factory, "func", factory)
    try:
        found = inspect.getsourcefile(inner if inspect.isroutine(inner) or inspect.isclass(inner) else type(inner))
    except TypeError:
        return None
    return Path(found) if found is not None and Path(found).is_file() else None


def _plain(value: Any) -> Any:
    """A value as JSON has it: numbers that are none become null, what JSON does not know becomes text."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
