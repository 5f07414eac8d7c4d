"""Features sampled between their positions: boxes brought to one size, and points on a grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.operations.base import Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape

POINT_OPS = 7
"""Vector operations of a point weighed from four neighbours: 4 multiplications, 3 additions."""


def deformed_ops(points: int, *, weighed: bool) -> float:
    """Count the operations of points sampled at places of their own, for a deformable convolution.

    Four neighbours weigh a point, and one product more where it has a weight (Dai et al., "Deformable
    convolutional networks", ICCV 2017, eq. 3; Zhu et al., "Deformable ConvNets v2", CVPR 2019).

    Examples
    --------
    >>> deformed_ops(10, weighed=True)
    80.0

    """
    return float((POINT_OPS + weighed) * points)


_PLACE_OPS = 2
"""Vector operations of a coordinate brought from [-1, 1] to positions: a product and a sum."""


@dataclass(frozen=True)
class RoiAlign(Operation):
    """Boxes of features, each resampled to the same size.

    Inputs are the levels of a pyramid, (images, channels, rows, columns), and boxes: (images, boxes, 4), or
    (boxes, 4) of all images. The result is (all boxes, channels, side, side).

    Attributes
    ----------
    side
        Rows and columns of the result: one number, or one each.
    samples
        Points a bin, along each axis.

    Notes
    -----
    A point is weighed from four neighbours (4 multiplications, 3 additions), a bin is the mean of its points.
    Assumed: each feature is read once, which is the least that boxes all over an image need. Source: He et
    al., "Mask R-CNN", ICCV 2017, section 3.

    """

    side: int | tuple[int, int]
    samples: int = 2

    arity: ClassVar[tuple[int, int]] = (2, 64)

    def __post_init__(self) -> None:
        self.need_positive(side=self.side, samples=self.samples)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (boxes of all images, channels, side, side)."""
        *levels, boxes = inputs
        self.need_rank("boxes", boxes, 2, 3)
        images = boxes[0] if len(boxes) == 3 else levels[0][0]
        for i, level in enumerate(levels):
            self.need_rank(f"level {i}", level, 4)
            if (level[0], level[1]) != (images, levels[0][1]):
                self.refuse(
                    f"level {i} is of {level[0]} images and {level[1]} channels, level 0 and boxes of "
                    f"{images} and {levels[0][1]}"
                )
        side = self.side if isinstance(self.side, tuple) else (self.side, self.side)
        return ((prod(boxes[:-1]), levels[0][1], *side),)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        points = self.samples**2
        return [vector(site, (POINT_OPS + 1) * points * site.outputs[0].elements)]


@dataclass(frozen=True)
class GridSample(Operation):
    """Points of a grid (n, *spatial, d) sampled from features (n, channels, *d axes).

    Attributes
    ----------
    mode
        "nearest" picks one neighbour, "linear" weighs 2 along each of the d axes, "cubic" 4.

    Notes
    -----
    t neighbours cost t multiplications and t - 1 additions an element; a point's coordinates are brought to
    positions once for all channels (2 each), and its neighbours' weights are products of parts along each
    axis (t). Assumed: each feature is read once.

    """

    mode: str = "linear"

    arity: ClassVar[tuple[int, int]] = (2, 2)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (n, channels, *spatial)."""
        features, grid = inputs
        self.need_rank("features", features, 3, 5)
        self.need_rank("grid", grid, len(features))
        if grid[-1] != len(features) - 2 or grid[0] != features[0]:
            self.refuse(
                f"a grid of {grid[0]} samples and {grid[-1]} coordinates, features of {features[0]} samples "
                f"and {len(features) - 2} axes"
            )
        return ((*features[:2], *grid[1:-1]),)

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        axes = site.inputs[1].shape[-1]
        taps = {"nearest": 1, "linear": 2, "cubic": 4}[self.mode] ** axes
        points = site.inputs[1].elements // axes
        each = 0 if taps == 1 else 2 * taps - 1
        weights = 0 if taps == 1 else taps
        return [vector(site, each * site.outputs[0].elements + points * (_PLACE_OPS * axes + weights))]
