"""ZigZag's workloads: a list of layers, each an equation over loops, and which layer feeds which."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from os import PathLike, fspath
from typing import TYPE_CHECKING

from workloads.errors import NetworkImportError, shown
from workloads.importers.layers import Layers
from workloads.importers.texts import LARGEST, read_text, stem
from workloads.operations import Convolution, Elementwise, Linear, MatMul, Pool
from workloads.operations.base import Operation
from workloads.shapes import size
from workloads.values import ForeignFileError, Value, read_yaml

if TYPE_CHECKING:
    from workloads.network import Network

_KEYS = (
    "id", "name", "operator_type", "equation", "dimension_relations", "loop_dims", "loop_sizes",
    "operand_precision", "operand_source", "pr_loop_dims", "pr_loop_sizes", "padding", "constant_operands",
    "memory_operand_links",
)  # fmt: skip
_INDICES = r"((?:\[\w+\])+)"
_EQUATION = re.compile(rf"O{_INDICES}\+?=(\w+?){_INDICES}([*+])(\w+?){_INDICES}")
_RELATION = re.compile(r"(\w+)=(?:(\d{1,6})\*)?([a-z]\w*)\+(?:(\d{1,6})\*)?([a-z]\w*)")
_POOLING = ("Pooling", "Pool", "MaxPool", "AveragePool", "GlobalAveragePool", "Max")
MOST_BITS = 128


@dataclass(frozen=True, slots=True)
class Window:
    """A coordinate of the input: stride * output + dilation * tap."""

    output: str
    tap: str
    stride: int
    dilation: int


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as the file has it."""

    value: Value
    number: int
    name: str
    kind: str
    sums: bool  # "+=" of products; else "+" of two operands
    output: tuple[str, ...]
    operands: dict[str, tuple[str, ...]]  # name -> its coordinates
    windows: dict[str, Window]
    sizes: dict[str, int]
    bits: dict[str, int]
    sources: dict[str, int]
    padding: tuple[tuple[int, int], ...]

    def of(self, names: tuple[str, ...]) -> int:
        """Product of the sizes of loops."""
        return prod(self.sizes[name] for name in names)

    def precision(self, constant: str, streamed: str) -> tuple[int, int, int]:
        """Bits of input, weight and output."""
        final = self.bits.get("O_final", self.bits.get("O", 0))
        return self.bits.get(streamed, 0), self.bits.get(constant, 0), final


def read(path: str | PathLike[str]) -> "Network":
    """Read a workload; see `workloads.from_zigzag`."""
    name = fspath(path)
    text = read_text(path, "zigzag_workload")
    try:
        document = Value(name, "workload", read_yaml(name, text))
        found = [_layer(value) for value in document.elements()]
        layers = Layers(stem(path), name)
        made: dict[int, str] = {}
        for layer in found:
            if layer.number in made:
                raise layer.value.fail(f"id {layer.number} is used twice")
            made[layer.number] = _add(layers, layer, made)
        return layers.network()
    except ForeignFileError as error:
        raise NetworkImportError(str(error)) from error


def _layer(value: Value) -> Layer:
    value.only(_KEYS)
    equation = value.get("equation")
    match = _EQUATION.fullmatch(re.sub(r"\s+", "", equation.text()))
    if match is None:
        raise equation.fail(f"is no O[..]+=A[..]*B[..], got {shown(equation.raw)}")
    output, first, first_at, sign, second, second_at = match.groups()
    names = [word.text().lower() for word in value.get("loop_dims").elements()]
    sizes = [word.integer(most=LARGEST) for word in value.get("loop_sizes").elements()]
    if len(names) != len(sizes) or len(set(names)) != len(names):
        raise value.fail(f"needs one size a loop, got {len(names)} loop_dims and {len(sizes)} loop_sizes")
    number = value.get("id").integer(0)
    windows = dict(_window(word) for word in _listed(value, "dimension_relations"))
    layer = Layer(
        value=value,
        number=number,
        name=value.get("name").text() if value.has("name") and value.raw["name"] else f"layer{number}",
        kind=value.get("operator_type").text(),
        sums=sign == "*",
        output=_coordinates(output),
        operands={first: _coordinates(first_at), second: _coordinates(second_at)},
        windows=windows,
        sizes=dict(zip(names, sizes, strict=True)),
        bits={k: v.integer(0, most=MOST_BITS) for k, v in _mapped(value, "operand_precision")},
        sources=_sources(value),
        padding=tuple(_pair(pair) for pair in _listed(value, "padding")),
    )
    if len(layer.operands) != 2:
        raise equation.fail(f"names the operand {first} twice")
    for coordinate in (*layer.output, *(c for at in layer.operands.values() for c in at)):
        window = windows.get(coordinate)
        for loop in (coordinate,) if window is None else (window.output, window.tap):
            if loop not in layer.sizes:
                raise value.fail(f"{shown(loop)} of the equation is none of loop_dims {', '.join(names)}")
    return layer


