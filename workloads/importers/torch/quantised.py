"""Modules that torch.ao quantises: layers with packed weights as layers of integers, observers as nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from workloads.importers.torch.integers import AsNumbers
from workloads.importers.torch.library import Array, torch

_CONVOLUTIONS = tuple(f"Conv{kind}{rank}d" for kind in ("", "Transpose") for rank in (1, 2, 3))
_INTEGERS = {torch.qint8: torch.int8, torch.quint8: torch.uint8, torch.qint32: torch.int32}


class Meaning(torch.nn.Module):  # type: ignore[misc]
    """What a weight's integers, or half-precision numbers, stand for."""

    def __init__(self, weight: Array) -> None:
        super().__init__()
        self._scheme = weight.qscheme() if weight.is_quantized else None
        if self._scheme is None:
            return
        self._of = _INTEGERS[weight.dtype]
        ends = torch.iinfo(self._of)
        self._ends = ends.min, ends.max
        if self._scheme in (torch.per_tensor_affine, torch.per_tensor_symmetric):
            self._scale, self._zero = weight.q_scale(), weight.q_zero_point()
            return
        self.register_buffer("scale", weight.q_per_channel_scales().float())
        self.register_buffer("zero", weight.q_per_channel_zero_points())
        self._axis = weight.q_per_channel_axis()

    def forward(self, kept: Array) -> Array:
        """Return the numbers."""
        decomposed = torch.ops.quantized_decomposed
        if self._scheme is None:
            return kept.float()
        if not hasattr(self, "scale"):
            return decomposed.dequantize_per_tensor(kept, self._scale, self._zero, *self._ends, self._of)
        return decomposed.dequantize_per_channel(
            kept, self.scale, self.zero, self._axis, *self._ends, self._of
        )


class IntegerLayer(torch.nn.Module):  # type: ignore[misc]
    """A layer that keeps its weight as integers: function(x, weight, bias, **options)."""

    def __init__(self, function: Any, weight: Array, bias: Array | None, **options: Any) -> None:
        super().__init__()
        self.weight, self.meaning = _fixed(_kept(weight)), Meaning(weight)
        self.bias = None if bias is None else _fixed(bias.detach().clone())
        self._call, self._options = function, options

    def forward(self, x: Array) -> Array:
        """Return the layer's result in floating point."""
        return self._call(x, self.numbers(), self.bias, **self._options)

    def numbers(self) -> Array:
        """Return what the weight stands for."""
        return self.meaning(self.weight)


class IntegerSequence(torch.nn.Module):  # type: ignore[misc]
    """A recurrent layer, or one step of one, that keeps its weights as integers."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        weights, biases = layer.get_weight(), layer.get_bias()
        self._kind = type(layer).__name__
        suffixes = [""]
        if not self._kind.endswith("Cell"):
            ways = ("", "_reverse")[: 1 + layer.bidirectional]
            suffixes = [f"_l{i}{way}" for i in range(layer.num_layers) for way in ways]
            known = ("bias", "num_layers", "hidden_size", "bidirectional", "batch_first")
            self._layer = {name: getattr(layer, name) for name in known}
        self._names: list[str] = []
        self.meanings = torch.nn.ModuleDict()
        for suffix in suffixes:
            for name in (f"weight_ih{suffix}", f"weight_hh{suffix}"):
                self.meanings[name] = Meaning(weights[name])
                self.register_parameter(name, _fixed(_kept(weights[name])))
                self._names.append(name)
            for name in (f"bias_ih{suffix}", f"bias_hh{suffix}") if layer.bias else ():
                self.register_parameter(name, _fixed(biases[name].detach().clone()))
                self._names.append(name)
        self._tanh = getattr(layer, "nonlinearity", "tanh") == "tanh"

    def forward(self, x: Array, hx: Any = None) -> Any:
        """Return the layer's result in floating point."""
        held = {name: getattr(self, name) for name in self._names}
        weights = [self.meanings[n](v) if n in self.meanings else v for n, v in held.items()]
        return self._step(x, hx, weights) if self._kind.endswith("Cell") else self._run(x, hx, weights)

    def _step(self, x: Array, hx: Any, weights: list[Array]) -> Any:
        zero = x.new_zeros(x.shape[0], weights[1].shape[1])
        if self._kind == "LSTMCell":
            return torch._VF.lstm_cell(x, (zero, zero) if hx is None else hx, *weights)
        plain = torch._VF.rnn_tanh_cell if self._tanh else torch._VF.rnn_relu_cell
        call = torch._VF.gru_cell if self._kind == "GRUCell" else plain
        return call(x, zero if hx is None else hx, *weights)

    def _run(self, x: Array, hx: Any, weights: list[Array]) -> Any:
        own, lstm = self._layer, self._kind == "LSTM"
        if hx is None:
            lead = own["num_layers"] * (1 + own["bidirectional"]), x.shape[0 if own["batch_first"] else 1]
            zero = x.new_zeros(*lead, own["hidden_size"])
            hx = (zero, zero) if lstm else zero
        ways = own["bidirectional"], own["batch_first"]
        call = torch._VF.lstm if lstm else torch._VF.gru
        made, *ends = call(x, hx, weights, own["bias"], own["num_layers"], 0.0, False, *ways)
        return made, tuple(ends) if lstm else ends[0]


