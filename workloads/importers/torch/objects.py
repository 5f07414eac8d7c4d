"""Arguments and results that are objects of a module's own (caches, outputs by name) as lists of tensors."""

import copy
import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from workloads.importers.torch.library import Array, torch

_PLAIN = (int, float, complex, bool, str, bytes, type(None))
_KEPT = (*_PLAIN, torch.Tensor, torch.dtype, torch.device)


def tensors_in(value: Any) -> list[Array]:
    """Return the tensors an object holds, each once, in the order its attributes were set in."""
    return list(_tensors(value, set()))


def _tensors(value: Any, seen: set[int]) -> Iterator[Array]:
    if isinstance(value, _PLAIN) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _tensors(part, seen)
    elif not isinstance(value, type | torch.nn.Module) and hasattr(value, "__dict__"):
        yield from _tensors(vars(value), seen)


def flat(value: Any) -> Any:
    """Return arguments with a list of its tensors in every object's place."""

    def part(leaf: Any) -> Any:
        return leaf if isinstance(leaf, _KEPT) else tensors_in(leaf) or leaf

    return torch.utils._pytree.tree_map(part, value)


@contextmanager
def plain_calls(module: Any, given: Any, flattened: Any) -> Iterator[None]:
    """Let a module take lists of tensors for objects, and give away a list of tensors, for the while.

    Parameters
    ----------
    module
        The module; unchanged afterwards.
    given, flattened
        Its arguments, (args, kwargs), and the same with lists in the places of objects, see `flat`.

    """
    forward = module.forward

    @functools.wraps(forward)
    def plain(*args: Any, **kwargs: Any) -> list[Array]:
        args, kwargs = rebuilt(given, flattened, (args, kwargs))
        made = forward(*args, **kwargs)
        return [leaf for leaf in _leaves(made) if leaf is not None]

    module.forward = plain
    try:
        yield
    finally:
        del module.forward


def _leaves(made: Any) -> list[Any]:
    """Return a result's leaves, the tensors of those that are objects among them."""
    found: list[Any] = []
    for leaf in torch.utils._pytree.tree_leaves(made):
        found += [leaf] if isinstance(leaf, (*_PLAIN, torch.Tensor)) else tensors_in(leaf)
    return found


def rebuilt(given: Any, flattened: Any, called: Any) -> Any:
    """Return what a module is called with, objects made again of their tensors."""
    pytree = torch.utils._pytree
    if not pytree.tree_leaves(given) or pytree.tree_structure(given) == pytree.tree_structure(flattened):
        return called
    fresh = iter(pytree.tree_leaves(called))
    made = []
    for leaf in pytree.tree_leaves(given):
        if isinstance(leaf, _KEPT) or not tensors_in(leaf):
            made.append(next(fresh))
            continue
        places = {id(tensor): next(fresh) for tensor in tensors_in(leaf)}
        made.append(copy.deepcopy(leaf, places))
    return pytree.tree_unflatten(made, pytree.tree_structure(given))
