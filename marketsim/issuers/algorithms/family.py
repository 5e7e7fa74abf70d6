"""The family of execution algorithms: what a kind brings, and what it is asked for.

An algorithm of your own is one class in one file, derived from `ExecutionSpec` (or from `participation.CappedSpec`,
where several children may be capped) and registered with `@EXECUTIONS.register`:

    algorithm  its word, a `Literal`; beside it the other fields, each number with its range (`marketsim.ranges`)
    sentence   what it does, for `show --sentences`
    plan       the plan of one token's orders, a `child.ExecutionPlan`
    faults     what is wrong between its fields; what the base finds stays (`yield from super().faults(gross)`)
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from marketsim.issuers.algorithms.child import ExecutionPlan
from marketsim.kinds import Family
from marketsim.ranges import UP_TO_TENTH
from marketsim.spec import OMITTED_AT_DEFAULT, Fault, Rate, Spec
from marketsim.units import format_rate

if TYPE_CHECKING:
    from marketsim.streams import Stream

MOST_COST = Decimal("0.5")
"""Largest share of equity that the expected cost of turning a whole target over may be."""


class ExecutionSpec(Spec):
    """How a token's orders are worked: what every execution algorithm declares and can be asked for.

    cost_allowance: expected cost per notional (fee, half the spread, impact); orders are sized so that leverage is at
    its target after it. resize: whether an order is sized once, at the decision, or what is left of it before each
    child, at the price that the fund's policy goes by; then the child that takes all that is left ends it.
    """

    is_in_book: ClassVar[bool] = True
    """Whether its children trade in the market's book; False: at the mark, against `outside`."""

    rests_orders: ClassVar[bool] = False
    """Whether its children wait in the book, which a market needs to have then."""

    cost_allowance: Annotated[Rate, UP_TO_TENTH] = Decimal(0)
    resize: Annotated[Literal["never", "each_child"], OMITTED_AT_DEFAULT] = "never"

    def faults(self, gross: Decimal) -> Iterator[Fault]:
        """What is wrong between the fields, or with them and the token's gross target leverage."""
        if self.cost_allowance * gross > MOST_COST:
            message = "with this target such costs leave no size that allows for them"
            allowed = "a cost of at most half the equity when the target is traded"
            yield Fault(("cost_allowance",), message, allowed)
        if self.resizes and not self.is_in_book:
            yield Fault(("resize",), "what trades outside the book moves no price that its size could follow", "never")

    def sentence(self) -> str:
        """What it sends, as a whole sentence."""
        raise NotImplementedError

    def sentences(self) -> Iterator[str]:
        """The same, and what its orders allow for."""
        yield self.sentence()
        if self.resizes:
            yield "Before each of them what is left is sized anew."
        if self.cost_allowance:
            yield f"Its sizes allow for costs of {format_rate(self.cost_allowance)}."

    def plan(self, stream: Stream) -> ExecutionPlan:
        """How its orders are worked; stream: the token's own random stream."""
        raise NotImplementedError

    @property
    def resizes(self) -> bool:
        """Whether what is left is sized anew before each child."""
        return self.resize == "each_child"

    @property
    def is_charged_off_book(self) -> bool:
        """Whether what it trades outside the book pays the taker fee."""
        return True


EXECUTIONS = Family(
    "execution algorithm",
    ExecutionSpec,
    key="algorithm",
    home="marketsim.issuers.algorithms",
    needs=("sentence", "plan"),
)
