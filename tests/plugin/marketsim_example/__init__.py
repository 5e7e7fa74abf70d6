"""Kinds that another package adds to marketsim: one file a kind, named in `pyproject.toml` as entry points."""
