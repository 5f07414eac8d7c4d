"""Modules that torch.ao quantised in eager mode: layers with packed weights as layers of integers."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from workloads.importers.torch.library import Array, torch

_CONVOLUTIONS = {"Conv1d": "conv1d", "Conv2d": "conv2d", "Conv3d": "conv3d"}


class IntegerLayer(torch.nn.Module):  # type: ignore[misc]
    """A linear layer or convolution that keeps its weight as integers and says what they stand for."""

    def __init__(self, layer: Any, function: Any, options: dict[str, Any], *, relu: bool) -> None:
        super().__init__()
        weight, bias = layer.weight(), layer.bias()
        self.weight = torch.nn.Parameter(weight.int_repr(), requires_grad=False)
        self.bias = None if bias is None else torch.nn.Parameter(bias.detach().clone(), requires_grad=False)
        self.by_channel = weight.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric)
        if self.by_channel:
            self.register_buffer("scale", weight.q_per_channel_scales().float())
            self.register_buffer("zero", weight.q_per_channel_zero_points())
            self.channels = weight.q_per_channel_axis()
        else:
            self.scale, self.zero = weight.q_scale(), weight.q_zero_point()
        self._call, self._options, self._relu = function, options, relu

    def forward(self, x: Array) -> Array:
        """Return the layer's result in floating point."""
        decomposed = torch.ops.quantized_decomposed
        if self.by_channel:
            weight = decomposed.dequantize_per_channel(
                self.weight, self.scale, self.zero, self.channels, -128, 127, torch.int8
            )
        else:
            weight = decomposed.dequantize_per_tensor(
                self.weight, self.scale, self.zero, -128, 127, torch.int8
            )
        y = self._call(x, weight, self.bias, **self._options)
        return torch.relu(y) if self._relu else y


@contextmanager
def unpacked(module: Any) -> Iterator[None]:
    """Put layers of integers in the places of a module's quantised layers for the while."""
    swapped: list[tuple[Any, str, Any]] = []
    try:
        for parent in list(module.modules()):
            for name, child in list(parent._modules.items()):
                made = _plain(child)
                if made is not None:
                    swapped.append((parent, name, child))
                    parent._modules[name] = made
        yield
    finally:
        for parent, name, child in swapped:
            parent._modules[name] = child


def _plain(layer: Any) -> Any:
    """Return what stands for a quantised layer, None for any other."""
    kind = type(layer)
    if not kind.__module__.startswith(("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized")):
        return None
    name = kind.__name__
    relu, name = name.endswith("ReLU") or "ReLU" in name, name.replace("ReLU", "")
    if name in ("Quantize", "DeQuantize"):
        return torch.nn.Identity()
    if name == "QFunctional":
        return import_module("torch.ao.nn.quantized").FloatFunctional()
    if name != "Linear" and name not in _CONVOLUTIONS:
        return None
    import_module("torch.ao.quantization.fx._decomposed")  # registers dequantisation
    if name == "Linear":
        return IntegerLayer(layer, torch.nn.functional.linear, {}, relu=relu)
    options = {key: getattr(layer, key) for key in ("stride", "padding", "dilation", "groups")}
    return IntegerLayer(layer, getattr(torch.nn.functional, _CONVOLUTIONS[name]), options, relu=relu)
