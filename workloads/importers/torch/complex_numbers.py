"""Products of complex numbers as real ones: four multiplications each, without Gauss's trick of three.

(a + ib)(c + id) = (ac - bd) + i(ad + bc); a row of k complex numbers is one of 2k real ones, and a matrix of
k x n complex numbers is one of 2k x 2n, whose sums come out of the accumulators: 4 m k n MACs in all.
"""

from dataclasses import replace
from typing import Any

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.library import torch
from workloads.operations import Expand, Slice
from workloads.shapes import Shape


def is_complex(call: Call) -> bool:
    """Whether a call's result is complex."""
    value = call.node.meta.get("val")
    return isinstance(value, torch.Tensor) and bool(value.dtype.is_complex)


def of_complex_alone(call: Call) -> bool:
    """Whether both operands of a call are complex tensors."""
    given = [call.get(name) for name in ("self", "other")]
    values = [one.meta.get("val") for one in given if isinstance(one, torch.fx.Node)]
    return len(values) == 2 and all(bool(value.dtype.is_complex) for value in values)


def rows(call: Call, builder: Builder, value: Value) -> Value:
    """A left operand (..., m, k) as (..., m, 2k)."""
    if isinstance(value, Constant):
        return _real(value, torch.view_as_real(_plain(value)).flatten(-2))
    return _twice(call, builder, value, times=1)


def matrix(call: Call, builder: Builder, value: Value) -> Value:
    """A right operand (..., k, n) as (..., 2k, 2n)."""
    if isinstance(value, Constant):
        plain = _plain(value)
        pairs = torch.stack((torch.view_as_real(plain), torch.view_as_real(plain * 1j)), dim=-3)
        return _real(value, pairs.flatten(-2).flatten(-3, -2))
    return _twice(call, builder, value, times=2)


def halved(call: Call, builder: Builder, made: str) -> str:
    """A result (..., 2n) as (..., n) complex numbers, which are one element each."""
    shape = builder.shape(made)
    return builder.step(Slice(builder.part(call, "complex"), ((len(shape) - 1, 0, shape[-1] // 2, 1),)), made)


def _plain(value: Constant) -> Any:
    return value.value.detach().resolve_conj()


def _real(value: Constant, numbers: Any) -> Constant:
    """Real numbers computed of complex ones; as many are parameters as those were."""
    sources = value.made_of or frozenset({(value.root or value).place})
    return replace(
        Constant(numbers, value.trained, value.bits), sources=sources if value.trained else frozenset()
    )


def _twice(call: Call, builder: Builder, tensor: str, *, times: int) -> str:
    """Each number twice along the last axis: both its parts lie where it does; rows as often as is said."""
    *lead, first, last = builder.shape(tensor)
    whole: Shape = (*lead, first, times, last, 2)
    made = builder.reshaped(call, tensor, (*lead, first, 1, last, 1), "parts")
    made = builder.step(Expand(builder.part(call, "pairs"), whole), made)
    return builder.reshaped(call, made, (*lead, first * times, last * 2), "real")
