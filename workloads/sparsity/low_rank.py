"""Tucker-2: a convolution as three, 1x1 to few channels, the kernel among those, 1x1 back.

Source: Kim et al., ICLR 2016 (the decomposition); Xiao et al., HALOC, AAAI 2023 (equal ranks, in multiples of
a constant that suits the hardware).
"""

from dataclasses import dataclass
from math import prod

from workloads.sparsity.checks import SparsityError, check_density


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv:
    """The sizes of a convolution of one image that its cost depends on."""

    filters: int
    channels: int
    kernel: tuple[int, ...]
    inputs: int  # positions of the input image
    outputs: int  # positions of the output image

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the convolution itself."""
        return self.outputs * self.filters * self.parameters_per_filter

    @property
    def parameters_per_filter(self) -> int:
        """Weights of one filter."""
        return self.channels * prod(self.kernel)

    @property
    def parameters(self) -> int:
        """Weights, biases left out."""
        return self.filters * self.parameters_per_filter


def tucker2_macs(conv: Conv, rank_in: int, rank_out: int) -> int:
    """Multiply-accumulates of the three convolutions that replace one.

    Examples
    --------
    >>> conv = Conv(filters=64, channels=64, kernel=(3, 3), inputs=1024, outputs=1024)
    >>> tucker2_macs(conv, 16, 16), conv.macs
    (4456448, 37748736)

    """
    first = conv.inputs * conv.channels * rank_in  # at the input's positions: the stride is in the middle one
    middle = conv.outputs * rank_in * rank_out * prod(conv.kernel)
    return first + middle + conv.outputs * rank_out * conv.filters


def tucker2_parameters(conv: Conv, rank_in: int, rank_out: int) -> int:
    """Weights of the three convolutions, the bias left out."""
    return conv.channels * rank_in + rank_in * rank_out * prod(conv.kernel) + rank_out * conv.filters


def rank_for(conv: Conv, density: float, quantum: int = 1) -> int | None:
    """Largest equal rank, a multiple of `quantum`, whose MACs are at most `density` times the convolution's.

    Parameters
    ----------
    conv
        The convolution.
    density
        Multiply-accumulates kept, as a fraction in (0, 1].
    quantum
        Ranks are multiples of it: the PEs or lanes that a rank should fill.

    Returns
    -------
    int or None
        None where even the smallest multiple costs more: such a layer stays as it is.

    Examples
    --------
    >>> rank_for(Conv(filters=64, channels=64, kernel=(3, 3), inputs=1024, outputs=1024), 0.3, quantum=8)
    24

    """
    check_density(density, "tucker2")
    if quantum < 1:
        raise SparsityError(f"tucker2: quantum must be at least 1, got {quantum}")
    ranks = range(quantum, min(conv.filters, conv.channels) + 1, quantum)
    fitting = [rank for rank in ranks if tucker2_macs(conv, rank, rank) <= density * conv.macs]
    return max(fitting, default=None)
