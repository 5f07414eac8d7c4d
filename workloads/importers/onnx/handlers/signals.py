"""Noise, spectra, and small matrices: vector work of a known amount."""

from math import log2

from workloads.importers.onnx.builder import Builder, small
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import CumulativeSum, Elementwise, MatMul, Softmax, Stored, Transpose
from workloads.operations.work import Work, fourier_ops
from workloads.shapes import size
from workloads.tensors import Weight
from workloads.vector_ops import UNARY


@handles("RandomNormalLike", "RandomUniformLike")
def noise(node: NodeView, builder: Builder) -> None:
    """Add noise of a tensor's shape."""
    kind = "random_normal" if "Normal" in node.operator else "random"
    builder.emit(node, Elementwise(node.name, kind), builder.flowing(node, 0))


@handles("RandomNormal", "RandomUniform")
def given_noise(node: NodeView, builder: Builder) -> None:
    """Add noise of a stated shape, which is drawn beforehand and read where it lies."""
    shape = node.integers("shape")
    if not shape or min(shape) < 1:
        node.refuse(f"attribute shape must be positive lengths, got {shape}")
    weight = Weight(node.outputs[0], shape, 0, trained=False)
    builder.emit(node, Stored(node.name, shape), weights={"weight": weight})


@handles("Multinomial")
def drawn(node: NodeView, builder: Builder) -> None:
    """Add probabilities of log-probabilities, their running sums, and a search for each number drawn."""
    tensor, count = builder.tensor(node), node.integer("sample_size", 1)
    made = builder.step(Softmax(f"{node.name}/softmax"), tensor.name)
    made = builder.step(CumulativeSum(f"{node.name}/sums", -1), made)
    shape = (tensor.shape[0], count)
    each = UNARY["random"] + max(1, int(log2(tensor.shape[-1])))
    builder.emit(node, Work(node.name, "multinomial", shape, float(size(shape) * each)), made, bits=32)


@handles("STFT")
def short_fourier(node: NodeView, builder: Builder) -> None:
    """Add frames of a signal times a window, and a fast Fourier transform of each."""
    tensor, step, given = builder.tensor(node), builder.value(node, 1), builder.value(node, 3)
    window = builder.shape(node, 2) if node.input(2) else ()
    if step is None or (given is None and not window):
        node.refuse("needs a frame_step (input 1), and a window or a frame_length (inputs 2 and 3)")
    points = window[0] if given is None else small(given)[0]
    real = len(tensor.shape) == 2 or tensor.shape[-1] == 1
    batch, length = tensor.shape[:2]
    if not 0 < points <= length or small(step)[0] < 1:
        node.refuse(f"frames of {points}, every {small(step)[0]}, of a signal of {length}")
    frames = (length - points) // small(step)[0] + 1
    bins = points // 2 + 1 if node.integer("onesided", 1) else points
    ops = fourier_ops((batch, frames, points), (2,), real=real)
    ops += batch * frames * points * (1 if real else 2) if window else 0
    flowing = [builder.tensor(node, 2).name] if builder.flows(node, 2) else []
    builder.emit(node, Work(node.name, "stft", (batch, frames, bins, 2), ops), tensor.name, *flowing)


@handles("Det", "Inverse")
def eliminated(node: NodeView, builder: Builder) -> None:
    """Add Gauss's elimination of square matrices: 2 n^3 / 3 operations, three times that for an inverse."""
    shape = builder.tensor(node).shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        node.refuse(f"needs square matrices, got {shape}")
    inverse = node.operator == "Inverse"
    ops = size(shape) * shape[-1] * (2.0 if inverse else 2.0 / 3.0)
    made = shape if inverse else shape[:-2]
    builder.emit(node, Work(node.name, node.operator.lower(), made, ops), builder.tensor(node).name)


@handles("Rfft", "Irfft")
def fourier_of_real(node: NodeView, builder: Builder) -> None:
    """Add fast Fourier transforms of real numbers, or to them; complex ones are pairs along the last axis."""
    shape, rank = builder.tensor(node).shape, node.integer("signal_ndim", 1)
    back = node.operator == "Irfft"
    lead = shape[:-1] if back else shape
    if not 0 < rank <= len(lead):
        node.refuse(f"signal_ndim must be 1 to {len(lead)}, got {rank}")
    points = (*lead[:-1], 2 * (lead[-1] - 1)) if back else lead
    ops = fourier_ops(points, tuple(range(len(points) - rank, len(points))), real=True)
    made = points if back else (*lead[:-1], lead[-1] // 2 + 1, 2)
    builder.emit(node, Work(node.name, node.operator.lower(), made, ops), builder.tensor(node).name)


@handles("AffineGrid")
def affine_grid(node: NodeView, builder: Builder) -> None:
    """Add the product of every position, known beforehand, with an affine map a sample."""
    maps, sizes = builder.tensor(node), builder.value(node, 1)
    sides = () if sizes is None else tuple(small(sizes))[2:]
    if maps.shape[1:] != (len(sides), len(sides) + 1) or min(sides, default=0) < 1:
        node.refuse(f"maps of {maps.shape} do not make a grid of {sides}")
    places = (size(sides), len(sides) + 1)
    grid = Weight(f"{node.name}/places", places, 0, trained=False)
    turned = builder.step(Transpose(f"{node.name}/maps", (0, 2, 1)), maps.name)
    product = MatMul(f"{node.name}/product", constant="a", constant_shape=places)
    made = builder.step(product, turned, weights={"weight": grid})
    shape = (maps.shape[0], *sides, len(sides))
    builder.bind(node.outputs[0], builder.reshaped(node.name, made, shape))