def _sources(value: Value) -> dict[str, int]:
    """Which layer an operand comes from, where it comes from one: `[]`, and constants, come from none."""
    found: dict[str, int] = {}
    for operand, source in _mapped(value, "operand_source"):
        numbers = source.elements() if isinstance(source.raw, list) else [source]
        if len(numbers) > 1:
            raise source.fail(f"names {len(numbers)} layers; an operand comes from one, or from none: []")
        if numbers:
            found[operand] = numbers[0].integer(0)
    constants = {word.text() for word in _listed(value, "constant_operands")}
    return {operand: layer for operand, layer in found.items() if operand not in constants}


def _listed(value: Value, key: str) -> list[Value]:
    return value.get(key).elements() if value.has(key) and value.raw[key] is not None else []


def _mapped(value: Value, key: str) -> list[tuple[str, Value]]:
    return list(value.get(key).items()) if value.has(key) and value.raw[key] is not None else []


def _pair(value: Value) -> tuple[int, int]:
    numbers = [entry.integer(0, most=LARGEST) for entry in value.elements()]
    if len(numbers) != 2:
        raise value.fail(f"must be [before, after], got {shown(value.raw)}")
    return numbers[0], numbers[1]


def _coordinates(text: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in re.findall(r"\w+", text))


def _window(value: Value) -> tuple[str, Window]:
    match = _RELATION.fullmatch(re.sub(r"\s+", "", value.text()).lower())
    if match is None:
        raise value.fail(f"is no ix = stride*ox + dilation*fx, got {shown(value.raw)}")
    coordinate, stride, output, dilation, tap = match.groups()
    steps = int(stride or 1), int(dilation or 1)
    if not all(steps):
        raise value.fail("needs a stride and a dilation of at least 1")
    return coordinate, Window(output, tap, *steps)


def _add(layers: Layers, layer: Layer, made: dict[int, str]) -> str:
    """Add a layer to the network and return its output's name."""
    if not layer.sums:
        return _sum(layers, layer, made)
    own = {o for o in layer.operands if layer.sources.get(o, layer.number) not in made}
    a, b = layer.operands
    streamed = "I" if "I" in layer.operands else next((o for o in (a, b) if o not in own), a)
    other = b if streamed == a else a
    if layer.kind in _POOLING:
        return _pool(layers, layer, streamed, made)
    return _contraction(layers, layer, streamed, other, made)


def _input(
    layers: Layers,
    layer: Layer,
    operand: str,
    shape: tuple[int, ...],
    made: dict[int, str],
    windows: Sequence[Window] = (),
) -> str | tuple[int, ...]:
    """The tensor an operand comes from, if it fits; else the shape of one from outside."""
    source = made.get(layer.sources.get(operand, layer.number))
    if source is None:
        return shape
    have = layers.graph.tensors[source].shape
    if have == shape or _padded(have, shape, windows):
        return source
    if size(have) == size(shape):
        return layers.reshaped(str(layer.value.path), source, shape)
    return shape


def _padded(have: tuple[int, ...], shape: tuple[int, ...], windows: Sequence[Window]) -> bool:
    """Whether a tensor of images is this one but for padding, or a rest too small for another window."""
    if len(have) != len(shape) or len(have) != len(windows) + 2 or have[:2] != shape[:2]:
        return False
    return all(
        held - need < window.stride for held, need, window in zip(have[2:], shape[2:], windows, strict=True)
    )


def _sum(layers: Layers, layer: Layer, made: dict[int, str]) -> str:
    shape = tuple(layer.sizes[c] for c in layer.output)
    inputs = [_input(layers, layer, operand, shape, made) for operand in layer.operands]
    operation = Elementwise(layers.unique(layer.name), "add")
    a, b = layer.operands
    return layers.add(_where(layer), operation, *inputs, bits=layer.precision(b, a))


def _where(layer: Layer) -> str:
    return f"{layer.value.file}: {layer.value.path}"


