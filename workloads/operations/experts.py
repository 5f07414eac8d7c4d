"""Mixture of experts: each token meets the matrices of the few experts that a router chose for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from workloads.operations.base import Operation, Site
from workloads.operations.grouped import matrix_rows
from workloads.rows import Row
from workloads.shapes import Shape


@dataclass(frozen=True)
class Experts(Operation):
    """A product of tokens with matrices of which each token has its own few: (..., in) to (..., k, out).

    Inputs are the tokens, (..., in) or, behind another such product, (..., k, in), and the choices of the
    router, (..., k).

    Attributes
    ----------
    experts
        Matrices there are.
    out_features
        Columns of the result.
    apart
        Whether the tokens have a row for each choice already.
    transposed
        Whether matrices are stored as (in, out): those of another such product, on its way back.

    Notes
    -----
    MACs are exact: k products a token. Which experts they meet, data decide; expected are

        E [1 - (1 - k/E)^T]

    of E experts that T tokens meet, each token choosing k of them, all equally likely (routers are trained
    towards that: Shazeer et al., ICLR 2017, section 4; Fedus et al., JMLR 23, 2022, section 2.2). That many
    matrices, rounded, are read once each, and tokens are spread over them as evenly as whole tokens can be:
    some experts get one more. Each reads the tokens it is given. The expectation is that of the batch a graph
    is described for: a layer table of another batch keeps it, so load the network with that batch.

    """

    experts: int
    out_features: int
    apart: bool = False
    transposed: bool = False

    arity: ClassVar[tuple[int, int]] = (2, 2)
    streams: ClassVar[bool] = True
    nests: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.need_positive(experts=self.experts, out_features=self.out_features)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (..., k, out_features)."""
        tokens, choices = inputs
        self.need_rank("tokens", tokens, 2, 64)
        self.need_rank("choices", choices, 1, 64)
        if choices[-1] > self.experts:
            self.refuse(f"{choices[-1]} choices of {self.experts} experts")
        lead = choices if self.apart else choices[:-1]
        if tokens[:-1] != lead:
            self.refuse(f"tokens of {tokens[:-1]}, choices for {lead}")
        return ((*choices, self.out_features),)

    def weight_shapes(self, inputs: Sequence[Shape]) -> dict[str, Shape]:
        """Return all experts' matrices, (experts, out, in)."""
        sides = (self.out_features, inputs[0][-1])
        return {"weight": (self.experts, *(sides[::-1] if self.transposed else sides))}

    def lower(self, site: Site) -> list[Row]:
        """Return a nest for the experts with one token more, and one for the others."""
        note, loads = expected_loads(self.experts, site.inputs[1].shape)
        return matrix_rows(site, self.out_features, loads, note)


def expected_loads(experts: int, choices: Shape) -> tuple[str, list[tuple[str, int, int]]]:
    """Return a note, and (part, experts, tokens of each) of those that have one token more and of the others.

    Examples
    --------
    >>> expected_loads(8, (4, 2))
    ('5 of 8 experts expected at 4 tokens, 2 each', [('busy', 3, 2), ('', 2, 1)])

    """
    active, tokens = choices[-1], prod(choices[:-1])
    met = expected_experts(experts, active, tokens)
    share, more = divmod(tokens * active, met)
    note = f"{met} of {experts} experts expected at {tokens} tokens, {active} each"
    return note, [load for load in (("busy", more, share + 1), ("", met - more, share)) if load[1]]


def expected_experts(experts: int, active: int, tokens: int) -> int:
    """Return how many of `experts` are met by `tokens` that choose `active` each, rounded; see `Experts`.

    Examples
    --------
    >>> [expected_experts(8, 2, tokens) for tokens in (1, 2, 4, 64)]
    [2, 4, 5, 8]

    """
    share = 1.0 - (1.0 - active / experts) ** tokens
    return max(active, round(experts * share))
