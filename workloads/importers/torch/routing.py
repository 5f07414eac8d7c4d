"""Lengths that depend on which expert a router picks: how many rows each gets is data, their sum is not.

Where a mixture of experts finds its rows (`where`, `nonzero`, a mask as an index) PyTorch keeps the length as
a symbol. If the mask says which of E choices was taken (it comes from a top-k, an arg-max or a one-hot), the
rows of one choice are expected to be one E-th of all, and those of the E choices together are exactly all.
"""

from typing import Any

from workloads.importers.torch.call import operator_of
from workloads.importers.torch.library import FxNode, torch

_FINDS = ("aten.where", "aten.nonzero", "aten.nonzero_numpy", "aten.index", "aten.masked_select")
_THROUGH = frozenset(
    (
        *("eq", "select", "slice", "permute", "transpose", "t", "view", "reshape", "clone", "contiguous"),
        *("squeeze", "unsqueeze", "detach", "alias", "to", "_to_copy", "index", "ne", "gt", "getitem"),
        *("flatten", "ravel", "reshape_as", "any", "sum"),
    )
)
_ANY = ("any", "sum")


def expect_lengths(program: Any) -> int:
    """Put expected numbers in the places of lengths that routers decide; return how many there were."""
    sizes: dict[Any, int] = {}
    met: dict[FxNode, int] = {}
    for node in program.graph_module.graph.nodes:
        symbols = list(node.meta.get("unbacked_bindings") or {})
        if len(symbols) == 1 and operator_of(node) == "aten.bincount":
            least = node.args[2] if len(node.args) > 2 else node.kwargs.get("minlength", 0)
            if least:  # experts are told by numbers below it
                sizes[symbols[0]] = int(least)
            continue
        if not symbols or operator_of(node) not in _FINDS:
            continue
        mask = _mask(node)
        found = None if mask is None else _choices(mask)
        if mask is None or found is None or len(symbols) != 1:
            continue
        router, choices, total = found
        place = met[router] = met.get(router, -1) + 1
        sizes[symbols[0]] = (place + 1) * total // choices - place * total // choices
    for node in program.graph_module.graph.nodes:
        if "val" in node.meta:  # some lengths are numbers that PyTorch writes as symbols
            node.meta["val"] = torch.utils._pytree.tree_map(lambda v: _known(v, sizes), node.meta["val"])
    return len(sizes)


def _mask(node: FxNode) -> FxNode | None:
    """Return the mask whose true elements a call finds."""
    given = node.args[1] if operator_of(node) in ("aten.index", "aten.masked_select") else node.args[0]
    if isinstance(given, list | tuple):
        given = next((one for one in given if one is not None), None)
    if not isinstance(given, torch.fx.Node) or not isinstance(given.meta.get("val"), torch.Tensor):
        return None
    return given


def _choices(node: FxNode) -> tuple[FxNode, int, int] | None:
    """Follow a mask back to the router that chose: the call, among how many it chose, and how often."""
    total = int(node.meta["val"].numel())
    for _ in range(64):
        operator = operator_of(node).removeprefix("aten.") if node.op == "call_function" else ""
        if operator == "one_hot":
            return node, int(node.meta["val"].shape[-1]), total
        if operator in ("topk", "argmax", "max", "sort", "argsort"):
            rest = node.args[2:] if operator == "topk" else node.args[1:]
            axis = rest[0] if rest and isinstance(rest[0], int) and not isinstance(rest[0], bool) else -1
            return node, int(node.args[0].meta["val"].shape[axis]), total
        if operator not in _THROUGH or not isinstance(node.args[0], torch.fx.Node):
            return None
        if operator in _ANY:  # no sample chooses the same twice
            total = int(node.args[0].meta["val"].numel()) * total // int(node.meta["val"].numel())
        node = node.args[0]
    return None


def _known(value: Any, sizes: dict[Any, int]) -> Any:
    """Return a tensor of numbers for lengths, or a number, where all symbols are known."""
    if isinstance(value, torch.SymInt):
        return _number(value, sizes)
    if isinstance(value, torch.Tensor) and not all(isinstance(length, int) for length in value.shape):
        shape = [_number(length, sizes) for length in value.shape]
        if all(isinstance(length, int) for length in shape):
            return torch.empty(shape, dtype=value.dtype, device="meta")
    return value


def _number(length: Any, sizes: dict[Any, int]) -> Any:
    if isinstance(length, int):
        return length
    left = length.node.expr.subs(sizes)
    return int(left) if left.is_Integer else length
