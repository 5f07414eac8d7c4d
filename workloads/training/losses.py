"""What a network is trained on: softmax and cross entropy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape, normal_axis
from workloads.vector_ops import LOOKUP


@dataclass(frozen=True)
class CrossEntropy(Operation):
    """Softmax and cross entropy of scores against class numbers, and its gradient in the same pass.

    Attributes
    ----------
    axis
        Axis of the scores along the classes.

    Notes
    -----
    The first output is the loss, the second its gradient, softmax less one at the right class, over the
    number of samples. Operations a score: softmax (compare, subtract, exp by look-up, add, multiply) and the
    scaling of the gradient (1); a sample: the reciprocal and the logarithm of the sum (two look-ups), the
    loss (subtract, add) and the one (subtract).

    """

    axis: int = -1

    arity: ClassVar[tuple[int, int]] = (2, 2)

    @property
    def kind(self) -> str:
        """The usual name."""
        return "cross_entropy"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return a scalar and the scores' shape."""
        scores, labels = inputs
        try:
            axis = normal_axis(self.axis, len(scores))
        except ValueError as error:
            self.refuse(str(error))
        if tuple(labels) != (*scores[:axis], *scores[axis + 1 :]):
            self.refuse(f"labels have shape {labels}, scores {scores}")
        return (), scores

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row; the loss itself is one number and not counted as written."""
        scores, labels = site.inputs
        ops = (5 + LOOKUP) * scores.elements + (2 * LOOKUP + 3) * labels.elements
        return [vector(site, ops)._replace(write_elements=scores.elements)]


def class_axis(shape: Shape) -> int:
    """Return the axis along the classes: the second of feature maps, else the last."""
    return 1 if len(shape) > 3 else len(shape) - 1
