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


class IntegerSequence(torch.nn.Module):  # type: ignore[misc]
    """A recurrent layer that keeps its weights as integers and says what they stand for."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        weights, biases = layer.get_weight(), layer.get_bias()
        self._scales: dict[str, tuple[float, int]] = {}
        self._order: list[list[str]] = []
        for i in range(layer.num_layers):
            for way in ("", "_reverse")[: 1 + layer.bidirectional]:
                names = [f"{kind}_l{i}{way}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
                for name in names[:2]:
                    held = weights[name]
                    self._scales[name] = held.q_scale(), held.q_zero_point()
                    self.register_parameter(name, _fixed(held.int_repr()))
                for name in names[2:] if layer.bias else ():
                    self.register_parameter(name, _fixed(biases[name].detach().clone()))
                self._order.append(names if layer.bias else names[:2])
        self._layer = {
            name: getattr(layer, name)
            for name in ("bias", "num_layers", "hidden_size", "bidirectional", "batch_first")
        }
        self._lstm = type(layer).__name__ == "LSTM"

    def forward(self, x: Array, hx: Any = None) -> Any:
        """Return the layer's result in floating point."""
        decomposed, own = torch.ops.quantized_decomposed, self._layer
        flat = []
        for name in (name for names in self._order for name in names):
            held = getattr(self, name)
            if name in self._scales:
                held = decomposed.dequantize_per_tensor(held, *self._scales[name], -128, 127, torch.int8)
            flat.append(held)
        if hx is None:
            lead = own["num_layers"] * (1 + own["bidirectional"]), x.shape[0 if own["batch_first"] else 1]
            zero = x.new_zeros(*lead, own["hidden_size"])
            hx = (zero, zero) if self._lstm else zero
        ways = own["bidirectional"], own["batch_first"]
        call = torch._VF.lstm if self._lstm else torch._VF.gru
        made, *ends = call(x, hx, flat, own["bias"], own["num_layers"], 0.0, False, *ways)
        return made, tuple(ends) if self._lstm else ends[0]


def _fixed(value: Array) -> Any:
    return torch.nn.Parameter(value, requires_grad=False)


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
    if name in ("LSTM", "GRU") and "dynamic" in kind.__module__:
        import_module("torch.ao.quantization.fx._decomposed")  # registers dequantisation
        return IntegerSequence(layer)
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
