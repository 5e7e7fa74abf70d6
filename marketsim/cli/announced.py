"""Commands that the contract names and this version lacks: each is refused by name, with what there is instead."""

from __future__ import annotations

import click

LATER = {
    "ui": "Serve the interactive page on this machine",
}


def _announced(name: str, about: str) -> click.Command:
    text = f"{about} (not in this version)."

    @click.command(name, help=text, short_help=text, context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def refuse(arguments: tuple[str, ...]) -> None:
        import marketsim
        from marketsim.errors import UsageError

        version = marketsim.__version__
        raise UsageError(f"`marketsim {name}` is not in version {version}; there are run, sweep, report and figures")

    return refuse


COMMANDS = [_announced(name, about) for name, about in LATER.items()]
