"""Designs beside a front: other machines that were costed, and published figures."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.designs import Designs, Marked
from dse.errors import UnknownNameError, nearest
from dse.space.words import design_cells
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.axes import label_of

if TYPE_CHECKING:
    import pandas

    from dse.results.evaluation import Result


def marked_of(
    front: Designs, design: "Result | Mapping[str, float] | pandas.Series", label: str | None
) -> Marked:
    """Check a design that is to lie beside a front; `Front.mark` says what is refused."""
    if hasattr(design, "totals"):
        return _costed(front, design, label)
    try:
        given = {str(name): value for name, value in dict(design).items()}
    except (TypeError, ValueError):
        raise WrongTypeError(
            f"mark: need what dse.evaluate returned, or columns and values, got {type(design).__name__}"
        ) from None
    if not label:
        raise InputError("mark: columns of a published design need a label")
    known = [str(name) for name in front.frame.columns]
    values = {}
    for name, value in given.items():
        if name not in known:
            raise UnknownNameError(
                f"mark {shown(label)}: the front has no column {shown(name)}{nearest(name, known)}"
            )
        if name not in front.space.fields:
            values[name] = _number(front, label, name, value)
    fields = {name: label_of(value) for name, value in given.items() if name in front.space.fields}
    return Marked(label, _checked(front, values, label), _cells(front, fields), fields)


def _number(front: Designs, label: str, name: str, value: Any) -> float:
    """A published figure, in its column's own unit."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        raise WrongTypeError(f"mark {shown(label)}: {name} must be a number, got {shown(value)}")
    if not np.isfinite(value) and name in {one.column for one in front.objectives}:
        raise InputError(
            f"mark {shown(label)}: {name} must be finite, got {value}; leave out what is not known"
        )
    return float(value)


def _costed(front: Designs, result: Any, label: str | None) -> Marked:
    """A machine that was costed on the front's network."""
    label = label or str(result.accelerator.name)
    if result.network != front.network:
        raise InputError(
            f"mark {shown(label)}: it was costed on {result.network}, and this is a front on {front.network}"
        )
    if not result.feasible:
        raise InputError(f"mark {shown(label)}: it is infeasible, it breaks {result.totals['limit']}")
    values = {
        str(name): float(value)
        for name, value in result.totals.items()
        if isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
    }
    paths = {name: label_of(value) for name, value in result.accelerator.paths().items()}
    fields = {field: paths[field] for field in front.space.fields if field in paths}
    return Marked(label, _checked(front, values, label), _cells(front, fields), fields)


def _cells(front: Designs, fields: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the key of a figure says of a design whose axes are all known."""
    if set(fields) != set(front.space.fields):
        return ()
    try:
        return tuple(design_cells(front.space, fields))
    except ValueError:  # linked axes whose values it does not take
        return ()


def _checked(front: Designs, values: dict[str, float], label: str) -> dict[str, float]:
    objectives = [objective.column for objective in front.objectives]
    if not any(np.isfinite(values.get(name, np.nan)) for name in objectives):
        raise InputError(
            f"mark {shown(label)}: none of the objectives {', '.join(objectives)} is known of it"
        )
    return values
