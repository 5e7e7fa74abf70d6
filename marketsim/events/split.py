"""A reverse split by notice."""

from __future__ import annotations

from typing import Literal

from marketsim.events.conversion import ConversionEventSpec
from marketsim.events.family import EVENTS


@EVENTS.register
class SplitEventSpec(ConversionEventSpec):
    """A reverse split by notice: `ratio` tokens become one; primary and own market rest for `halt`."""

    word = "reverse_split"
    event_words = (word,)

    kind: Literal["split"]
