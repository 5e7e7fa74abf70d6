"""What makers make of orders, in plain Python: the twin of `kernel/views`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass
class View:
    """One market's view; `fields` are those of its record in the kernel, without the table of effects."""

    fields: dict[str, Any]
    unit: float
    exponent: float
    value: float = 0.0
    index: int = 0
    averages: list[float] = field(default_factory=lambda: [0.0] * 4)
    weights: list[float] = field(default_factory=lambda: [0.0] * 4)
    surprise: float = 0.0
    past: list[tuple[float, float]] = field(default_factory=list)  # (surprise, value) of every step
    mean_square: float = 0.0

    def __post_init__(self) -> None:
        f = self.fields
        self.impact, self.factor = f["impact"], f["factor"]
        self.minute, self.half_hour, self.hour = f["minute"], f["half_hour"], f["hour"]
        self.day_sum, self.day_steps = f["day_sum"], f["day_steps"]

    def effect(self, ticklots: float) -> float:
        """(value / unit)^exponent, a straight line between 16 values to a doubling, at most 30."""
        mantissa, exponent = math.frexp(ticklots)
        low = math.floor(mantissa * 32) / 32
        ends = [min((math.ldexp(m, exponent) / self.unit) ** self.exponent, 30.0) for m in (low, low + 1 / 32)]
        return ends[0] + (mantissa - low) * 32 * (ends[1] - ends[0])

    @property
    def prediction(self) -> float:
        return sum(w * e for w, e in zip(self.weights, self.averages, strict=True))

    def order(self, sign: int, ticklots: float) -> None:
        """A taker order moves the view by what is new in it; then the predictor learns."""
        y = sign * self.effect(ticklots)
        news = y - self.fields["discount"] * self.prediction
        self.value *= 1 + self.impact * self.factor * news
        self.surprise += self.factor * news
        error = max(-3.0, min(3.0, y - self.prediction))
        norm = 0.1 + sum(e * e for e in self.averages)
        self.weights = [
            w + self.fields["prediction_rate"] * error * e / norm
            for w, e in zip(self.weights, self.averages, strict=True)
        ]
        rates = (0.25, 0.03, 0.004, 0.0005)
        self.averages = [e + a * (y - e) for a, e in zip(rates, self.averages, strict=True)]

    def follow(self, index: int) -> None:
        """Part of a move of the index."""
        self.value = self.value * (1 + self.fields["index_share"] * (index / self.index - 1)) if self.index else index
        self.index = index

    def step(self, mid: float | None) -> None:
        """Once a second; mid: None while the spread is 10 bp or more, or a side is empty."""
        f, n = self.fields, len(self.past)
        if mid is not None:
            self.value += f["mid_share"] * (mid - self.value)
        if self.index:
            self.value += f["anchor_share"] * (self.index - self.value)
        self.mean_square += max(3e-4, 1 / (n + 1)) * (self.surprise**2 - self.mean_square)
        if f["learning"] and n >= f["horizon"] and self.mean_square:
            then, value = self.past[n - f["horizon"]]
            lesson = then * (self.value / value - 1) / self.impact - f["shade"] * then**2
            self.impact *= 1 + f["learning"] * max(-20.0, min(20.0, lesson / self.mean_square))
            self.impact = max(f["least_impact"], min(f["most_impact"], self.impact))
        if n:
            steps = min(f["return_steps"], n)
            square = (self.value / self.past[n - steps][1] - 1) ** 2 / steps
            self.minute += f["minute_weight"] * (square - self.minute)
            self.half_hour += f["half_hour_weight"] * (square - self.half_hour)
            self.hour += f["hour_weight"] * (square - self.hour)
        ratio = math.sqrt((self.minute + self.half_hour) / 2) / f["usual"]
        self.factor = max(0.6, min(2.5, 1 + f["feedback"] * (ratio - 1)))
        self.day_sum, self.day_steps = self.day_sum + math.sqrt(self.minute), self.day_steps + 1
        self.past.append((self.surprise, self.value))
        self.surprise = 0.0
