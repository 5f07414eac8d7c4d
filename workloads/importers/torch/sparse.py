"""Tensors in sparse layouts (2:4, coordinates, compressed rows) as dense ones that keep their zeros."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workloads.importers.torch.library import Array, torch


@contextmanager
def dense(module: Any) -> Iterator[None]:
    """Put dense tensors in the places of a module's compressed ones, which products take, for the while.

    Zeros of weights are found in their values, as those of dense ones are.
    """
    swapped: list[tuple[dict[str, Any], str, Any]] = []
    made: dict[int, Any] = {}
    products = torch.sparse.mm, torch.sparse.addmm
    try:
        torch.sparse.mm, torch.sparse.addmm = torch.mm, torch.addmm
        for part in module.modules():
            for places in (part._parameters, part._buffers, vars(part)):
                for name, value in list(places.items()):
                    if isinstance(value, torch.Tensor) and compressed(value):
                        swapped.append((places, name, value))
                        if id(value) not in made:
                            plain = value.detach().to_dense()
                            learns = isinstance(value, torch.nn.Parameter)
                            made[id(value)] = (
                                torch.nn.Parameter(plain, requires_grad=False) if learns else plain
                            )
                        places[name] = made[id(value)]
        yield
    finally:
        torch.sparse.mm, torch.sparse.addmm = products
        for places, name, value in swapped:
            places[name] = value


def compressed(value: Array) -> bool:
    """Whether a tensor is kept in a sparse layout."""
    data = value.data
    plain = type(data) in (torch.Tensor, torch.nn.Parameter)
    return value.layout is not torch.strided or (not plain and "Sparse" in type(data).__name__)


def filled(leaf: Any) -> Any:
    """Return a tensor in a dense layout; anything else as it is."""
    return leaf.to_dense() if isinstance(leaf, torch.Tensor) and compressed(leaf) else leaf


def nonzero_share(value: Array) -> float | None:
    """Return the share of a sparse tensor's elements that are not zero, None for a dense one."""
    if not compressed(value) or value.is_meta or not value.numel():
        return None
    return max(1, int(value.to_dense().count_nonzero())) / int(value.numel())
