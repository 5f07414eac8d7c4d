"""From graph to layer table: an operation's rows, where what is fused costs only what does not flow past."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from workloads.errors import WorkloadError
from workloads.fusion import NOTHING, fuse
from workloads.graph import Graph
from workloads.operations.base import Site
from workloads.rows import Batch, Row
from workloads.table import Kind, LayerTable, make_table

_INT64_MAX = 2**63 - 1


class Lowering(NamedTuple):
    """The rows of a graph and which operation each belongs to."""

    rows: tuple[Row, ...]
    operations: tuple[str, ...]  # the operation of each row

    @property
    def names(self) -> tuple[str, ...]:
        """A name a row: the operation's, with the part in brackets where it has several."""
        pairs = zip(self.operations, self.rows, strict=True)
        return tuple(f"{name}[{row.part}]" if row.part else name for name, row in pairs)


def lower(graph: Graph, *, fused: bool = True) -> Lowering:
    """Lower every operation of a graph.

    Parameters
    ----------
    graph
        The network.
    fused
        Whether element-wise operations and batch norms are done on others' results on their way out, and
        changes of order, repetitions, joins and cuts are addresses where they can be (see `fusion`,
        `addresses`); if not, every operation reads and writes its tensors.

    """
    fusion = fuse(graph) if fused else NOTHING
    batched = batched_tensors(graph)
    rows: list[Row] = []
    owners: list[str] = []
    for node in graph.nodes():
        name = node.operation.name
        outputs = (fusion.final[name],) if name in fusion.final else node.outputs
        site = Site(
            inputs=tuple(graph.tensors[tensor] for tensor in node.inputs),
            outputs=tuple(graph.tensors[tensor] for tensor in outputs),
            weights={role: graph.weights[weight] for role, weight in node.weights.items()},
            batched=tuple(tensor in batched for tensor in node.inputs),
            stream=fusion.stream.get(name, frozenset()),
            folded=name in fusion.folded,
            views=name in fusion.views,
            timed=name in fusion.timed,
            stored=fusion.stored,
        )
        lowered = node.operation.lower(site)
        rows.extend(lowered)
        owners.extend([name] * len(lowered))
    return Lowering(tuple(rows), tuple(owners))


def batched_tensors(graph: Graph) -> frozenset[str]:
    """Return the tensors that grow with the batch: inputs with a batch axis and what follows from them."""
    grown = {tensor.name for tensor in graph.inputs() if tensor.batch_axis is not None}
    for node in graph.nodes():
        if not grown.isdisjoint(node.inputs):
            grown.update(node.outputs)
    return frozenset(grown)


def tabulate(rows: Sequence[Row], names: Iterable[str], *, batch: int = 1, of: int = 1) -> LayerTable:
    """Turn rows that were lowered at batch `of` into the layer table at batch `batch`.

    Raises
    ------
    WorkloadError
        If a count passes 2**63 - 1, or a row's work does not divide into `of` images; names the row.

    """
    grown = [_grow(row, name, batch, of) for row, name in zip(rows, names, strict=True)]
    columns = zip(LayerTable._fields, zip(*grown, strict=True), strict=False)
    return make_table(LayerTable, dict(columns), len(grown))


_LOOP = {Batch.INPUTS: "n", Batch.GROUPS: "g", Batch.WEIGHTS: "k", Batch.REDUCTION: "c"}
_ELEMENTS = {
    Batch.INPUTS: ("read_elements", "write_elements"),
    Batch.GROUPS: ("weight_elements", "read_elements", "write_elements"),
    Batch.WEIGHTS: ("weight_elements", "write_elements"),
    Batch.REDUCTION: ("weight_elements", "read_elements"),
}


def _grow(row: Row, name: str, batch: int, of: int) -> Row:
    if batch != of and row.batch is not Batch.FIXED:
        grown: dict[str, Any] = {
            "vector_ops": row.vector_ops * batch / of,
            "effectual_macs": row.effectual_macs * batch / of,
        }
        fields = _ELEMENTS[row.batch]
        if row.kind == Kind.NEST:
            fields = (*fields, _LOOP[row.batch])
        for field in fields:
            grown[field], rest = divmod(getattr(row, field) * batch, of)
            if rest:
                raise WorkloadError(
                    f"{name}: {field} {getattr(row, field)} does not divide into a batch of {of}"
                )
        row = row._replace(**grown)
    if row.kind != Kind.NEST and row.batch is Batch.INPUTS:
        row = row._replace(n=batch)  # images, each stored by itself
    work = max(row.macs, row.weight_elements, row.read_elements, row.write_elements)
    if work > _INT64_MAX:
        raise WorkloadError(
            f"{name}: {work} at batch {batch} does not fit 64-bit integers (at most {_INT64_MAX})"
        )
    return row
