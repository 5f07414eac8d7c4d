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
        tensor, weight = site.inputs[0], site.weights["weight"]
        rows, features = tensor.shape
        each, more = divmod(rows, self.groups)
        made: list[Row] = []
        for groups, n in ((more, each + 1), (self.groups - more, each)):
            if not groups or not n:
                continue
            macs = groups * n * features * self.out_features
            made.append(
                Row(
                    kind=int(Kind.NEST),
                    g=groups,
                    n=n,
                    c=features,
                    k=self.out_features,
                    weight_elements=groups * features * self.out_features,
                    read_elements=groups * n * features,
                    write_elements=groups * n * self.out_features,
                    effectual_macs=macs * weight.density * tensor.density,
                    batch=site.batch,
                    part="" if n == each and not more else f"{n} rows",
                    note="rows spread evenly over groups (assumed)",
                    **operand_columns(site),
                )
            )
        places = sum(other.elements for other in site.inputs[1:])
        first = made[0]._replace(read_elements=made[0].read_elements + places)
        return [first, *made[1:]]
