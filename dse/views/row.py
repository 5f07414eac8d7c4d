"""One design as it is printed: every value in its unit, the same row underneath."""

from typing import Any

import pandas

from dse import metrics
from dse.metrics import describe, show_metric
from dse.views.text import text_table
from workloads import inline
from workloads.grammar.quantities import show


def written(column: str, value: Any) -> tuple[str, str]:
    """Title and value of a column as people read them: metrics in units, axes as they were given."""
    known = column in metrics.columns() or column in metrics.SHARES
    if value != value:
        return (describe(column).title if known else column), "–"
    return (describe(column).title, show_metric(column, value)) if known else (column, show(column, value))


class Row(pandas.Series):
    """A design's row of a frame; it computes as any Series does, and prints in units."""

    @property
    def _constructor(self) -> type[pandas.Series]:
        """What slices and sums of it are: plain."""
        return pandas.Series

    def _cells(self) -> list[list[str]]:
        cells = (written(str(name), value) for name, value in self.items())
        return [["", f"design {self.name}"], *([title, text] for title, text in cells)]

    def __repr__(self) -> str:
        return text_table(self._cells())

    def _repr_html_(self) -> str:
        return inline.table(self._cells())
