"""What a run or a study gives: pictures, what was left out of them and why, and what all captions end with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from marketsim.figures.picture import LeftOut, Panel, Picture


@dataclass(frozen=True)
class Omission:
    """A figure, or a panel of one (`loop: book`), that is not drawn, and why."""

    figure: str
    reason: str


@dataclass(frozen=True)
class Drawn:
    """Pictures to be drawn, what is left out, and the sentences that say where the numbers come from."""

    pictures: Sequence[Picture]
    left_out: Sequence[Omission]
    provenance: Sequence[str]


@dataclass
class Gathering:
    """Collects pictures and panels; one that raises `LeftOut` is an omission with its reason."""

    left_out: list[Omission]

    def panels(self, figure: str, makers: Iterable[tuple[str, Callable[[], tuple[Panel, str]]]]) -> tuple[
        list[Panel], list[str]
    ]:  # fmt: skip
        """The panels that can be made and a sentence of each; raises `LeftOut` where that is none."""
        panels, said, lacking = [], [], []
        for name, maker in makers:
            try:
                panel, sentence = maker()
            except LeftOut as reason:
                lacking.append(Omission(f"{figure}: {name}", str(reason)))
                continue
            panels.append(panel)
            said.append(sentence)
        if not panels:
            raise LeftOut("; ".join(one.reason for one in lacking))
        self.left_out += lacking
        return panels, said

    def pictures(self, makers: Iterable[tuple[str, Callable[[], Picture]]]) -> list[Picture]:
        """The pictures that can be made."""
        made = []
        for name, maker in makers:
            try:
                made.append(maker())
            except LeftOut as reason:
                self.left_out.append(Omission(name, str(reason)))
        return made
