"""Operations with weights, as layers; one with zeros is masked.

A layer says in `roles` which of its parameters hold each of the operation's weights: their names in the order
in which they are stacked along the weight's first axis.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from workloads.errors import NetworkImportError
from workloads.importers.torch.library import Array, torch
from workloads.modules.functions import elementwise, matmul, normalise, padded, refuse, symmetric
from workloads.operations import BatchNorm, Convolution, Elementwise, Embedding, Linear, MatMul, Normalisation
from workloads.operations.base import Operation
from workloads.shapes import Shape

F: Final = torch.nn.functional
Module: Any = torch.nn.Module
Roles = dict[str, tuple[str, ...]]

WEIGHT: Final[Roles] = {"weight": ("weight",)}
AFFINE: Final[Roles] = {"weight": ("weight",), "bias": ("bias",)}
NORM: Final[Roles] = {"scale": ("weight",), "shift": ("bias",)}


class Masked(Module):  # type: ignore[misc]
    """What layers with a mask share: W_effective = W * mask, so that zeros stay zero while the rest learns.

    Attributes
    ----------
    mask
        Ones and zeros of the weight's shape, part of the state.
    watched
        Whether the gradient of the effective weight is kept, zeros included: dL/dW where a connection is not.

    """

    mask: Array
    weight: Array

    def start_mask(self) -> None:
        """Begin with all connections."""
        self.register_buffer("mask", torch.ones_like(self.weight))
        self.watched = False
        self.seen: Array = None

    def effective(self) -> Array:
        """Return the weight that computes."""
        weight = self.weight * self.mask
        if self.watched and weight.requires_grad:
            weight.register_hook(self._see)
        return weight

    def _see(self, slope: Array) -> None:
        self.seen = slope if self.seen is None else self.seen + slope

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "seen": None}  # a result of a pass is not part of a copy

    def put(self, mask: Array) -> None:
        """Keep these connections; those that were not there start at zero."""
        with torch.no_grad():
            new = mask.to(self.weight.dtype)
            self.weight.mul_(self.mask * new)
            self.mask.copy_(new)

    def dense_gradient(self) -> Array:
        """Return dL/dW of every connection, present or not, since this was last asked; forget it."""
        slope, self.seen = self.seen, None
        return slope


class MaskedLinear(Masked, torch.nn.Linear):  # type: ignore[misc]
    """A linear layer with a mask."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.start_mask()

    def forward(self, x: Array) -> Array:
        """Return x W^T + b."""
        return F.linear(x, self.effective(), self.bias)


def _masked_convolution(rank: int) -> Any:
    parent: Any = getattr(torch.nn, f"Conv{rank}d")

    class MaskedConvolution(Masked, parent):  # type: ignore[misc]
        """A convolution with a mask."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.start_mask()

        def forward(self, x: Array) -> Array:
            """Return the convolution with the effective weight."""
            return self._conv_forward(x, self.effective(), self.bias)

    MaskedConvolution.__name__ = MaskedConvolution.__qualname__ = f"MaskedConv{rank}d"
    return MaskedConvolution


CONVOLUTIONS: Final = {
    (rank, masked): _masked_convolution(rank) if masked else getattr(torch.nn, f"Conv{rank}d")
    for rank in (1, 2, 3)
    for masked in (False, True)
}
globals().update({CONVOLUTIONS[rank, True].__name__: CONVOLUTIONS[rank, True] for rank in (1, 2, 3)})


class PaddedConvolution(Module):  # type: ignore[misc]
    """A convolution after padding that differs before and after."""

    def __init__(self, inner: Any, pads: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.inner, self.pads = inner, pads

    def forward(self, x: Array) -> Array:
        """Return the convolution of the padded input."""
        return self.inner(padded(x, self.pads))


class Constants(Module):  # type: ignore[misc]
    """An operation of inputs and stored tensors, "constant0" and so on, learnt or not."""

    def __init__(self, call: Callable[..., Array], shapes: dict[str, Shape], trained: bool) -> None:
        super().__init__()
        self.call = call
        self.held = tuple(shapes)
        for role, shape in shapes.items():
            value = torch.randn(shape) / max(1, shape[-1] if shape else 1) ** 0.5
            if trained:
                self.register_parameter(role, torch.nn.Parameter(value))
            else:
                self.register_buffer(role, value)

    def forward(self, *inputs: Array) -> Array:
        """Return the operation's result."""
        return self.call(*inputs, *(getattr(self, role) for role in self.held))


