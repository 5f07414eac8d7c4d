"""Attention while training: what is kept, and five products back (four where the scores are kept)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations import Attention
from workloads.operations.base import Operation, Site
from workloads.rows import Row
from workloads.shapes import Shape
from workloads.table import Kind
from workloads.tensors import Tensor
from workloads.vector_ops import LOOKUP


@dataclass(frozen=True)
class StoredAttention(Attention):
    """Attention that is not fused, and whose scores after the softmax are kept: its second output."""

    @property
    def kind(self) -> str:
        """The usual name."""
        return "attention"

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the result's shape and that of the scores."""
        batch, length, _ = self._sizes("query", inputs[0], self.heads)
        _, context, _ = self._sizes("key", inputs[1], self._kv_heads)
        return (*super().infer(inputs), (batch, self.heads, length, context))


@dataclass(frozen=True)
class AttentionGradient(Operation):
    """The gradients of queries, keys and values.

    Inputs are the gradient, queries, keys, values, the result where fused or the kept scores where not, and
    what is added to the scores if anything is.

    Attributes
    ----------
    forward
        The attention.
    learns
        Whether the gradient of what is added to the scores is wanted too: the last output.

    Notes
    -----
    With S = Q K' scaled, P = softmax(S) and O = P V: dV = P' dO, dP = dO V', dS = P (dP - D), dQ = dS K, dK =
    dS' Q, where D is the row sum of P dP, which is that of dO O. Fused, P is computed again from Q and K, a
    fifth product, and nothing of the scores' size leaves the chip (Dao et al., "FlashAttention", NeurIPS
    2022, Algorithm 4). Operations a score: dS (2) and its scaling (1); fused, the scaling, subtraction of the
    row's logarithm and exp again (2 + LOOKUP), and the sum with what is added (1 each). What else is done
    with a score costs as much again, and once more where it is computed again. Operations an element of
    the result: D (2); where not fused D is taken from the scores (2 each). What is added learns from dS,
    added up where it was broadcast (1 a score).

    """

    forward: Attention
    learns: bool = False

    arity: ClassVar[tuple[int, int]] = (5, 7)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of queries, keys and values, and of what is added to the scores if it learns."""
        return (*inputs[1:4], *(inputs[5:] if self.learns else ()))

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return the products an input is an operand of; the result and what is added go to the softmax."""
        again = self.forward.fused
        return (
            (("value_gradient", True), ("score_gradient", False)),
            (*([("scores", False)] if again else []), ("key_gradient", True)),
            (*([("scores", True)] if again else []), ("query_gradient", True)),
            (("score_gradient", True),),
            (("softmax", False),),
        )[min(slot, 4)]

    def lower(self, site: Site) -> list[Row]:
        """Return the products in order of computation, and the softmax between them."""
        gradient, query, key, value, _, *masks = site.inputs
        made = self.forward.lower(
            Site(
                inputs=(query, key, value),
                outputs=(gradient,),
                weights={},
                batched=site.batched[1:4],
            )
        )
        scores, _, values = made
        rows, head, context, features = scores.n, scores.c, scores.k, values.k
        groups, fused = scores.g, self.forward.fused
        elements = groups * rows * context
        moved = 0 if fused else elements
        kept = scores.effectual_macs / (scores.macs * query.density * key.density)

        def product(part: str, second: Tensor, n: int, c: int, k: int, read: int, write: int) -> Row:
            row = Row(int(Kind.NEST), g=groups, n=n, c=c, k=k, part=part, batch=scores.batch)
            return row._replace(
                weight_elements=second.elements,
                read_elements=read,
                write_elements=write,
                weight_bits=second.bits,
                weight_density=second.density,
                effectual_macs=float(row.macs) * kept * second.density,
            )

        added = sum(mask.elements for mask in masks)
        each = 3 + (2 + LOOKUP + len(masks) if fused else 2) + (self.learns and added < elements)
        each += self.forward.score_ops * (2 if fused else 1)
        softmax = Row(
            kind=int(Kind.VECTOR),
            vector_ops=float(each * elements + (2 * gradient.elements if fused else 0)),
            read_elements=2 * moved + (gradient.elements + added if fused else 0),
            write_elements=moved + (added if self.learns else 0),
            fused=int(fused),
            batch=site.batch,
            part="softmax",
        )
        return [
            *([scores._replace(part="scores", write_elements=0)] if fused else []),
            product("value_gradient", gradient, context, rows, features, moved, value.elements),
            product("score_gradient", value, rows, features, context, gradient.elements, moved),
            softmax,
            product("query_gradient", key, rows, context, head, moved, query.elements),
            product("key_gradient", query, context, rows, head, moved, key.elements),
        ]


def stored(operation: Attention) -> Attention:
    """Return attention that keeps what its gradient needs."""
    if operation.fused:
        return operation
    return StoredAttention(
        operation.name,
        operation.heads,
        operation.kv_heads,
        operation.causal,
        operation.fused,
        operation.scaled,
        operation.score_ops,
    )
