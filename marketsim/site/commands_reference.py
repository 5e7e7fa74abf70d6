"""The reference of commands: the `--help` of each, subcommands below their group."""

from __future__ import annotations

from collections.abc import Iterator

import click

from marketsim.cli import main

_WIDTH = 96


def written() -> str:
    """The page, in Markdown."""
    top = ["# Commands", "", "What `marketsim COMMAND --help` prints, command by command; `marketsim --help`:", ""]
    context = click.Context(main, info_name="marketsim", max_content_width=_WIDTH, terminal_width=_WIDTH)
    return "\n".join([*top, *_block(main.get_help(context)), *_chapters(main, context)])


def _chapters(group: click.Group, above: click.Context) -> Iterator[str]:
    """The chapters of a group's commands, in its order."""
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        if command is None or command.hidden:
            continue
        context = click.Context(command, parent=above, info_name=name, max_content_width=_WIDTH, terminal_width=_WIDTH)
        yield from (f"## {context.command_path}", "", *_block(command.get_help(context)))
        if isinstance(command, click.Group):
            yield from _chapters(command, context)


def _block(text: str) -> list[str]:
    return ["```text", *text.splitlines(), "```", ""]