def convolution(operation: Convolution, inputs: Sequence[Shape], masked: bool) -> tuple[Any, Roles]:
    """Make a convolution."""
    window = operation.window
    pads = window.pads(inputs[0][2:])
    even = symmetric(pads)
    layer = CONVOLUTIONS[window.rank, masked](
        inputs[0][1],
        operation.out_channels,
        window.kernel,
        window.stride,
        (0,) * window.rank if even is None else even,
        window.dilation,
        operation.groups,
        operation.bias,
    )
    roles = AFFINE if operation.bias else WEIGHT
    if even is not None:
        return layer, roles
    return PaddedConvolution(layer, pads), {role: (f"inner.{role}",) for role in roles}


def linear(operation: Linear, inputs: Sequence[Shape], masked: bool) -> tuple[Any, Roles]:
    """Make a linear layer."""
    kind = MaskedLinear if masked else torch.nn.Linear
    layer = kind(inputs[0][-1], operation.out_features, operation.bias)
    return layer, AFFINE if operation.bias else WEIGHT


def batch_norm(operation: BatchNorm, inputs: Sequence[Shape], masked: bool) -> tuple[Any, Roles]:
    """Make a batch norm."""
    rank = max(1, len(inputs[0]) - 2)
    return getattr(torch.nn, f"BatchNorm{rank}d")(inputs[0][1]), NORM


class _Affine(Module):  # type: ignore[misc]
    """A normalisation with scale and, where there is one, shift."""

    def __init__(self, operation: Normalisation) -> None:
        super().__init__()
        self.operation = operation
        self.weight = torch.nn.Parameter(torch.ones(operation.affine))
        self.bias = torch.nn.Parameter(torch.zeros(operation.affine)) if operation.shift else None

    def forward(self, x: Array) -> Array:
        """Return the normalised input, scaled and shifted."""
        return normalise(self.operation, x, self.weight, self.bias)


def normalisation(operation: Normalisation, inputs: Sequence[Shape], masked: bool) -> tuple[Any, Roles]:
    """Make a layer, RMS or group norm."""
    roles: Roles = NORM if operation.shift else {"scale": ("weight",)}
    return _Affine(operation), roles


def embedding(operation: Embedding, inputs: Sequence[Shape], masked: bool) -> tuple[Any, Roles]:
    """Make an embedding."""
    return torch.nn.Embedding(operation.entries, operation.features), WEIGHT


class _Elementwise:
    """An element-wise function, as a call that can be copied."""

    def __init__(self, operation: Elementwise) -> None:
        self.operation = operation

    def __call__(self, *operands: Array) -> Array:
        return elementwise(self.operation, operands)


class _Product:
    """A product with a stored operand, as a call that can be copied."""

    def __init__(self, operation: MatMul) -> None:
        self.operation = operation

    def __call__(self, x: Array, stored: Array) -> Array:
        first = self.operation.constant == "a"
        return matmul(self.operation, stored, x) if first else matmul(self.operation, x, stored)


def constants(operation: Elementwise, inputs: Sequence[Shape], masked: bool) -> tuple[Any, Roles]:
    """Make an element-wise function with constant operands."""
    shapes = operation.weight_shapes(inputs)
    return Constants(_Elementwise(operation), shapes, operation.trained), {role: (role,) for role in shapes}


def product(operation: MatMul, inputs: Sequence[Shape], masked: bool) -> tuple[Any, Roles]:
    """Make a product with a stored operand."""
    if masked:
        refuse(operation, "its stored operand has zeros")
    shapes = operation.weight_shapes(inputs)
    return Constants(_Product(operation), shapes, True), WEIGHT


LAYERS: Final[dict[type[Operation], Callable[..., tuple[Any, Roles]]]] = {
    BatchNorm: batch_norm,
    Convolution: convolution,
    Elementwise: constants,
    Embedding: embedding,
    Linear: linear,
    MatMul: product,
    Normalisation: normalisation,
}
"""Kind of operation -> what makes its layer, given operation, input shapes and whether it has zeros."""

MASKABLE: Final = (Convolution, Linear)
"""Kinds whose layer can have a mask of its own."""

__all__ = ["LAYERS", "MASKABLE", "Masked", "MaskedLinear", "NetworkImportError", "Roles"]
