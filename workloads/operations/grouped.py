"""Products of rows with one of several matrices each: the experts of a mixture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site, operand_columns
from workloads.rows import Row
from workloads.shapes import Shape
from workloads.table import Kind


@dataclass(frozen=True)
class GroupedProduct(Operation):
    """Rows (rows, in), sorted by their group, each times its group's matrix: (rows, out).

    Attributes
    ----------
    groups
        Matrices.
    out_features
        Columns of the result.
    transposed
        Whether matrices are stored (groups, out, in) instead of (groups, in, out).

    Notes
    -----
    How many rows meet which matrix depends on data; how many there are does not. They are taken to spread
    evenly, as routers are trained to make them: every group gets rows // groups or one more, so that
    multiply-accumulates are exact and as many matrices are read as can be needed. A second input
    (where groups end) is read.

    """

    groups: int
    out_features: int
    transposed: bool = False

    arity: ClassVar[tuple[int, int]] = (1, 2)
    streams: ClassVar[bool] = True
    nests: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.need_positive(groups=self.groups, out_features=self.out_features)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (rows, out)."""
        self.need_rank("input", inputs[0], 2)
        return ((inputs[0][0], self.out_features),)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the matrices."""
        sides = (inputs[0][1], self.out_features)
        return {"weight": (self.groups, *(reversed(sides) if self.transposed else sides))}

    def lower(self, site: Site) -> list[Row]:
        """Return a nest of the groups that get a row more, and one of the others."""
        each, more = divmod(site.inputs[0].shape[0], self.groups)
        loads = [load for load in ((more, each + 1), (self.groups - more, each)) if all(load)]
        parts = [("" if n == each and not more else f"{n} rows", groups, n) for groups, n in loads]
        return matrix_rows(site, self.out_features, parts, "rows spread evenly over groups (assumed)")


def matrix_rows(site: Site, out_features: int, loads: Sequence[tuple[str, int, int]], note: str) -> list[Row]:
    """Rows of products with one of several matrices each.

    Parameters
    ----------
    site
        Its first input holds the rows, (..., in); the others say which meets which matrix, and are read once.
    out_features
        Columns of the result.
    loads
        (part, matrices, rows that each meets), of matrices that meet equally many.
    note
        How rows are taken to spread.

    """
    given, weight = site.inputs[0], site.weights["weight"]
    features = given.shape[-1]
    made = [
        Row(
            kind=int(Kind.NEST),
            g=groups,
            n=each,
            k=out_features,
            c=features,
            weight_elements=groups * out_features * features,
            read_elements=groups * each * features,
            write_elements=groups * each * out_features if site.write_elements else 0,
            effectual_macs=float(groups * each * features * out_features) * weight.density * given.density,
            batch=site.batch,
            part=part,
            note=note,
            **operand_columns(site),
        )
        for part, groups, each in loads
    ]
    choices = sum(other.elements for other in site.inputs[1:])
    first = made[0]._replace(read_elements=made[0].read_elements + choices)
    return [first, *made[1:]]
