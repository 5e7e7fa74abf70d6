"""Manifests written by hand, closed with their own hash as those of runs are."""

from pathlib import Path
from typing import Any

from marketsim.datasets.integrity import MANIFEST, signed
from marketsim.datasets.provenance import write_json


def write_manifest(folder: Path, **manifest: Any) -> None:
    """Write a manifest of these keys, finished and with a rebalance unless it says otherwise."""
    whole = {"status": "ok", "counts": {"rebalances": 1}, **manifest}
    write_json(folder / MANIFEST, signed(whole, "manifest_sha256"))
