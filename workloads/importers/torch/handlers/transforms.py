"""Fourier transforms and distances."""

from workloads.importers.torch.builder import Builder
from workloads.importers.torch.call import Call
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers.registry import handles
from workloads.importers.torch.turned import pairs_in, turned
from workloads.operations import Rearrange, Rotary
from workloads.operations.work import Work, fourier_ops
from workloads.shapes import size
from workloads.vector_ops import LOOKUP

_PLAIN = ("fft_fft", "fft_ifft", "fft_fft2", "fft_ifft2", "fft_fftn", "fft_ifftn", "_fft_c2c")
_REAL = (
    *("fft_rfft", "fft_irfft", "fft_rfft2", "fft_irfft2", "fft_rfftn", "fft_irfftn", "fft_hfft", "fft_ihfft"),
    *("_fft_r2c", "_fft_c2r"),
)


@handles(*_PLAIN, *_REAL)
def fourier(call: Call, builder: Builder) -> str:
    """Add fast Fourier transforms along the axes a call names, the last ones if it names none."""
    tensor = builder.tensor(call)
    rank = len(tensor.shape)
    if call.operator.endswith("n") and not call.has("dim"):
        axes = tuple(range(rank))
    else:
        default = [-2, -1] if call.operator.endswith("2") else [-1]
        axes = call.integers("dim") if call.has("dim") else tuple(default)
    real = call.operator.removeprefix("aten.") in _REAL
    longer = tensor.shape if size(tensor.shape) >= size(call.shape()) else call.shape()
    ops = fourier_ops(longer, [axis % rank for axis in axes], real=real)
    label = call.operator.removeprefix("aten.").strip("_")
    return builder.emit(call, Work(call.name, label, call.shape(), ops), tensor.name)


@handles("fft_fftshift", "fft_ifftshift")
def shift(call: Call, builder: Builder) -> str:
    """Add elements placed in another order."""
    return builder.emit(call, Rearrange(call.name, "roll", call.shape()), builder.tensor(call).name)


@handles("cdist", "_cdist_forward", "_euclidean_dist")
def distances(call: Call, builder: Builder) -> str:
    """Add distances: a difference, a power and a sum for every pair and feature, and a root a pair."""
    given = (builder.argument(call, name) for name in ("x1", "x2"))
    points = [
        builder.stored(one, f"{call.name}.stored") if isinstance(one, Constant) else one for one in given
    ]
    return _distances(call, builder, *points)


@handles("pdist", "_pdist_forward")
def distances_within(call: Call, builder: Builder) -> str:
    """Add distances of every pair of rows."""
    return _distances(call, builder, builder.tensor(call).name)


def _distances(call: Call, builder: Builder, *points: str) -> str:
    ops = (3 * builder.shape(points[0])[-1] + LOOKUP) * size(call.shape())
    operation = Work(call.name, "distances", call.shape(), float(ops))
    return builder.emit(call, operation, *dict.fromkeys(points))


@handles("view_as_complex")
def paired(call: Call, builder: Builder) -> str:
    """Let pairs of numbers through where they are turned (see `turned`); else they are one element each."""
    if turned(call.node):
        return builder.tensor(call).name
    return builder.emit(
        call, Rearrange(call.name, "complex", call.shape(), picks=True), builder.tensor(call).name
    )


@handles("view_as_real")
def rotary(call: Call, builder: Builder) -> str:
    """Add pairs turned by their token's angle, whose angles are kept; else two elements a complex number."""
    if pairs_in(call.node.args[0]) is None:
        return builder.emit(
            call, Rearrange(call.name, "pairs", call.shape(), picks=True), builder.tensor(call).name
        )
    return builder.emit(call, Rotary(call.name), builder.tensor(call).name)


@handles("complex", "polar")
def of_two(call: Call, builder: Builder) -> str:
    """Add complex numbers made of their parts, or of radius and angle: a sine, a cosine and two products."""
    radius = call.operator == "aten.polar"
    values = [builder.argument(call, name) for name in (("abs", "angle") if radius else ("real", "imag"))]
    names = [
        builder.stored(one, f"{call.name}.stored") if isinstance(one, Constant) else one for one in values
    ]
    ops = float(size(call.shape()) * (2 + 2 * LOOKUP)) if radius else 0.0
    operation = Work(call.name, "polar" if radius else "complex", call.shape(), ops)
    return builder.emit(call, operation, *dict.fromkeys(names))
