"""Modules whose work depends on what a router chooses, traced as if it chose every expert equally often.

What a router chooses (a top-k, an arg-max) is data. Where Python asks for a number that depends on choices
alone (how many rows an expert gets: `tolist`, `item`, `if`), the numbers are those of choices that go round:
rows times choices over experts each, which is what to expect of them. Everything else is traced as it is.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workloads.importers.torch.library import Array, torch

_disable_current_modes = torch.utils._python_dispatch._disable_current_modes
_ASKS: dict[str, Callable[[Array], Any]] = {
    **{name: getattr(torch.Tensor, name) for name in ("tolist", "item", "numpy")},
    **{name: getattr(torch.Tensor, name) for name in ("__bool__", "__int__", "__index__", "__float__")},
}
"""Calls that turn a tensor into something of Python's."""
_ROUTERS = {
    "topk": 1,
    "max": 1,
    "min": 1,
    "sort": 1,
    "argmax": 0,
    "argmin": 0,
    "argsort": 0,
    "multinomial": 0,
}
"""Calls that choose, and which of their results says what."""
_SHAPED = {"new_zeros": 0, "zeros_like": 0, "new_ones": 1, "ones_like": 1}
_MADE = ("arange", "zeros", "ones", "full", "tensor", "as_tensor", "eye")
_LENGTHS = ("nonzero", "argwhere", "where", "bincount", "unique", "unique_consecutive", "masked_select")
"""Calls whose results are as long as data says."""
_MOST = 1 << 22
"""Elements of a tensor that is followed."""


class EvenChoices(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
    """Answers what Python asks about tensors that depend on routers' choices alone.

    Attributes
    ----------
    answers
        How often it was asked.

    """

    def __init__(self) -> None:
        super().__init__()
        self.answers = 0
        self._values: dict[int, tuple[Any, Array]] = {}  # of a tensor: itself, so that it lives, and numbers

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Answer a question, or call a function and follow what it makes of choices."""
        given, name = dict(kwargs or {}), getattr(func, "__name__", "")
        first = self._of(args[0]) if args else None
        if first is not None and name in _ASKS:
            self.answers += 1
            with _disable_current_modes():
                return _ASKS[name](first)
        if first is not None and name == "__iter__":
            parts = args[0].unbind(0)
            with _disable_current_modes():
                self._keep(parts, first.unbind(0))
            return iter(parts)
        args = self._places(name, args)
        times = self._of(args[1]) if name == "repeat_interleave" and len(args) > 1 else None
        if times is not None:
            given.setdefault("output_size", sum(times.tolist()))
            self.answers += 1
        known = self._known(func, name, args, given)
        if name in _LENGTHS and known is not None and (name != "where" or len(args) == 1):
            self.answers += 1
            made = torch.utils._pytree.tree_map(lambda part: torch.tensor(part.tolist()), known)
        else:
            made = func(*args, **given)
        if known is None:
            known = self._assumed(name, args, given, made)
        if known is not None:
            self._keep(made, known)
        elif name.endswith("_") and args:  # written over, or with what is not known
            self._values.pop(id(args[0]), None)
        return made

    def _of(self, value: Any) -> Array | None:
        """Return a tensor's numbers, None where they are not known."""
        found = self._values.get(id(value))
        return None if found is None else found[1]

    def _keep(self, made: Any, known: Any) -> None:
        """Note the numbers of tensors."""
        for tensor, numbers in zip(_tensors(made), _tensors(known), strict=False):
            fixed = all(isinstance(length, int) for length in tensor.shape)
            if fixed and numbers.numel() <= _MOST and not numbers.is_meta and numbers.shape == tensor.shape:
                self._values[id(tensor)] = tensor, numbers

    def _known(self, func: Any, name: str, args: Any, given: Any) -> Any:
        """Compute a call of tensors whose numbers are known, None where it has none or others."""
        tensors = list(_tensors((args, given)))
        values = [self._of(tensor) for tensor in tensors]
        if any(value is None for value in values) or not (values or name in _MADE):
            return None
        if name in ("to", "cpu", "cuda"):
            value = values[0]
            return None if value is None or len(values) > 1 else value.to(_dtype(args, given, value))
        numbers = {id(tensor): value for tensor, value in zip(tensors, values, strict=True)}
        plain, named = torch.utils._pytree.tree_map(lambda leaf: numbers.get(id(leaf), leaf), (args, given))
        named = {key: value for key, value in named.items() if key != "device"}
        with _disable_current_modes(), torch.no_grad():
            try:
                return func(*plain, **named)
            except Exception:  # what cannot be computed is not known
                return None

    def _assumed(self, name: str, args: Any, given: Any, made: Any) -> Any:
        """Return choices that go round for what a router chose, and the numbers of what only has a shape."""
        parts = list(_tensors(made))
        if name in _SHAPED and len(parts) == 1:
            with _disable_current_modes():
                return torch.full(tuple(parts[0].shape), _SHAPED[name], dtype=parts[0].dtype)
        place = _ROUTERS.get(name, len(parts))
        if place == len(parts) - 1 and isinstance(args[0], torch.Tensor) and args[0].is_floating_point():
            with _disable_current_modes():
                chosen = _round(tuple(parts[place].shape), _axis(name, args, given), args[0])
            self._keep(parts[place], chosen)
        return None

    def _places(self, name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return arguments with the places of masks that are known, in the masks' places."""
        if name not in ("__getitem__", "__setitem__"):
            return args
        several = isinstance(args[1], tuple)
        found: list[Any] = []
        for one in args[1] if several else (args[1],):
            known = self._of(one)
            if known is None:
                found.append(one)
            elif known.dtype is torch.bool:
                self.answers += 1
                with _disable_current_modes():
                    places = known.nonzero().unbind(1)
                made = [torch.tensor(place.tolist()) for place in places]
                self._keep(made, places)
                found += made
            else:
                found.append(one if known.dim() else _number(known))
        return (args[0], tuple(found) if several or len(found) > 1 else found[0], *args[2:])


def _number(known: Array) -> int:
    with _disable_current_modes():
        return int(known)


def _tensors(value: Any) -> Iterator[Array]:
    return (leaf for leaf in torch.utils._pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor))


def _dtype(args: Any, given: Any, value: Array) -> Any:
    """Return the type that a tensor is turned into, its own where it is not."""
    named = [one for one in (*args, *given.values()) if isinstance(one, torch.dtype)]
    other = [one.dtype for one in (*args[1:], *given.values()) if isinstance(one, torch.Tensor)]
    return (named or other or [value.dtype])[0]


def _axis(name: str, args: Any, given: Any) -> int:
    """Return along which axis a router chooses."""
    rest = args[2:] if name == "topk" else args[1:]
    axis = given.get("dim", rest[0] if rest else -1)
    return axis if isinstance(axis, int) and not isinstance(axis, bool) else -1


def _round(shape: tuple[int, ...], axis: int, scores: Array) -> Array:
    """Return choices among the scores along an axis that go round, different ones side by side."""
    among = scores.shape[axis]
    count = torch.arange(torch.Size(shape).numel()) % among
    if len(shape) < scores.dim():  # one choice a row
        return count.reshape(shape)
    turned = list(shape)
    turned.append(turned.pop(axis))
    return count.reshape(turned).movedim(-1, axis)
