"""Training in a machine's own arithmetic: every product through its datapath, every stored value a word.

    with InArithmetic(arithmetic): ...          # any module: products, and what is written, in its words
    fit_in(module, data, training, arithmetic)  # the same for a whole training, updates included

An arithmetic says how a matrix product is carried out and what a stored value becomes. The bit-true ones of
hardware are `hwmodels.arithmetic`; nothing here knows a format.
"""

import math
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import having, takes
from workloads.importers.torch.library import Array, torch
from workloads.learning.arguments import DATA, MODULE
from workloads.learning.arguments import TRAINING as _TRAINING
from workloads.learning.data import Data
from workloads.learning.fitting import TRAINING, Fitted, Training, fit

F: Final = torch.nn.functional
Floats = NDArray[np.float64]


class Arithmetic(Protocol):
    """How a machine multiplies matrices and what it stores."""

    def product(self, a: Floats, b: Floats) -> Floats:
        """Return a b, shapes (m, k) and (k, n), of stored values, as the datapath gives it."""

    def store(self, x: Floats) -> Floats:
        """Return the words that values become, any shape."""


class _Stored(torch.autograd.Function):  # type: ignore[misc]
    """A value written to memory, and its gradient, too."""

    @staticmethod
    def forward(ctx: Any, x: Array, arithmetic: Arithmetic) -> Array:
        ctx.arithmetic = arithmetic
        return _stored(x, arithmetic)

    @staticmethod
    def backward(ctx: Any, slope: Array) -> tuple[Array, None]:
        return _stored(slope, ctx.arithmetic), None


class _Product(torch.autograd.Function):  # type: ignore[misc]
    """A matrix product, and the two of its gradients, through the datapath."""

    @staticmethod
    def forward(ctx: Any, a: Array, b: Array, arithmetic: Arithmetic) -> Array:
        left, right = _words(a, arithmetic), _words(b, arithmetic)
        ctx.held = left, right, arithmetic, a.dtype
        return _tensor(arithmetic.product(left, right), a.dtype)

    @staticmethod
    def backward(ctx: Any, slope: Array) -> tuple[Array | None, Array | None, None]:
        left, right, arithmetic, dtype = ctx.held
        words = _words(slope, arithmetic)
        wanted = ctx.needs_input_grad
        before = _tensor(arithmetic.product(words, _turned(right)), dtype) if wanted[0] else None
        weights = _tensor(arithmetic.product(_turned(left), words), dtype) if wanted[1] else None
        return before, weights, None


class InArithmetic(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
    """While it lasts, linear layers, convolutions and matrix products run in an arithmetic.

    Parameters
    ----------
    arithmetic
        The arithmetic.

    Notes
    -----
    Products and both of their gradients pass the datapath; convolutions as products of unfolded windows.
    Results of normalisation, averages, sums and products of elements are computed in float and stored, as
    are their gradients. Rectification, maxima and moves of elements are exact. The loss is float.

    """

    def __init__(self, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.arithmetic = arithmetic

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Carry out one operation."""
        options = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in _CARRIED:
            return _CARRIED[name](self.arithmetic, *args, **options)
        made = func(*args, **options)
        floating = isinstance(made, torch.Tensor) and made.is_floating_point() and made.dim() > 1
        return _Stored.apply(made, self.arithmetic) if floating and name in _WRITTEN else made


_WRITTEN: Final = {
    "batch_norm", "layer_norm", "group_norm", "avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool2d",
    "mean", "add", "sub", "mul", "div", "sigmoid", "tanh", "gelu", "silu",
}  # fmt: skip
"""Operations whose result is computed in float and stored."""


def _linear(arithmetic: Arithmetic, x: Array, weight: Array, bias: Array | None = None) -> Array:
    flat = x.reshape(-1, x.shape[-1])
    made = _Product.apply(flat, weight.T, arithmetic)
    if bias is not None:
        made = _Stored.apply(made + _Stored.apply(bias, arithmetic), arithmetic)
    return made.reshape(*x.shape[:-1], len(weight))


def _matmul(arithmetic: Arithmetic, a: Array, b: Array) -> Array:
    if a.dim() != 2 or b.dim() != 2:
        raise WorkloadError(
            f"arithmetic: a product of {a.dim()} and {b.dim()} dimensions is none of matrices"
        )
    return _Product.apply(a, b, arithmetic)


def _convolution(
    arithmetic: Arithmetic,
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Array:
    kernel = tuple(weight.shape[2:])
    if isinstance(padding, str):
        raise WorkloadError(f"arithmetic: a convolution's padding must be numbers, got {shown(padding)}")
    columns = F.unfold(x, kernel, dilation=dilation, padding=padding, stride=stride)
    images, _, places = columns.shape
    own = columns.reshape(images, groups, -1, places)
    pieces = []
    for group, filters in enumerate(weight.reshape(groups, len(weight) // groups, -1)):
        flat = own[:, group].permute(0, 2, 1).reshape(images * places, -1)
        pieces.append(_Product.apply(flat, filters.T, arithmetic))
    made = torch.cat(pieces, dim=1) if groups > 1 else pieces[0]
    if bias is not None:
        made = _Stored.apply(made + _Stored.apply(bias, arithmetic), arithmetic)
    rows, cols = (
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(
            x.shape[2:], _pair(padding), _pair(dilation), kernel, _pair(stride), strict=True
        )
    )
    return made.reshape(images, places, -1).permute(0, 2, 1).reshape(images, -1, rows, cols)


def _pair(value: Any) -> tuple[int, int]:
    one = tuple(value) if isinstance(value, tuple | list) else (value, value)
    return one if len(one) == 2 else (one[0], one[0])


_CARRIED: Final[dict[str, Callable[..., Array]]] = {
    "linear": _linear, "matmul": _matmul, "mm": _matmul, "conv2d": _convolution,
}  # fmt: skip
"""Operations that pass the datapath."""


@takes(
    module=MODULE,
    data=DATA,
    training=_TRAINING,
    arithmetic=having("an arithmetic, such as hwmodels.arithmetic.FixedArithmetic", "store"),
)
def fit_in(
    module: Any, data: Data, arithmetic: Arithmetic, training: Training = TRAINING, **options: Any
) -> Fitted:
    """Train a module in an arithmetic: products, activations, gradients and updated weights are its words.

    Parameters
    ----------
    module
        Of linear layers, two-dimensional convolutions and what is computed element by element; in place.
    data, training
        As `fit` takes them; scores are those of the arithmetic.
    arithmetic
        For example `hwmodels.arithmetic.FixedArithmetic(FixedPoint(4, 16), "stochastic")`.
    options
        As `fit` takes them.

    Notes
    -----
    Adam's moments and a normalisation's running statistics stay in float: weights are stored after every
    update, which is where an update too small for the format is lost or, stochastically, kept on average.

    """

    def store() -> None:
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(_stored(parameter, arithmetic))

    store()
    with InArithmetic(arithmetic):
        return fit(module, data, training, after_update=store, **options)


def _words(x: Array, arithmetic: Arithmetic) -> Floats:
    return np.ascontiguousarray(arithmetic.store(x.detach().double().numpy()))


def _stored(x: Array, arithmetic: Arithmetic) -> Array:
    values = x.detach().double().numpy()
    if not np.isfinite(values).all():
        return x.detach() * math.nan  # the loss says so
    return _tensor(arithmetic.store(values), x.dtype)


def _tensor(x: Floats, dtype: Any) -> Array:
    return torch.from_numpy(np.ascontiguousarray(x)).to(dtype)


def _turned(x: Floats) -> Floats:
    return np.ascontiguousarray(x.T)
