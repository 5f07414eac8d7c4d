"""Rotary position embedding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape


@dataclass(frozen=True)
class Rotary(Operation):
    """Rotary position embedding: pairs of channels turned by an angle that depends on their token.

    Notes
    -----
    Two multiplications and an addition an element; sines and cosines are kept. Pairs lie side by side, so
    that they can be turned on their way out of a projection. Source: Su et al., "RoFormer", arXiv 2104.09864,
    equation 34.

    """

    streams: ClassVar[bool] = True
    fusable: ClassVar[bool] = True

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        if inputs[0][-1] % 2:
            self.refuse(f"{inputs[0][-1]} channels (the last dimension) do not make pairs")
        return (inputs[0],)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        return [vector(site, 3 * site.inputs[0].elements)]
