"""PyTorch's flex_attention: which of its arguments are tensors, and what its functions of scores do."""

from typing import Any

from workloads.importers.torch.library import Array, FxNode, torch
from workloads.vector_ops import UNARY

FLEXIBLE = "flex_attention"
_SCORE, _BLOCKS, _OF_SCORES, _OF_MASKS = 3, 4, 7, 8
"""Places of the function of scores, of the block mask, and of what the functions read."""
_MOST = 1 << 24
"""Scores that functions are tried on."""


def operands(node: FxNode) -> list[FxNode]:
    """Return queries, keys, values, and what the functions of scores and masks read."""
    given = [*node.args[:3], *node.args[_OF_SCORES], *node.args[_OF_MASKS]]
    return [one for one in given if isinstance(one, torch.fx.Node)]


def score_ops(score: Any) -> int:
    """Vector operations a score of a function of scores: calls that depend on the score."""
    nodes = list(score.graph.nodes)
    reached, ops = {nodes[0]}, 0
    for node in nodes:
        if node.op == "call_function" and not reached.isdisjoint(node.all_input_nodes):
            reached.add(node)
            ops += UNARY.get(str(node.target).split(".")[1], 1)
    return max(ops, 0)


def is_causal(functions: tuple[Any, Any], extra: tuple[int, int], length: int, context: int) -> bool:
    """Whether scores are kept where a key is not behind its query, and nowhere else.

    Parameters
    ----------
    functions
        Of scores and of masks, as graphs.
    extra
        How many tensors each reads beside them; those that read some are not tried.
    length, context
        Queries and keys.

    """
    if length != context or length * context > _MOST or any(extra):
        return False
    zero = torch.zeros((), dtype=torch.int32)
    rows = torch.arange(length, dtype=torch.int32)[:, None]
    columns = torch.arange(context, dtype=torch.int32)[None]
    places = zero, zero, rows, columns
    try:
        with torch.no_grad():
            kept = _first(functions[0](torch.zeros(length, context), *places)) > -float("inf")
            kept = kept & _first(functions[1](*places))
    except Exception:  # a function may do what only single scores can
        return False
    return bool(torch.equal(kept.expand(length, context), rows >= columns))


def _first(made: Any) -> Array:
    return made[0] if isinstance(made, tuple | list) else made
