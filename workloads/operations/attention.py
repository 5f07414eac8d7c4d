"""Scaled dot-product attention, separate or fused, keys and values in as many heads as queries or fewer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site, operand_columns
from workloads.rows import Batch, Row
from workloads.shapes import Shape
from workloads.table import Kind
from workloads.tensors import Tensor
from workloads.vector_ops import LOOKUP


@dataclass(frozen=True)
class Attention(Operation):
    """softmax(Q K' / sqrt(d)) V, inputs being queries, keys and values.

    Each is of shape (batch, length, heads * d), or (batch, heads, length, d) with heads as an axis of their
    own.

    Attributes
    ----------
    heads
        Query heads.
    kv_heads
        Key and value heads; fewer than `heads` is grouped-query attention, 1 is multi-query. 0 means `heads`.
    causal
        Whether a position sees itself and earlier ones only.
    fused
        Whether scores stay on chip: the two products and the softmax then are one pass that reads Q, K, V and
        writes the result. If not, scores are written, read and written by the softmax, and read again.
    scaled
        Whether scores are scaled, one multiplication each.
    score_ops
        Other vector operations a score: a cap, a second scale.
    seen
        Share of the score matrix that is kept, where it is less than a causal one keeps: blocks are left out.

    Notes
    -----
    Query heads that share a key head are rows of one product: groups g = batch * kv_heads, rows n = heads /
    kv_heads * query length, so keys and values are counted once. Heads are cut out of the last axis in place.
    `macs` counts the whole score matrix; where `causal`, `effectual_macs` counts the part that is kept, each
    query seeing the keys up to its own place counted from the end.

    Fused after Dao et al., "FlashAttention", NeurIPS 2022; grouped queries after Ainslie et al., EMNLP 2023.
    Inputs behind the values (two at most) are added to the scores.

    """

    heads: int
    kv_heads: int = 0
    causal: bool = False
    fused: bool = True
    scaled: bool = True
    score_ops: int = 0
    seen: float = 1.0

    arity: ClassVar[tuple[int, int]] = (3, 5)

    def __post_init__(self) -> None:
        self.need_positive(heads=self.heads)
        if not 0.0 < self.seen <= 1.0:
            self.refuse(f"seen must be above 0 and at most 1, got {self.seen!r}")
        if self.kv_heads < 0 or self.heads % self._kv_heads:
            self.refuse(f"{self.heads} query heads do not share {self.kv_heads} key heads evenly")

    @property
    def _kv_heads(self) -> int:
        return self.kv_heads or self.heads

    def _sizes(self, what: str, shape: Shape, heads: int) -> tuple[int, int, int]:
        """Return batch, length and features of a head."""
        self.need_rank(what, shape, 3, 4)
        if len(shape) == 4:
            if shape[1] != heads:
                self.refuse(f"{what}: {shape[1]} heads (dimension 1), expected {heads}")
            return shape[0], shape[2], shape[3]
        if shape[2] % heads:
            self.refuse(f"{what}: {shape[2]} features (dimension 2) do not divide into {heads} heads")
        return shape[0], shape[1], shape[2] // heads

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return (batch, query length, heads * value features), heads apart if the queries' are."""
        query = self._sizes("query", inputs[0], self.heads)
        key = self._sizes("key", inputs[1], self._kv_heads)
        value = self._sizes("value", inputs[2], self._kv_heads)
        if query[2] != key[2]:
            self.refuse(f"head size: queries have {query[2]}, keys have {key[2]}")
        for what, one, other in (("batch", query[0], key[0]), ("batch", query[0], value[0])):
            if one != other:
                self.refuse(f"{what}: queries have {one}, keys or values have {other}")
        if key[1] != value[1]:
            self.refuse(f"length: keys have {key[1]}, values have {value[1]}")
        if len(inputs[0]) == 4:
            return ((query[0], self.heads, query[1], value[2]),)
        return ((*query[:2], self.heads * value[2]),)

    def reads(self, slot: int) -> tuple[tuple[str, bool], ...]:
        """Return queries and keys for the scores, values for the last product, a mask for the softmax."""
        return ((("scores", False), ("scores", True), ("values", True), ("softmax", False))[min(slot, 3)],)

    def lower(self, site: Site) -> list[Row]:
        """Return the scores' product, the softmax and the values' product."""
        query, key, value = site.inputs[:3]
        batch, length, head = self._sizes("query", query.shape, self.heads)
        _, context, _ = self._sizes("key", key.shape, self._kv_heads)
        _, _, features = self._sizes("value", value.shape, self._kv_heads)
        rows = self.heads // self._kv_heads * length
        scores = batch * self.heads * length * context
        kept = min(self.seen, _kept(length, context) if self.causal else 1.0)
        moved = 0 if self.fused else scores
        masks = site.inputs[3:]
        mask = sum(tensor.elements for tensor in masks)
        loops = {"g": batch * self._kv_heads, "n": rows}
        first = self._product(site, key, c=head, k=context, kept=kept, **loops)
        second = self._product(site, value, c=context, k=features, kept=kept, **loops)
        each = 4 + LOOKUP + self.scaled + len(masks) + self.score_ops
        softmax = Row(
            kind=int(Kind.VECTOR),
            vector_ops=float(each * scores + LOOKUP * batch * self.heads * length),
            read_elements=moved + mask,
            write_elements=moved,
            fused=int(self.fused),
            batch=site.batch,
            part="softmax",
            input_bits=query.bits,
            output_bits=site.outputs[0].bits,
        )
        note = "scores stay on chip" if self.fused else ""
        return [
            first._replace(
                part="scores",
                read_elements=query.elements,
                write_elements=moved,
                input_density=query.density,
                output_density=1.0,
                effectual_macs=first.effectual_macs * query.density,
                note=note,
            ),
            softmax._replace(note=note),
            second._replace(
                part="values",
                read_elements=moved,
                write_elements=site.outputs[0].elements,
                input_density=kept,
                note=note,
            ),
        ]

    def _product(self, site: Site, second: Tensor, *, g: int, n: int, c: int, k: int, kept: float) -> Row:
        row = Row(kind=int(Kind.NEST), g=g, n=n, c=c, k=k, **operand_columns(site))
        return row._replace(
            weight_elements=second.elements,
            weight_bits=second.bits,
            weight_density=second.density,
            effectual_macs=float(row.macs) * kept * second.density,
            batch=Batch.GROUPS if any(site.batched) else Batch.FIXED,
        )


def _kept(length: int, context: int) -> float:
    """Return the part of a score matrix whose queries, the last of the context, see only what is before them.

    Examples
    --------
    >>> _kept(4, 4), _kept(1, 9)
    (0.625, 1.0)

    """
    earlier = max(0, context - length)
    seen = sum(min(context, earlier + 1 + i) for i in range(length))
    return seen / (length * context)
