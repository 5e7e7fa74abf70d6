"""Operators of cosmic-ray for the faults that its own do not make: a sum for a mean, a filter left out, a term dropped.

Each lists texts that may stand in a node's place. `places` tells what is not mutated because it is no logic.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any, ClassVar

from cosmic_ray.operators.operator import Example, Operator
from parso.python.tree import Name
from parso.tree import BaseNode, NodeOrLeaf

SWAPPED = [
    ("floor", "ceil"), ("first", "last"), ("head", "tail"), ("min", "max"), ("any", "all"), ("mean", "median"),
    ("bisect_left", "bisect_right"), ("bisect", "bisect_left"), ("BUY", "SELL"), ("LONG", "SHORT"), ("bid", "ask"),
    ("bids", "asks"), ("best_bid", "best_ask"), ("best_bid_ticks", "best_ask_ticks"), ("begin_ns", "end_ns"),
    ("t_ns", "t_end_ns"), ("low", "high"), ("left", "right"), ("lower", "upper"), ("maker", "taker"),
    ("mark_ticks", "index_ticks"), ("holders_atoms", "equity_atoms"), ("round", "floor"), ("sum", "max"),
    ("long", "short"), ("buy", "sell"), ("before", "after"), ("old", "new"),
]  # fmt: skip
"""Names that are easily taken for each other."""

OTHERS = {one: other for pair in SWAPPED for one, other in (pair, pair[::-1])} | {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
}
STEPS = {"filter", "sort", "unique", "abs", "clip", "drop_nulls", "copy", "shift", "round", "fill_null", "over"}
"""Methods that a chain of calls may be written without, by mistake."""

TECHNICAL = {"strict", "encoding", "check", "text", "key", "frozen", "slots", "kw_only", "repr", "schema"}
"""Arguments whose absence is no fault of a figure."""


class Rewriting(Operator):
    """An operator that puts one of several texts in a node's place."""

    example: ClassVar[tuple[str, str]]

    @staticmethod
    def texts(node: NodeOrLeaf) -> list[str]:
        raise NotImplementedError

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[tuple[Any, Any]]:
        for _ in self.texts(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        return Name(self.texts(node)[index], node.start_pos, node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> tuple[Example]:
        return (Example(*cls.example),)


def code_of(node: NodeOrLeaf) -> str:
    return str(node.get_code(include_prefix=False))


def without(elements: list[str], which: int) -> str:
    """The others; a comma behind them makes a tuple of one."""
    return "".join(f"{element}, " for i, element in enumerate(elements) if i != which).strip()


class OtherName(Rewriting):
    """`mean` for `sum`, `ceil` for `floor`, `BUY` for `SELL`, where the name is used and not given."""

    example = ("x = a.sum()", "x = a.mean()")

    @staticmethod
    def texts(node: NodeOrLeaf) -> list[str]:
        if node.type != "name" or node.value not in OTHERS or node.is_definition():
            return []
        is_attribute = node.get_previous_leaf() == "."
        is_keyword = (
            node.parent.type == "argument" and node.parent.children[0] is node and len(node.parent.children) > 2
        )
        if is_keyword or node.search_ancestor("import_from", "import_name", "param", "global_stmt"):
            return []
        other = "max" if node.value == "sum" and not is_attribute else OTHERS[node.value]
        is_known = (
            is_attribute or hasattr(builtins, other) or re.search(rf"\b{other}\b", node.get_root_node().get_code())
        )
        return [other] if is_known else []


class OtherSide(Rewriting):
    """`"sell"` for `"buy"` and the like in texts that are compared or stored."""

    example = ('x = "buy"', 'x = "sell"')

    @staticmethod
    def texts(node: NodeOrLeaf) -> list[str]:
        if node.type != "string" or node.value[1:-1] not in OTHERS:
            return []
        return [f'"{OTHERS[node.value[1:-1]]}"']


class TermLeftOut(Rewriting):
    """A sum without one of its terms, a product without a factor, a condition without one of its parts."""

    example = ("x = a + b", "x = (b)")

    @staticmethod
    def texts(node: NodeOrLeaf) -> list[str]:
        if node.type not in ("arith_expr", "term", "and_test", "or_test", "and_expr"):
            return []
        operands, signs = node.children[::2], [code_of(sign) for sign in node.children[1::2]]
        found = []
        for left_out in range(len(operands)):
            parts = list(chain.from_iterable(zip(["", *signs], map(code_of, operands), strict=True)))
            del parts[2 * left_out : 2 * left_out + 2]
            first = parts[0] if left_out == 0 else ""
            parts[0] = {"-": "-", "/": "1 /", "//": "1 //", "%": "1 %"}.get(first, "")
            found.append("(" + " ".join(part for part in parts if part) + ")")
        return found


class ConditionLeftOut(Rewriting):
    """A comprehension that takes every row."""

    example = ("x = [a for a in b if c]", "x = [a for a in b ]")

    @staticmethod
    def texts(node: NodeOrLeaf) -> list[str]:
        return ["".join(code_of(child) for child in node.children[2:])] if node.type == "comp_if" else []


class StepLeftOut(Rewriting):
    """A chain of calls without one of its steps: `rows.filter(..)` as `rows`."""

    example = ("x = a.filter(b)", "x = a")

    @staticmethod
    def texts(node: NodeOrLeaf) -> list[str]:
        if node.type not in ("power", "atom_expr"):
            return []
        parts = node.children
        found = []
        for i, (name, call) in enumerate(pairwise(parts)):
            if name.type == call.type == "trailer" and code_of(name)[1:] in STEPS and code_of(call)[0] == "(":
                found.append("".join(code_of(part) for part in parts[:i] + parts[i + 2 :]))
        return found


class ArgumentLeftOut(Rewriting):
    """A call without one of its named arguments."""

    example = ("x = f(a, b=c)", "x = f(a,)")

    @staticmethod
    def texts(node: NodeOrLeaf) -> list[str]:
        if node.type != "trailer" or node.children[0].value != "(" or len(node.children) < 3:
            return []
        if node.get_previous_leaf().value[:1].isupper():  # what a record is made of must be there
            return []
        inside = node.children[1]
        arguments = inside.children[::2] if inside.type == "arglist" else [inside]
        named = [
            i
            for i, one in enumerate(arguments)
            if one.type == "argument" and code_of(one.children[1]) == "=" and code_of(one.children[0]) not in TECHNICAL
        ]
        return ["(" + without([code_of(one) for one in arguments], i) + ")" for i in named]


class ElementLeftOut(Rewriting):
    """A tuple, list, set or dict without one of its elements."""

    example = ("x = [a, b]", "x = [b,]")

    @staticmethod
    def texts(node: NodeOrLeaf) -> list[str]:
        if (
            node.type != "atom"
            or len(node.children) != 3
            or node.children[1].type not in ("testlist_comp", "dictorsetmaker")
        ):
            return []
        opened, inside, closed = node.children
        if any(child.type in ("comp_for", "sync_comp_for") for child in inside.children):
            return []
        elements = ["".join(map(code_of, some)) for some in separated(inside.children)]
        return [opened.value + without(elements, i) + closed.value for i in range(len(elements)) if len(elements) > 1]


def separated(children: list[NodeOrLeaf]) -> list[list[NodeOrLeaf]]:
    """What stands between commas."""
    groups: list[list[NodeOrLeaf]] = [[]]
    for child in children:
        if code_of(child) == ",":
            groups.append([])
        else:
            groups[-1].append(child)
    return [group for group in groups if group]


class StatementLeftOut(Rewriting):
    """A call whose answer nobody takes, or an assignment to a field or in place, that is not made."""

    example = ("self.a += 1\n", "pass\n")

    @staticmethod
    def texts(node: NodeOrLeaf) -> list[str]:
        if node.parent is None or node.parent.type != "simple_stmt" or not isinstance(node, BaseNode):
            return []
        if node.type in ("power", "atom_expr") and node.children[-1].type == "trailer":
            return ["pass"]
        if node.type == "expr_stmt":
            target, sign = node.children[0], node.children[1]
            is_in_place = sign.type == "operator" and sign != "="
            if is_in_place or (sign == "=" and target.type in ("power", "atom_expr")):
                return ["pass"]
        return []


class Decided(Rewriting):
    """A condition that always holds, or never."""

    example = ("if a: pass", "if True: pass")

    @staticmethod
    def texts(node: NodeOrLeaf) -> list[str]:
        parent = node.parent
        if parent is None or code_of(node) in ("True", "False", "TYPE_CHECKING"):
            return []
        is_asked = parent.type == "if_stmt" and parent.children[parent.children.index(node) - 1] in ("if", "elif")
        is_chosen = parent.type == "test" and parent.children[2] is node
        return ["True", "False"] if is_asked or is_chosen else []


OWN = [
    OtherName, OtherSide, TermLeftOut, ConditionLeftOut, StepLeftOut, ArgumentLeftOut, ElementLeftOut, StatementLeftOut,
    Decided,
]  # fmt: skip
