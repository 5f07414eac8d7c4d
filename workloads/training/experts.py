"""The gradient of the matrices of a mixture of experts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site
from workloads.operations.experts import expected_loads
from workloads.rows import Batch, Row
from workloads.shapes import Shape
from workloads.table import Kind


@dataclass(frozen=True)
class ExpertsWeightGradient(Operation):
    """The gradients of experts' matrices, (experts, out, in).

    Inputs are the tokens, (..., in) or (..., k, in), the gradient of the result, (..., k, out), and the
    choices, (..., k).

    Attributes
    ----------
    experts
        Matrices there are.
    kept
        Whether pruned weights are left out.

    Notes
    -----
    As many MACs as forward, shared by the experts that forward meets (see `operations.experts`): each sums
    over the tokens it was given. The matrices of the others have no gradient.

    """

    experts: int
    kept: bool = True

    arity: ClassVar[tuple[int, int]] = (3, 3)

    @property
    def kind(self) -> str:
        """The usual name."""
        return "weight_gradient"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the matrices' shape."""
        tokens, gradient, choices = inputs
        if gradient[:-1] != choices:
            self.refuse(f"gradient for {gradient[:-1]}, choices {choices}")
        return ((self.experts, gradient[-1], tokens[-1]),)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return the matrices: only the places of their zeros are used, they are not read."""
        return {"weight": self.infer(inputs)[0]}

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return the gradient as the weight operand."""
        return (("", slot == 1),)

    def lower(self, site: Site) -> list[Row]:
        """Return a nest for the experts with one token more, and one for the others."""
        tokens, gradient, choices = site.inputs
        width, columns = tokens.shape[-1], gradient.shape[-1]
        stays = site.weights["weight"].density if self.kept else 1.0
        note, loads = expected_loads(self.experts, choices.shape)
        rows = []
        for part, groups, each in loads:
            row = Row(int(Kind.NEST), g=groups, n=width, k=columns, c=each, part=part, note=note)
            rows.append(
                row._replace(
                    weight_elements=groups * each * columns,
                    read_elements=groups * each * width,
                    write_elements=groups * width * columns,
                    weight_bits=gradient.bits,
                    input_bits=tokens.bits,
                    output_bits=site.outputs[0].bits,
                    weight_density=gradient.density,
                    input_density=tokens.density,
                    output_density=site.outputs[0].density,
                    effectual_macs=float(row.macs) * stays * tokens.density * gradient.density,
                    batch=Batch.REDUCTION,
                )
            )
        return rows
