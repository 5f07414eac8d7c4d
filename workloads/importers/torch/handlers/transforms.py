"""Fourier transforms and distances."""

from workloads.importers.torch.builder import Builder
from workloads.importers.torch.call import Call
from workloads.importers.torch.handlers.registry import handles
from workloads.importers.torch.turned import turned
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
    first, second = (builder.tensor(call, name) for name in ("x1", "x2"))
    pairs = size(call.shape())
    ops = (3 * first.shape[-1] + LOOKUP) * pairs
    inputs = dict.fromkeys((first.name, second.name))
    return builder.emit(call, Work(call.name, "distances", call.shape(), float(ops)), *inputs)


@handles("view_as_complex")
def paired(call: Call, builder: Builder) -> str:
    """Let pairs of numbers through, as they are until they have been turned; see `turned`."""
    if not turned(call.node):
        call.refuse("complex numbers are known where they are pairs turned by angles (rotary positions)")
    return builder.tensor(call).name


@handles("view_as_real")
def rotary(call: Call, builder: Builder) -> str:
    """Add pairs turned by their token's angle; the angles are kept."""
    return builder.emit(call, Rotary(call.name), builder.tensor(call).name)
