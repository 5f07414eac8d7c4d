"""Mixture normalisation, which unlike batch norm cannot be folded into the weights before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import FOLDED, Operation, Site, vector
from workloads.rows import Row
from workloads.shapes import Shape
from workloads.vector_ops import LOOKUP


@dataclass(frozen=True)
class MixtureNorm(Operation):
    """Normalisation by a mixture of Gaussians with diagonal covariance over channels (axis 1), at inference.

    Attributes
    ----------
    components
        Gaussians in the mixture; 1 is batch norm, and costs what it costs: its scale and shift are constants
        and can be folded.

    Notes
    -----
    x' = sum_k nu_k(x) / sqrt(lambda_k) * (x - mu_k) / sigma_k, nu_k(x) being the posterior of component k
    given the channels at one position, then scale and shift. Kalayeh and Shah, "Training faster by separating
    modes of variation in batch-normalized models", IEEE TPAMI 2020 (arXiv 1806.02892); the formula is from
    memory of the paper.

    Operations an element: for each component subtract, multiply by 1 / sigma (2), square and add to the
    distance (2), weigh and add (2, the first addition saved); scale and shift (2). Operations a position: for
    each component add the log prior, exp (a look-up), normalise, weigh by 1 / sqrt(lambda) (3 + LOOKUP); the
    sum of posteriors and its reciprocal (components - 1 + LOOKUP). Means, deviations and priors are
    statistics, not parameters.

    """

    components: int

    streams: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.need_positive(components=self.components)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the input's shape."""
        self.need_rank("input", inputs[0], 2, 5)
        return (inputs[0],)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return scale and shift, and the mixture's means, deviations and priors."""
        channels = inputs[0][1]
        pairs = (self.components, channels)
        return {
            "scale": (channels,),
            "shift": (channels,),
            "mean": pairs,
            "deviation": pairs,
            "prior": (self.components,),
        }

    def untrained(self) -> frozenset[str]:
        """Return the mixture's statistics."""
        return frozenset({"mean", "deviation", "prior"})

    @property
    def fusable(self) -> bool:  # type: ignore[override]
        """Whether it is element-wise: one Gaussian is everywhere the likeliest."""
        return self.components == 1

    def folds(self, shape: Shape, axis: int) -> bool:
        """Whether it is a scale and a shift a channel, and channels run along the axis."""
        return self.components == 1 and axis == 1

    def lower(self, site: Site) -> list[Row]:
        """Return one vector row."""
        (tensor,) = site.inputs
        if self.components == 1:
            channels = tensor.shape[1]
            if site.folded:
                return [vector(site, 0, weight_elements=channels, note=FOLDED)]
            return [vector(site, 2 * tensor.elements, weight_elements=2 * channels)]
        positions = tensor.elements // tensor.shape[1]
        k = self.components
        each, position = 6 * k - 1 + 2, k * (3 + LOOKUP) + k - 1 + LOOKUP
        return [vector(site, each * tensor.elements + position * positions)]
