"""The reference of tables: what `marketsim tables` prints."""

from __future__ import annotations

from marketsim.datasets.tables import data_dictionary


def written() -> str:
    """The page, in Markdown."""
    return data_dictionary()
