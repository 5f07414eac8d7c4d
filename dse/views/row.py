"""One design as it is printed: every value in its unit, the same row underneath."""

import pandas

from dse import metrics
from dse.metrics import describe, show_metric
from dse.views.text import text_table
from workloads import inline
from workloads.grammar.quantities import show


class Row(pandas.Series):
    """A design's row of a frame; it computes as any Series does, and prints in units."""

    @property
    def _constructor(self) -> type[pandas.Series]:
        """What slices and sums of it are: plain."""
        return pandas.Series

    def _cells(self) -> list[list[str]]:
        known = set(metrics.columns())
        rows = [["", f"design {self.name}"]]
        for name, value in self.items():
            column = str(name)
            if column in known:
                rows.append([describe(column).title, show_metric(column, value)])
            else:
                rows.append([column, show(column, value)])
        return rows

    def __repr__(self) -> str:
        return text_table(self._cells())

    def _repr_html_(self) -> str:
        return inline.table(self._cells())
