"""What lies one step along each axis from the designs of a front."""

from collections.abc import Iterable

import numpy as np
import pandas

from dse.designs import Designs
from dse.run.columns import limit_names
from workloads.errors import UnknownNameError


def steps_from(front: Designs, designs: Iterable[int] | None = None) -> "pandas.DataFrame":
    """Cost what lies one step along each axis from designs of a front.

    Parameters
    ----------
    front
        The front.
    designs
        Indices of designs; by default all of the front.

    Returns
    -------
    DataFrame
        One row a step: `design`, `axis`, the values `from` and `to`, the index `there`, the relative change
        of every objective (-0.1: a tenth less), `on_front`, `feasible`, and `limit` where it is not. A change
        is NaN where nothing was costed or the design's own value is 0.

    Raises
    ------
    KeyError
        If a design is not on the front.

    Notes
    -----
    Along an axis of numbers a step leads to the next smaller and the next larger value, along any other axis
    to every other value; see `workloads.grammar.axes.Axis.neighbours`.

    """
    problem, space = front.asked, front.space
    index = np.array(front.frame.index if designs is None else list(designs), dtype=np.int64)
    missing = next((int(one) for one in index if one not in front.frame.index), None)
    if missing is not None:
        raise UnknownNameError(f"design {missing} is not on the front")
    strides = np.cumprod([1, *space.shape[:0:-1]])[::-1]
    codes = space.codes(index)
    taken = [
        (row, position, int(code), there)
        for row in range(len(index))
        for position, (axis, code) in enumerate(zip(space.axes, codes[:, row], strict=True))
        for there in axis.neighbours(int(code))
    ]
    rows, along, here, there = np.array(taken, dtype=np.int64).reshape(-1, 4).T
    points = index[rows] + (there - here) * strides[along] if len(taken) else index[:0]
    distinct, place = np.unique(points, return_inverse=True)
    found = problem.cost(distinct)
    before = front.frame.loc[index[rows]]
    table: dict[str, object] = {
        "design": index[rows],
        "axis": [space.axes[axis].name for axis in along],
        "from": [space.axes[axis].show(code) for axis, code in zip(along, here, strict=True)],
        "to": [space.axes[axis].show(code) for axis, code in zip(along, there, strict=True)],
        "there": points,
    }
    for objective in front.objectives:
        old = before[objective.column].to_numpy(dtype=np.float64)
        old = np.where(old == 0.0, np.nan, old)
        table[objective.column] = found[objective.column][place] / old - 1.0
    table["on_front"] = np.isin(points, front.frame.index)
    table["feasible"] = found["feasible"][place]
    table["limit"] = np.array(limit_names(space), dtype=object)[found["limit"][place]]
    return pandas.DataFrame(table)
