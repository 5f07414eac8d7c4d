"""Results as pandas frames."""

from collections.abc import Sequence
from typing import Any

import pandas
from numpy.typing import NDArray

from dse.run.columns import Columns, limit_names
from dse.space.space import Space


def categories(codes: NDArray[Any], names: Sequence[str] | NDArray[Any]) -> Any:
    """Texts of which there are few, as pandas holds them best."""
    return pandas.Categorical.from_codes(codes, pandas.Index(list(names)))


def frame_of(space: Space, found: Columns, limits: Sequence[str] | None = None) -> "pandas.DataFrame":
    """Results as a frame: axis values, metrics, `feasible` and `limit`, indexed by the space's indices.

    `limits` are the names of the codes in `limit`, by default those of the space.
    """
    index = found["index"]
    data: dict[str, object] = {}
    for axis, codes in zip(space.axes, space.codes(index), strict=True):
        for field in axis.fields:
            column = axis.column(field)
            texts = column.dtype == object and len(set(column)) == len(column)
            data[field] = categories(codes, column) if texts else column[codes]
    for name, column in found.items():
        if name == "limit":
            data[name] = categories(column, limits or limit_names(space))
        elif name != "index":
            data[name] = column
    return pandas.DataFrame(data, index=pandas.Index(index, name="index"), copy=False)