def _pool(layers: Layers, layer: Layer, streamed: str, made: dict[int, str]) -> str:
    plain, windows = _split(layer, streamed)
    if not windows:
        raise layer.value.fail("a pooling layer needs dimension_relations")
    batch = tuple(c for c in plain if c == "b")
    channels = tuple(c for c in plain if c != "b")
    shape = (layer.of(batch), layer.of(channels), *_extents(layer, windows))
    source = _input(layers, layer, streamed, shape, made, windows)
    operation = Pool(
        layers.unique(layer.name),
        "average" if "Average" in layer.kind else "max",
        kernel=tuple(layer.sizes[w.tap] for w in windows),
        stride=tuple(w.stride for w in windows),
        dilation=tuple(w.dilation for w in windows),
        padding=_padding(layers, layer, source, shape),
    )
    return layers.add(_where(layer), operation, source, bits=layer.precision("W", streamed))


def _split(layer: Layer, operand: str) -> tuple[tuple[str, ...], list[Window]]:
    """Coordinates of an operand that are loops, and those that are windows."""
    at = layer.operands[operand]
    return tuple(c for c in at if c not in layer.windows), [
        layer.windows[c] for c in at if c in layer.windows
    ]


def _extents(layer: Layer, windows: list[Window]) -> list[int]:
    """Sizes of the input that windows reach over, padding included."""
    return [
        w.stride * (layer.sizes[w.output] - 1) + w.dilation * (layer.sizes[w.tap] - 1) + 1 for w in windows
    ]


def _padding(
    layers: Layers, layer: Layer, source: str | tuple[int, ...], shape: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """Zeros around a tensor: what its source lacks of what the windows reach over, given or halved."""
    have = layers.graph.tensors[source].shape[2:] if isinstance(source, str) else shape[2:]
    lacking = [max(0, need - held) for need, held in zip(shape[2:], have, strict=True)]
    if [sum(pair) for pair in layer.padding] == lacking:
        return layer.padding
    return tuple((lack // 2, lack - lack // 2) for lack in lacking)


def _contraction(layers: Layers, layer: Layer, streamed: str, other: str, made: dict[int, str]) -> str:
    """A sum of products: a convolution, a matrix product with a constant, or one of two activations."""
    plain, windows = _split(layer, streamed)
    held = layer.operands[other]
    taps = {w.tap for w in windows}
    positions = {w.output for w in windows}
    group = tuple(c for c in plain if c in held and c in layer.output)
    rows = tuple(c for c in plain if c not in held and c in layer.output)
    summed = tuple(c for c in plain if c in held and c not in layer.output)
    columns = tuple(c for c in held if c not in plain and c in layer.output and c not in positions)
    stray = {*layer.sizes} - {*group, *rows, *summed, *columns, *taps, *positions}
    stray = {loop for loop in stray if layer.sizes[loop] > 1}
    if stray or any(c in layer.windows for c in (*held, *layer.output)) or not taps <= {*held}:
        raise layer.value.fail(
            f"loops {', '.join(sorted(stray)) or 'of the windows'} are none of a product's: rows, columns, "
            "sums, groups and windows over the input"
        )
    g, n, c, k = (layer.of(names) for names in (group, rows, summed, columns))
    bits = layer.precision(other, streamed)
    name = layers.unique(layer.name)
    operation: Operation
    if layer.sources.get(other, layer.number) in made and not windows:
        first = _input(layers, layer, streamed, (g, n, c), made)
        second = _input(layers, layer, other, (g, c, k), made)
        return layers.add(_where(layer), MatMul(name), first, second, bits=bits)
    if not windows and g == 1:
        source = _input(layers, layer, streamed, (1, n, c), made)
        return layers.add(_where(layer), Linear(name, k, bias=False), source, bits=bits)
    if len(windows) > 3:
        raise layer.value.fail("has more than three windows")
    shape = (n, g * c, *(_extents(layer, windows) or (1, 1)))
    source = _input(layers, layer, streamed, shape, made, windows)
    operation = Convolution(
        name,
        g * k,
        kernel=tuple(layer.sizes[w.tap] for w in windows) or (1, 1),
        stride=tuple(w.stride for w in windows) or (1, 1),
        dilation=tuple(w.dilation for w in windows) or (1, 1),
        padding=_padding(layers, layer, source, shape),
        groups=g,
        bias=False,
    )
    return layers.add(_where(layer), operation, source, bits=bits)
