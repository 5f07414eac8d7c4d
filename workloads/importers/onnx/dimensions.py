"""Numbers for the dimensions a model leaves open."""

from collections.abc import Iterable, Mapping
from typing import Any

from workloads.errors import NetworkImportError, shown
from workloads.shapes import Shape

_BATCH_NAMES = ("n", "bs", "batch")
"""A dynamic dimension is the batch if its name is one of these or begins with the last."""


_MOST = 8
"""Inputs, and dimensions, that a message names."""
_MOST_HELD = 4096
"""Tensors of a sequence."""


def _listed(words: list[str]) -> str:
    """Return words as a list in a sentence."""
    shown_ones = words[:_MOST]
    return shown_ones[0] if len(shown_ones) == 1 else f"{', '.join(shown_ones[:-1])} and {shown_ones[-1]}"


class Dimensions:
    """What the user says about a model's dynamic dimensions.

    Parameters
    ----------
    given
        Values by the model's names, or by "<input>.<axis>".
    batch
        Value for dynamic batch dimensions (see `batch_axis`) that `given` does not name.
    axis
        Which axis of an input is its batch; None for the one that is called so, else the first.

    """

    def __init__(self, given: Mapping[str, int], batch: int | None, axis: int | None = None) -> None:
        if axis is not None and (isinstance(axis, bool) or not isinstance(axis, int) or axis < 0):
            raise NetworkImportError(f"batch_axis must be an axis from 0 on, got {shown(axis)}")
        for name, value in (*given.items(), *(() if batch is None else (("batch", batch),))):
            if isinstance(value, bool) or not isinstance(value, int) or value < (name == "batch"):
                raise NetworkImportError(
                    f"dimension {shown(name)} must be a positive integer, got {shown(value)}"
                )
        self._given = given
        self._batch = batch
        self._axis = axis
        self._used: set[str] = set()
        self._open: list[str] = []

    def check_axis(self, kinds: Iterable[Any]) -> None:
        """Refuse a batch axis that no input has."""
        ranks = [len(kind.shape.dim) for kind in kinds]
        if self._axis is not None and all(rank <= self._axis for rank in ranks):
            raise NetworkImportError(
                f"batch_axis: {self._axis} is no axis of inputs of {', '.join(map(str, ranks))} dimensions"
            )

    def batch_axis(self, kind: Any) -> int | None:
        """Return the axis of an input that is its batch, None where it has none (a scalar)."""
        names = [length.dim_param.lower() for length in kind.shape.dim]
        if self._axis is not None:
            return self._axis if self._axis < len(names) else None
        for axis, name in enumerate(names):
            if name in _BATCH_NAMES or name.startswith(_BATCH_NAMES[-1]):
                return axis
        return 0 if names else None

    def check_known(self, kinds: Iterable[tuple[str, Any]]) -> None:
        """Refuse inputs with dimensions that are open and have no value, naming all of them.

        Parameters
        ----------
        kinds
            Names of inputs and their types.

        """
        missing: dict[str, list[str]] = {}
        names: list[str] = []
        for tensor, kind in kinds:
            batch = self.batch_axis(kind) if self._batch is not None else None
            for axis, length in enumerate(kind.shape.dim):
                place = f"{tensor}.{axis}"
                name = length.dim_param or place
                known = {place, name} & self._given.keys() or axis == batch
                if length.WhichOneof("value") != "dim_value" and not known and name not in names:
                    names.append(name)
                    missing.setdefault(tensor, []).append(f"{axis} ({shown(name)})")
        if not missing:
            return
        places = "; ".join(
            f"input {shown(tensor)}: dimension{'s' * (len(axes) > 1)} {_listed(axes)}"
            for tensor, axes in list(missing.items())[:_MOST]
        )
        rest = f" and those of {len(missing) - _MOST} more inputs" if len(missing) > _MOST else ""
        verb, each = ("is", "it a value") if len(names) == 1 else ("are", "each a value")
        values = ", ".join(f"{shown(name)}: VALUE" for name in names[:_MOST])
        options = " ".join(f"--dim {name}=VALUE" for name in names[:_MOST])
        raise NetworkImportError(
            f"{places}{rest} {verb} dynamic; give {each} with dims={{{values}}} ({options})"
        )

    def length(self, sequence: str) -> int:
        """Return how many tensors a sequence given to the model holds.

        Raises
        ------
        NetworkImportError
            If the user does not say, or says a number that is not positive.

        """
        self._open.append(sequence)
        count = self._given.get(sequence)
        if count is None or not 0 < count <= _MOST_HELD:
            what = (
                "its length is open"
                if count is None
                else f"its length must be 1 to {_MOST_HELD}, got {count}"
            )
            raise NetworkImportError(
                f"input {shown(sequence)} is a sequence, and {what}; give it with "
                f"dims={{{shown(sequence)}: VALUE}} (--dim {sequence}=VALUE)"
            )
        self._used.add(sequence)
        return count

    def bind(self, tensor: str, kind: Any) -> Shape:
        """Return an input's shape in numbers, open dimensions being known.

        Raises
        ------
        NetworkImportError
            If a dimension is not positive.

        """
        if not kind.HasField("shape"):
            raise NetworkImportError(f"input {shown(tensor)} has no shape")
        batch = self.batch_axis(kind)
        return tuple(self._length(tensor, a, length, a == batch) for a, length in enumerate(kind.shape.dim))

    def _length(self, tensor: str, axis: int, length: Any, is_batch: bool) -> int:
        place = f"{tensor}.{axis}"
        if length.WhichOneof("value") == "dim_value":
            value = int(length.dim_value)
            if value < is_batch:
                raise NetworkImportError(
                    f"input {shown(tensor)}: dimension {axis} must be positive, got {value}"
                )
            if is_batch and self._batch not in (None, value) and place not in self._given:
                raise NetworkImportError(
                    f"input {shown(tensor)}: its batch is fixed at {value}, not {self._batch}; load "
                    "it as it is "
                    f"and ask its table for another batch"
                )
            return value
        name = length.dim_param or place
        self._open.append(name)
        for key in (place, name):
            if key in self._given:
                self._used.add(key)
                if self._given[key] < is_batch:
                    raise NetworkImportError(f"dimension {shown(key)} must be a positive integer, got 0")
                return self._given[key]
        assert self._batch is not None
        return self._batch

    def check_all_used(self) -> None:
        """Refuse values for dimensions the model does not have."""
        for name in self._given:
            if name not in self._used:
                known = ", ".join(dict.fromkeys(self._open)) or "none"
                raise NetworkImportError(
                    f"dims: the model has no dynamic dimension {shown(name)}; it has {known}"
                )
