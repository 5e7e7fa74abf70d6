"""Writing YAML for people to edit: the only place of this room that knows the YAML library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def yaml_text(value: Mapping[str, Any]) -> str:
    """A map of text, numbers, lists and maps as YAML, keys in the order given, lines of about 110 characters."""
    text: str = yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, width=110)
    return text
