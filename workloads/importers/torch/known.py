"""Which calls can be made into operations, and which are refused."""

from typing import Any

from workloads.errors import NetworkImportError
from workloads.importers.own_operators import OPERATORS, way_out
from workloads.importers.torch.call import operator_of
from workloads.importers.torch.exporting import ASKED, Flowing, calls, flowing
from workloads.importers.torch.handlers import HANDLERS
from workloads.importers.torch.library import FxNode
from workloads.importers.torch.names import module_of
from workloads.importers.torch.reasons import depends, line_of

SHAPED = {
    "zeros_like": 0.0,
    "new_zeros": 0.0,
    "ones_like": 1.0,
    "new_ones": 1.0,
    "empty_like": 1.0,
    "new_empty": 1.0,
    "full_like": 1.0,
    "new_full": 1.0,
    "rand_like": 1.0,
    "randn_like": 1.0,
}
"""Operators whose results depend on an input's shape alone, and the number they are filled with."""
WRAPPERS = ("wrap_with_set_grad_enabled", "wrap_with_autocast", "tag_activation_checkpoint")
"""Calls that only run a graph they are given."""
_CONTROL_FLOW = ("cond", "while_loop", "map_impl", "scan", "associative_scan")


def is_known(node: FxNode, flow: Flowing) -> bool:
    """Whether a call can be made into operations, or will be computed."""
    operator = operator_of(node)
    if isinstance(node.meta.get("val"), int) or operator in OPERATORS:  # a length, or what a user knows
        return True
    if operator in ("getitem", *WRAPPERS) or operator.removeprefix("aten.") in SHAPED:
        return True
    if operator == "aten.einsum":
        return _two_operands(node, flow)
    return operator in HANDLERS


def _two_operands(node: FxNode, flow: Flowing) -> bool:
    """Whether an Einsum is a product of two tensors that sums, each axis of an operand named once."""
    left, arrow, result = str(node.args[0]).replace(" ", "").partition("->")
    a, comma, b = left.partition(",")
    named = bool(arrow and comma) and all(part.isalpha() for part in (a, b, *([result] if result else [])))
    once = all(len(set(part)) == len(part) for part in (a, b, result))
    alone, summed = (set(a) ^ set(b)) - set(result), (set(a) & set(b)) - set(result)
    real = not node.meta["val"].dtype.is_complex  # else it is written as matrix products
    return (
        real
        and named
        and once
        and bool(summed)
        and not alone
        and all(given in flow for given in node.args[1])
    )


def check_operators(program: Any, unknown: str) -> None:
    """Refuse a graph with operators nobody here knows, naming all of them and the modules they are in."""
    strange: dict[str, list[str]] = {}
    control, place_of = True, ""
    flow = flowing(program)
    for node in calls(program.graph_module):
        operator = operator_of(node)
        if operator in ASKED and node in flow and not is_known(node, flow):
            raise NetworkImportError(depends(line_of(node)))
        branches = operator in _CONTROL_FLOW
        if node not in flow or is_known(node, flow) or (unknown == "movement" and not branches):
            continue
        control = control and branches
        place_of = place_of or (line_of(node) if branches else "")
        places = strange.setdefault(operator, [])
        place = module_of(node) or "the outermost module"
        if place not in places:
            places.append(place)
    if strange:
        listed = "; ".join(f"{operator} (in {', '.join(places)})" for operator, places in strange.items())
        hint = "" if control else way_out([label for label in strange if label not in _CONTROL_FLOW])
        if any("sparse" in operator for operator in strange):
            hint = (
                "; a sparse tensor is made inside: make it outside, and give it as an input or keep it in "
                "the module"
            )
        why = f"{depends(place_of)}: " if control else ""
        raise NetworkImportError(f"{why}unsupported operators: {listed}{hint}")
