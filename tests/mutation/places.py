"""Every plausible fault of one place in a file, and the mutated text: cosmic-ray's operators and those of `faults`.

Not mutated, because it is no logic: docstrings and other texts, annotations, imports, decorators, `__all__`, what
stands inside a `raise`, a `Fault` or a warning, and what says a rule in words (`sentence`, `words`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.tree import NodeOrLeaf

from tests.mutation.faults import OWN, TECHNICAL, code_of

TAKEN = {
    "Comparison": [
        "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is", "Lt_Gt", "Gt_Lt",
        "LtE_GtE", "GtE_LtE",
    ],
    "Binary": [
        "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "FloorDiv_Div", "Mod_Add", "Pow_Mul",
        "BitAnd_BitOr", "BitOr_BitAnd", "LShift_RShift", "RShift_LShift",
    ],
    "Unary": ["Delete_USub", "Delete_Not", "Delete_Invert"],
}  # fmt: skip
"""Which of cosmic-ray's replacements are plausible; `==` for `>>` is no slip of a pen."""

SINGLE = [
    "AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer",
    "ZeroIterationForLoop",
]  # fmt: skip

SAID = {"Fault", "warn", "RebalanceTrigger", "print"}
COMPOUND = ("if_stmt", "while_stmt", "for_stmt", "with_stmt", "try_stmt", "funcdef", "classdef")
IN_WORDS = ("sentence", "words")


def operators() -> dict[str, type[Operator]]:
    """Every operator in use by its name."""
    provider = OperatorProvider()
    names = [f"Replace{kind}Operator_{pair}" for kind, pairs in TAKEN.items() for pair in pairs] + SINGLE
    return {name: provider[name] for name in names} | {own.__name__: own for own in OWN}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: the occurrence of an operator in a file. lines: first and last of the statement it is in, from 1."""

    path: str
    operator: str
    occurrence: int
    start: tuple[int, int]
    lines: tuple[int, int]


def mutants_of(path: Path, name: str) -> Iterator[Mutant]:
    """Every mutant of a file."""
    tree = get_ast(path.read_text(encoding="utf-8"))
    nodes = [(node, is_logic(node)) for node in ast_nodes(tree)]
    for operator, cls in operators().items():
        occurrence = 0
        for node, counts in nodes:
            for start, _ in cls().mutation_positions(node):
                if counts and not is_annotation(node, start):
                    yield Mutant(name, operator, occurrence, start, statement_of(node, start))
                occurrence += 1


def mutated(source: str, mutant: Mutant) -> str:
    """The file's text with the fault in it."""
    text = mutate_code(source, operators()[mutant.operator](), mutant.occurrence)
    assert text is not None, mutant
    return str(text)


def is_logic(node: NodeOrLeaf) -> bool:
    """Whether a fault there could change a figure or a decision."""
    inner, outer = node, node.parent
    if is_text(node):
        return False
    while outer is not None:
        begins = code_of(outer.children[0])
        is_said = outer.type in ("power", "atom_expr") and inner is not outer.children[0] and begins in SAID
        is_technical = outer.type == "argument" and begins in TECHNICAL
        is_listed = outer.type == "expr_stmt" and begins in ("__all__", "__slots__")
        if is_said or is_technical or is_listed or is_text(outer):
            return False
        inner, outer = outer, outer.parent
    return True


def is_text(node: NodeOrLeaf) -> bool:
    if node.type == "term":  # the path of a file, or a text made from a pattern
        return any(child.type in ("string", "fstring") for child in node.children)
    if node.type == "operator" and node.parent.type in ("parameters", "dictorsetmaker"):  # stars
        return True
    if node.type == "if_stmt" and code_of(node.children[1]) == "TYPE_CHECKING":
        return True
    if node.type == "funcdef":
        return any(word in node.name.value for word in IN_WORDS)
    return node.type in ("raise_stmt", "fstring", "decorator", "import_from", "import_name", "assert_stmt")


def is_annotation(node: NodeOrLeaf, start: tuple[int, int]) -> bool:
    """Whether the place is in an annotation that is only a type: numbers in `Annotated[..]` of a Spec are logic."""
    inner, outer = node, node.parent
    while outer is not None:
        if outer.type == "annassign" and len(outer.children) > 1 and outer.children[1] is inner:
            return "Annotated" not in code_of(inner) or node.type == "operator"
        if outer.type in ("tfpdef", "param") and outer.children[0] is inner and ":" in code_of(outer):
            return True
        if outer.type == "funcdef" and inner is outer.annotation:
            return True
        inner, outer = outer, outer.parent
    return False


def statement_of(node: NodeOrLeaf, start: tuple[int, int]) -> tuple[int, int]:
    """The lines that run when the place runs: of its simple statement, or where it stands in a header."""
    inner: NodeOrLeaf = node
    while inner.parent is not None and inner.parent.type not in ("simple_stmt", "suite", "file_input", *COMPOUND):
        inner = inner.parent
    if inner.type in (*COMPOUND, "suite"):
        return start[0], start[0]
    return inner.start_pos[0], inner.end_pos[0]
