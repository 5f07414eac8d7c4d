"""Pairs of numbers that are turned as complex ones: views of pairs, a product with angles, and views back."""

from workloads.importers.torch.call import operator_of
from workloads.importers.torch.library import FxNode


def turned(node: FxNode) -> bool:
    """Whether pairs seen as complex numbers are multiplied only, and each product is seen as pairs again."""
    products = list(node.users)
    return bool(products) and all(
        operator_of(product) == "aten.mul"
        and product.users
        and all(operator_of(user) == "aten.view_as_real" for user in product.users)
        for product in products
    )


def pairs_in(node: FxNode) -> FxNode | None:
    """Return the operand of a product that is pairs which are turned, None where there is no such."""
    if operator_of(node) != "aten.mul":
        return None
    for given in node.all_input_nodes:
        if given.op == "call_function" and operator_of(given) == "aten.view_as_complex" and turned(given):
            return given
    return None
