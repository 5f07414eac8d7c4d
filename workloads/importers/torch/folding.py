"""What calls of constants come to: PyTorch computes them."""

from dataclasses import replace
from typing import Any

from workloads.errors import NetworkImportError, shown
from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import operator_of
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers import HANDLERS
from workloads.importers.torch.library import FxNode, first_line, torch
from workloads.importers.torch.names import module_of

_VIEWS = (
    "view reshape _unsafe_view flatten unflatten squeeze unsqueeze permute transpose t movedim contiguous"
)
_PICKS = (
    "slice select narrow index index_select embedding gather split split_with_sizes chunk unbind flip roll"
)
_REPEATS = "expand expand_as broadcast_to repeat repeat_interleave"
_MOVES = frozenset(f"{_VIEWS} {_PICKS} {_REPEATS} clone detach alias to _to_copy".split())
"""Operators whose results are elements of their first input."""
_SHAPERS = _MOVES | frozenset(
    (
        *("mul", "add", "sub", "div", "sum", "mean", "var", "rsqrt", "sqrt", "pow", "norm"),
        *("mm", "bmm", "matmul", "mv", "dot", "vdot", "linear", "batch_norm", "linalg_vector_norm"),
        *("fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine"),
    )
)
"""Operators that weights are made with."""
_WIDEST_CODE = 16
"""Bits of the widest integers that floating-point numbers are decoded from."""
_FEWER = 4
"""Times that scales and books of codes are fewer than the numbers they make."""
_PRODUCTS = frozenset(("matmul", "mm", "bmm", "baddbmm"))
_SEQUENCES = ("lstm", "gru", "rnn_tanh", "rnn_relu")
LAYERS = frozenset(
    (
        *("linear", "matmul", "mm", "bmm", "addmm", "baddbmm"),
        *("conv1d", "conv2d", "conv3d", "convolution", "_convolution"),
        *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        *("layer_norm", "rms_norm", "group_norm", "batch_norm", "_native_batch_norm_legit_no_training"),
        *_SEQUENCES,
    )
)
"""Operators whose first operand is what flows, and whose others are weights."""


def is_empty(value: Any) -> bool:
    """Whether a tensor has no elements, whatever it holds."""
    return any(isinstance(length, int) and length == 0 for length in value.shape)


def empty(value: Any) -> Constant:
    """Return a tensor without elements (the first cache of a decoder): nothing depends on what is in it."""
    return Constant.of(torch.empty(tuple(value.shape), dtype=value.dtype))


def filled(node: FxNode, number: float) -> Constant:
    """Return a constant of one number, of which only one element is stored."""
    value = node.meta["val"]
    given = node.args[-1] if operator_of(node).endswith(("full_like", "new_full")) else number
    filling = torch.full((), given if isinstance(given, int | float) else number, dtype=value.dtype)
    return Constant.of(filling.expand(tuple(value.shape)))


def stays(node: FxNode, builder: Builder) -> bool:
    """Whether a call of constants is work of the network, so that its parameters count as they are.

    Layers of constants are (positions learnt from a grid, angles), as PyTorch runs them each time,
    and functions of parameters that come out larger or smaller; not what makes the weights of layers (masks,
    norms, products of small factors).
    """
    operator = operator_of(node).removeprefix("aten.").removesuffix("_")
    result = node.meta.get("val")
    sequence = operator in _SEQUENCES
    single = isinstance(result, torch.Tensor)
    if operator in _MOVES or not (single or sequence) or operator_of(node) not in HANDLERS:
        return False
    leaves = torch.utils._pytree.tree_leaves((builder.value(node.args), builder.value_map(node.kwargs)))
    held = [leaf for leaf in leaves if isinstance(leaf, Constant) and leaf.trained]
    roots = [leaf.root if leaf.root is not None and leaf.picks else leaf for leaf in held]
    learnt = {root.place: root.elements for root in roots}
    sinks = LAYERS - _PRODUCTS if operator in LAYERS - _PRODUCTS else LAYERS
    if (
        not (learnt or operator in LAYERS)
        or "parametrizations" in module_of(node)
        or _makes_weight(node, builder, sinks)
    ):
        return False
    return operator in LAYERS or (single and sum(learnt.values()) != result.numel())


