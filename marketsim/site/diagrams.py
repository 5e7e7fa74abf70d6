"""Mermaid blocks of the pages as SVG, drawn when the site is built, so that it needs no script and no network.

The blocks stay Mermaid, which GitHub shows; `mermaid-render` draws them with its own JavaScript engine in this process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class Diagram(SphinxDirective):
    """A fenced block ```mermaid."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"alt": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """The picture, on white in light and dark, which scrolls where it is wider than the page."""
        from mermaid_render import convert

        drawn = convert("\n".join(self.content) + "\n", theme="neutral").decode("utf-8")
        drawn = drawn[drawn.index("<svg") :]
        style = "background: #fff; overflow-x: auto; margin: 1rem 0; padding: .5rem; border-radius: .3rem"
        return [nodes.raw("", f'<div class="diagram" role="img" style="{style}">{drawn}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("mermaid", Diagram)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