class FixedQuantisation(torch.nn.Module):  # type: ignore[misc]
    """Numbers rounded to integers as training for integers rounds them, with the range observed so far."""

    def __init__(self, trained: Any) -> None:
        super().__init__()
        self.by_channel = trained.qscheme in (torch.per_channel_affine, torch.per_channel_symmetric)
        self.register_buffer("scale", trained.scale.detach().clone())
        self.register_buffer("zero", trained.zero_point.detach().clone())
        self._ends = int(trained.quant_min), int(trained.quant_max)
        self._axis = int(getattr(trained, "ch_axis", 0))

    def forward(self, x: Array) -> Array:
        """Return the rounded numbers."""
        if self.by_channel:
            return torch.fake_quantize_per_channel_affine(x, self.scale, self.zero, self._axis, *self._ends)
        return torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero, *self._ends)


def _fixed(value: Array) -> Any:
    return torch.nn.Parameter(value, requires_grad=False)


def _kept(weight: Array) -> Array:
    return weight.int_repr() if weight.is_quantized else weight.detach().half()


@contextmanager
def unpacked(module: Any) -> Iterator[None]:
    """Trace a module's quantised layers as layers of integers for the while, without observers."""
    swapped: list[tuple[Any, str, Any]] = []
    packed: list[tuple[Any, str, Any]] = []
    found = False
    try:
        for parent in list(module.modules()):
            for name, child in list(parent._modules.items()):
                made = _plain(child)
                if made is not None:
                    swapped.append((parent, name, child))
                    parent._modules[name] = made
            for name, held in list(vars(parent).items()):
                made = _unpacked(held)
                if made is not None:  # a function's packed weight, in a graph
                    packed.append((parent, name, held))
                    del vars(parent)[name]
                    parent._modules[name] = made
            found = found or bool(packed) or type(parent).__module__.startswith("torch.ao.")
        if found:
            import_module("torch.ao.quantization.fx._decomposed")  # registers dequantisation
            with AsNumbers():
                yield
        else:
            yield
    finally:
        for parent, name, child in swapped:
            parent._modules[name] = child
        for parent, name, held in packed:
            del parent._modules[name]
            vars(parent)[name] = held


def _unpacked(held: Any) -> Any:
    """Return the layer that a packed weight stands for, None for anything else."""
    kind = held._type().name() if isinstance(held, torch.ScriptObject) else ""
    if kind == "LinearPackedParamsBase":
        return IntegerLayer(torch.nn.functional.linear, *held.unpack())
    if kind == "EmbeddingPackedParamsBase":
        table = held.unpack()
        return IntegerLayer(_picked, table, None) if table.dtype in _INTEGERS else None
    if kind.startswith("Conv") and kind.endswith("PackedParamsBase"):
        rank, turned = len(held.stride()), bool(held.transpose())
        function = getattr(torch.nn.functional, f"conv{'_transpose' * turned}{rank}d")
        options = {name: tuple(getattr(held, name)()) for name in ("stride", "padding", "dilation")}
        options |= {"output_padding": tuple(held.output_padding())} if turned else {}
        return IntegerLayer(function, *held.unpack(), groups=held.groups(), **options)
    return None


def _plain(layer: Any) -> Any:
    """Return what stands for a quantised layer or an observer, None for any other."""
    kind, functions = type(layer), torch.nn.functional
    if isinstance(layer, torch.ao.quantization.FakeQuantizeBase):
        known = isinstance(layer, torch.ao.quantization.FakeQuantize) and bool(layer.fake_quant_enabled)
        return FixedQuantisation(layer) if known else torch.nn.Identity()
    if isinstance(layer, torch.ao.quantization.ObserverBase):
        return torch.nn.Identity()
    quantised = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized")
    if ".reference" in kind.__module__ or not kind.__module__.startswith(quantised):
        return None
    relu, name = "ReLU" in kind.__name__, kind.__name__.replace("ReLU", "")
    made: Any = None
    if name in ("LSTM", "GRU", "LSTMCell", "GRUCell", "RNNCell") and "dynamic" in kind.__module__:
        made = IntegerSequence(layer)
    elif name in ("Quantize", "DeQuantize"):
        made = torch.nn.Identity()
    elif name == "QFunctional":
        made = import_module("torch.ao.nn.quantized").FloatFunctional()
    elif name == "ELU":
        made = torch.nn.ELU(layer.alpha)
    elif name == "Embedding" and layer.weight().dtype in _INTEGERS:
        made = IntegerLayer(_picked, layer.weight(), None)
    elif name == "Linear":
        made = IntegerLayer(functions.linear, layer.weight(), layer.bias())
    elif name in _CONVOLUTIONS:
        function = getattr(functions, name.replace("ConvTranspose", "conv_transpose").replace("Conv", "conv"))
        keys = ("stride", "padding", "dilation", "groups", *(("output_padding",) if "Trans" in name else ()))
        options = {key: getattr(layer, key) for key in keys}
        made = IntegerLayer(function, layer.weight(), layer.bias(), **options)
    return torch.nn.Sequential(made, torch.nn.ReLU()) if relu and made is not None else made


def _picked(indices: Array, table: Array, _: None) -> Array:
    return torch.nn.functional.embedding(indices, table)