def _makes_weight(node: FxNode, builder: Builder, sinks: frozenset[str]) -> bool:
    """Whether one of some layers takes what a call comes to, or what is computed of it, as its weight."""
    for user in node.users:
        operator = operator_of(user).removeprefix("aten.")
        if operator in sinks and user.args and user.args[0] is not node:
            return True
        if user not in builder.flow and operator in _SHAPERS and _makes_weight(user, builder, sinks):
            return True
    return False


def computed(node: FxNode, builder: Builder) -> Value:
    """Compute a call of constants; the same call of the same constants is computed once."""
    args, kwargs = builder.value(node.args), builder.value_map(node.kwargs)
    flat = torch.utils._pytree.tree_leaves((args, kwargs))
    constants = [leaf for leaf in flat if isinstance(leaf, Constant)]
    key = (node.target, tuple(c.place if isinstance(c, Constant) else repr(c) for c in flat))
    if key not in builder.computed:
        plain_args, plain_kwargs = torch.utils._pytree.tree_map(_plain, (list(args), kwargs))
        if _changes_input(node):
            plain_args[0] = plain_args[0].clone()
        try:
            with torch.no_grad():
                result = node.target(*plain_args, **plain_kwargs)
        except Exception as error:  # an operator may refuse for any reason of its own
            raise NetworkImportError(
                f"{operator_of(node)} {shown(node.name)}: {first_line(error)}"
            ) from error
        builder.computed[key] = torch.utils._pytree.tree_map(
            lambda value: _kept(value, operator_of(node), constants), result
        )
        builder.hold(*constants)
    made = builder.computed[key]
    return tuple(made) if isinstance(made, list) else made


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Constant) else value


def _kept(value: Any, operator: str, sources: list[Constant]) -> Value:
    """Return what was computed of constants as one of them."""
    if not isinstance(value, torch.Tensor):
        return value
    made = Constant.of(value, trained=any(source.trained for source in sources))
    made = _decoded(made, sources, moved=operator.removeprefix("aten.") in _MOVES)
    if "dequantize" in operator and sources:
        return replace(made, bits=sources[0].bits)
    learnt = [source for source in sources if source.trained]
    if operator.removeprefix("aten.") in _MOVES and len(learnt) == 1:
        source = learnt[0]
        repeated = source.repeated or operator.removeprefix("aten.") in _REPEATS.split()
        return replace(made, root=source.root or source, repeated=repeated, sources=source.sources)
    return replace(made, sources=frozenset().union(*(one.origins for one in learnt)))


def _decoded(made: Constant, sources: list[Constant], *, moved: bool) -> Constant:
    """Return what was computed of integers of few bits as wide as they are stored (unpacked by shifts).

    Of several integers the widest count, the others being zero points. Floating-point numbers that are not
    far fewer than the result (scales, a book of codes) are a weight of their own, whose mask integers may be.
    """
    first = sources[:1] if moved and sources[0].elements >= made.elements else sources
    plain = [c.numbers or c.elements for c in first if not c.bits and not c.code_bits]
    codes = max((c.code_bits or c.bits * c.elements for c in first if c.elements > 1), default=0)
    numbers = min(max(plain, default=0), made.elements)
    if not codes or not made.elements or numbers * _FEWER > made.elements:
        return replace(made, numbers=numbers)
    if moved and first[0].elements > made.elements:  # some of them
        codes = codes * made.elements // first[0].elements
    each = codes // made.elements
    if made.bits or not made.value.is_floating_point() or not 0 < each <= _WIDEST_CODE:
        return replace(made, code_bits=codes, numbers=numbers)
    return replace(made, code_bits=codes, bits=each, numbers=numbers)


def _changes_input(node: FxNode) -> bool:
    arguments = getattr(getattr(node.target, "_schema", None), "arguments", [])
    first = arguments[0].alias_info if arguments else None
    return first is not None and first.is_write
