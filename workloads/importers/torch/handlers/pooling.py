"""Pools and reductions."""

from math import inf

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.handlers.registry import handles
from workloads.operations import AdaptivePool, CumulativeSum, Elementwise, GlobalPool, Pool, Reduce, TopK
from workloads.operations.base import Operation

_INDEX_BITS = 64


@handles(
    *("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d"),
    *("max_pool2d_with_indices", "max_pool3d_with_indices"),
)
def pool(call: Call, builder: Builder) -> Value:
    """Add a sliding window; an input without a batch gets one for the while."""
    rank = next(int(digit) for digit in call.operator if digit in "123")
    kernel = call.integers("kernel_size", rank)
    operation = Pool(
        call.name,
        mode="max" if "max_pool" in call.operator else "average",
        kernel=kernel,
        stride=call.integers("stride", rank) or kernel,
        padding=call.integers("padding", rank),
        dilation=call.integers("dilation", rank) or 1,
        ceil_mode=bool(call.get("ceil_mode", False)),
        count_include_pad=bool(call.get("count_include_pad", True)),
    )
    made = _window(call, builder, operation, rank)
    return (made, _positions(call, builder, made)) if "indices" in call.operator else made


def _positions(call: Call, builder: Builder, made: str) -> str | None:
    """Add the positions of what was found, which are written, where anybody asks for them."""
    if not any(user.args[1] == 1 and user.users for user in call.node.users):
        return None
    operation = Elementwise(builder.part(call, "positions"), "cast")
    return builder.graph.add(operation, made, bits=_INDEX_BITS)


def _window(call: Call, builder: Builder, operation: Operation, rank: int) -> str:
    tensor = builder.tensor(call)
    if len(tensor.shape) == rank + 2:
        return builder.emit(call, operation, tensor.name)
    one = builder.reshaped(call, tensor.name, (1, *tensor.shape), "batch")
    return builder.reshaped(call, builder.step(operation, one), call.shape())


@handles(
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d"),
    *("_adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"),
)
def adaptive(call: Call, builder: Builder) -> Value:
    """Add a pool with as many windows as asked for: a global one, none, a plain one, or one of its own."""
    rank = next(int(digit) for digit in call.operator if digit in "123")
    tensor, wanted = builder.tensor(call), call.shape()[-rank:]
    mode = "max" if "max" in call.operator else "average"
    lengths = tensor.shape[-rank:]
    if lengths == wanted:
        made = tensor.name
    elif set(wanted) == {1}:
        made = _window(call, builder, GlobalPool(call.name, mode), rank)
    elif all(length % windows == 0 for length, windows in zip(lengths, wanted, strict=True)):
        kernel = tuple(length // windows for length, windows in zip(lengths, wanted, strict=True))
        made = _window(call, builder, Pool(call.name, mode, kernel), rank)
    else:
        made = _window(call, builder, AdaptivePool(call.name, mode, wanted), rank)
    return (made, _positions(call, builder, made)) if mode == "max" else made


_REDUCTIONS = {
    "all": "min",
    "amax": "max",
    "amin": "min",
    "any": "max",
    "logsumexp": "log_sum_exp",
    "max": "max",
    "mean": "mean",
    "min": "min",
    "prod": "prod",
    "sum": "sum",
}


@handles(*_REDUCTIONS)
def reduction(call: Call, builder: Builder) -> Value:
    """Add a reduction of some axes, or the larger (smaller) of two tensors."""
    if call.has("other"):
        function = "max" if "max" in call.operator else "min"
        inputs = [builder.argument(call, "self"), builder.argument(call, "other")]
        return builder.emit(call, Elementwise(call.name, function), *inputs)
    mode = _REDUCTIONS[call.operator.removeprefix("aten.")]
    made = builder.emit(call, _reduce(call, mode, call.name), builder.tensor(call).name)
    return (made, _positions(call, builder, made)) if len(call.shapes()) > 1 else made


def _reduce(call: Call, mode: str, name: str, *, keep: bool | None = None) -> Reduce:
    axes = call.integers("dim") if call.has("dim") else ()
    return Reduce(name, mode, axes, bool(call.get("keepdim", False)) if keep is None else keep)


@handles("argmax", "argmin")
def position(call: Call, builder: Builder) -> str:
    """Add a reduction to the position of the largest or smallest element."""
    mode = call.operator.removeprefix("aten.")
    made = _reduce(call, mode, call.name)
    return builder.emit(call, made, builder.tensor(call).name, bits=_INDEX_BITS)


_NORMS = {1: "l1", 2: "l2", inf: "max", -inf: "min"}


@handles("linalg_vector_norm", "norm", "frobenius_norm")
def norm(call: Call, builder: Builder) -> str:
    """Add a norm of some axes."""
    tensor = builder.tensor(call).name
    order = call.get("ord" if call.has("ord") else "p", 2)
    if order not in _NORMS:
        call.refuse(f"of order {order} is not known, only {', '.join(map(str, _NORMS))}")
    if order in (inf, -inf):
        tensor = builder.step(Elementwise(builder.part(call, "abs"), "abs"), tensor)
    return builder.emit(call, _reduce(call, _NORMS[order], call.name), tensor)


@handles("var", "std", "var_mean", "std_mean")
def variance(call: Call, builder: Builder) -> Value:
    """Add a mean, differences, a sum of squares and, for a deviation, its root."""
    tensor = builder.tensor(call).name
    mean = builder.step(_reduce(call, "mean", builder.part(call, "mean"), keep=True), tensor)
    difference = builder.step(Elementwise(builder.part(call, "difference"), "sub"), tensor, mean)
    root = "std" in call.operator
    name = builder.part(call, "squares") if root else call.name
    made = builder.step(_reduce(call, "sum_square", name), difference)
    if root:
        made = builder.step(Elementwise(call.name, "sqrt"), made)
    if "mean" not in call.operator:
        return made
    return (made, builder.reshaped(call, mean, call.shapes()[1], "mean_shape"))


@handles("cumsum", "cumprod", "logcumsumexp")
def cumulative_sum(call: Call, builder: Builder) -> str:
    """Add running sums, or what costs the same."""
    return builder.emit(call, CumulativeSum(call.name, call.integer("dim")), builder.tensor(call).name)


@handles("topk")
def top_k(call: Call, builder: Builder) -> tuple[str, ...]:
    """Add a choice of the largest elements (the smallest cost the same)."""
    operation = TopK(call.name, call.integer("k"), call.integer("dim", -1))
    return builder.graph.add_many(operation, builder.tensor(call).name)
