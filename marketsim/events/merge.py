"""A reverse split under the name MEXC, KuCoin and Pionex give it."""

from __future__ import annotations

from typing import Literal

from marketsim.events.conversion import ConversionEventSpec
from marketsim.events.family import EVENTS


@EVENTS.register
class MergeEventSpec(ConversionEventSpec):
    """A reverse split under the name MEXC, KuCoin and Pionex give it."""

    word = "merge"
    event_words = (word,)

    kind: Literal["merge"]
