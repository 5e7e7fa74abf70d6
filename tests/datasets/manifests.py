"""Manifests written by hand, closed with their own hash as those of runs are."""

from pathlib import Path
from typing import Any

from marketsim.datasets.integrity import MANIFEST, signed
from marketsim.datasets.provenance import write_json


def write_manifest(folder: Path, **manifest: Any) -> None:
    """Write a manifest of these keys, finished unless it says otherwise."""
    write_json(folder / MANIFEST, signed({"status": "ok", **manifest}, "manifest_sha256"))
