"""torch.ao's functions of integers, traced as functions of what the integers stand for.

Quantised tensors cannot be traced. A layer is called with its packed weights, in whose place there is a layer
that keeps them as integers (see `quantised`); scales and zero points of results are left out.
"""

from collections.abc import Callable, Mapping
from typing import Any

from workloads.importers.torch.library import Array, torch

_F = torch.nn.functional
_LAYERS = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_ENDINGS = ("_dynamic_fp16", "_dynamic")
_OF_RESULT = ("scale", "zero_point", "output_scale", "output_zero_point", "Y_scale_i", "Y_zero_point_i")
"""Arguments that say how a result is kept."""


def _batch_norm(x: Array, weight: Array, bias: Array, mean: Array, var: Array, eps: float) -> Array:
    return _F.batch_norm(x, mean, var, weight, bias, eps=eps)


def _instance_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    return _F.instance_norm(x, None, None, weight, bias, eps=eps)


def _bag(
    table: Any, indices: Array, offsets: Any = None, _frequency: bool = False, mode: int = 0, *rest: Any
) -> Array:
    weighed = rest[1] if len(rest) > 1 else None
    words = ("sum", "mean", "max")
    return _F.embedding_bag(indices, table.numbers(), offsets, mode=words[mode], per_sample_weights=weighed)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "add_scalar": lambda a, b: a + b,
    "mul_scalar": lambda a, b: a * b,
    "matmul": lambda a, b: a @ b,
    "cat": lambda parts, dim=0: torch.cat(parts, dim),
    "hardswish": _F.hardswish,
    "sigmoid": torch.sigmoid,
    "relu6": lambda x, _inplace=False: _F.relu6(x),
    "leaky_relu": lambda x, slope=0.01, _inplace=False: _F.leaky_relu(x, slope),
    "elu": lambda x, alpha=1.0, _input_scale=1.0: _F.elu(x, alpha),
    "celu": _F.celu,
    "prelu": _F.prelu,
    "softmax": torch.softmax,
    "dropout": lambda x, *_: x,
    "layer_norm": _F.layer_norm,
    "group_norm": _F.group_norm,
    "instance_norm": _instance_norm,
    "embedding_byte": lambda table, indices, *_: _F.embedding(indices, table.numbers()),
    "embedding_bag_byte": _bag,
} | dict.fromkeys(("batch_norm", "batch_norm1d", "batch_norm2d", "batch_norm3d"), _batch_norm)


class AsNumbers(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
    """Calls what functions of integers stand for in their places."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a function, or what it stands for."""
        given = dict(kwargs or {})
        if str(func).startswith("quantized."):
            packet = getattr(func, "overloadpacket", func)
            call = _stood_for(str(packet).removeprefix("quantized."))
            if call is not None:
                return call(*_ordered(packet, args, given))
        if func in _ROUNDED:
            return _ROUNDED[func](*args, **given)
        return func(*args, **given)


def _ordered(packet: Any, args: tuple[Any, ...], given: dict[str, Any]) -> list[Any]:
    """Return the arguments in their order, without those that say how the result is kept."""
    overload = packet.overloads()[0]
    names = [argument.name for argument in getattr(packet, overload)._schema.arguments]
    bound = dict(zip(names, args, strict=False)) | given
    return [bound[name] for name in names if name in bound and name not in _OF_RESULT]


def _stood_for(name: str) -> Callable[..., Any] | None:
    """Return what a function of integers computes, None where it is not known."""
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    plain = name if name in _FUNCTIONS else name.removesuffix("_relu")
    call = (lambda x, layer, *_: layer(x)) if plain in _LAYERS else _FUNCTIONS.get(plain)
    if call is None or plain == name:
        return call
    return lambda *args: torch.relu(call(*args))


def _by_channel(input: Array, scales: Array, zero_points: Array, axis: int, dtype: Any) -> Array:
    """Round numbers to integers that have a scale a channel."""
    zeros = zero_points.to(torch.int32)
    return torch.fake_quantize_per_channel_affine(input, scales.float(), zeros, axis, *_ends(dtype))


def _as_one(input: Array, scale: Any, zero_point: Any, dtype: Any) -> Array:
    """Round numbers to integers of one scale."""
    if isinstance(scale, torch.Tensor):
        scale, zero_point = scale.float(), torch.as_tensor(zero_point).to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(input, scale, zero_point, *_ends(dtype))


def _as_found(input: Array, dtype: Any, reduce_range: bool = False) -> Array:
    """Round numbers to integers whose scale is found on the way."""
    return torch.fake_quantize_per_tensor_affine(input, 1.0, 0, *_ends(dtype))


def _ends(dtype: Any) -> tuple[int, int]:
    ends = torch.iinfo(torch.uint8 if dtype is torch.quint8 else torch.int8)
    return ends.min, ends.max


_ROUNDED: dict[Any, Callable[..., Array]] = {
    torch.quantize_per_channel: _by_channel,
    torch.quantize_per_tensor: _as_one,
    torch.quantize_per_tensor_dynamic: _as_found,
}
