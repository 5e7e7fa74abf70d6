"""The command line: reads options, calls one room, prints what it answers.

Nothing is decided here. Lives here: the group and its one way out (`group`), what several commands take and print
(`options`, `output`), and the commands, by what they are about (`runs`, `facts`, `figures`, `studies`, `scenarios`,
`dataset`, `machine`). Rooms are imported inside the commands, so that `--help` imports click and nothing else.
"""

from marketsim.cli import dataset, facts, figures, machine, runs, scenarios, studies
from marketsim.cli.group import main

__all__ = ["main"]

for _command in (
    runs.run,
    scenarios.validate,
    scenarios.show,
    studies.sweep,
    runs.compare,
    runs.reproduce,
    facts.facts,
    runs.explain,
    runs.report,
    dataset.dataset,
    scenarios.list_,
    scenarios.new,
    scenarios.schema,
    machine.tables,
    machine.bench,
    machine.doctor,
    figures.figures,
    machine.ui,
):
    main.add_command(_command)
