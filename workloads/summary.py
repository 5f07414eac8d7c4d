"""A network as a table people read."""

from typing import TYPE_CHECKING

from workloads import inline
from workloads.errors import InputError, shown
from workloads.grammar.quantities import binary_bytes, si
from workloads.operations.base import Operation
from workloads.shapes import text
from workloads.table import Kind
from workloads.words import counted

if TYPE_CHECKING:
    import pandas as pd

    from workloads.network import Network


def summarise(network: "Network", batch: int | None = None, datapath_bits: int = 8) -> "pd.DataFrame":
    """Tabulate a network, one row an operation.

    Parameters
    ----------
    network
        The network.
    batch
        Images in a run; by default the network's own.
    datapath_bits
        Bits of the tensors that leave their width to the datapath.

    Returns
    -------
    pandas.DataFrame
        Indexed by operation: kind, input and output shape (of the batch the graph was described for), macs,
        effectual_macs, vector_ops, weight_bytes, read_bytes, write_bytes (each tensor once, fused operations
        only what does not flow past), parameters, nonzero_parameters (shared ones where they are first),
        weight_density, input_density, input_spread (its standard deviation over samples, where measured),
        output_density, known (where the input's density comes from) and note (why a cost is what it is).

    """
    import pandas as pd

    if datapath_bits < 1:
        raise InputError(f"datapath_bits must be positive, got {shown(datapath_bits)}", path="datapath_bits")
    table, lowering, graph = network.table(batch), network.lowering(), network.graph
    width = {
        name: [bits or datapath_bits for bits in getattr(table, f"{name}_bits").tolist()]
        for name in ("weight", "input", "output")
    }
    frame = pd.DataFrame(
        {
            "operation": lowering.operations,
            "macs": (table.repeats * table.macs).astype("int64"),
            "effectual_macs": table.repeats * table.effectual_macs,
            "vector_ops": table.repeats * table.vector_ops,
            "weight_bytes": table.repeats * table.weight_elements * width["weight"] / 8,
            "read_bytes": table.repeats * table.read_elements * width["input"] / 8,
            "write_bytes": table.repeats * table.write_elements * width["output"] / 8,
        }
    )
    costs = frame.groupby("operation", sort=False).sum()
    notes = dict(
        zip(reversed(lowering.operations), (row.note for row in reversed(lowering.rows)), strict=True)
    )
    nests = {
        name for name, row in zip(lowering.operations, lowering.rows, strict=True) if row.kind == Kind.NEST
    }
    described: list[dict[str, object]] = []
    counted: set[str] = set()
    for node in graph.nodes():
        operation = node.operation
        inputs = [graph.tensors[tensor] for tensor in node.inputs]
        outputs = [graph.tensors[tensor] for tensor in node.outputs]
        weights = [graph.weights[name] for name in node.weights.values()]
        learnt = [weight for weight in weights if weight.trained and weight.name not in counted]
        counted.update(weight.name for weight in learnt)
        main = graph.weights.get(node.weights.get("weight", "")) if operation.name in nests else None
        described.append(
            {
                "operation": operation.name,
                "kind": operation.kind,
                "input": ", ".join(text(tensor.shape) for tensor in inputs),
                "output": ", ".join(text(tensor.shape) for tensor in outputs),
                "parameters": sum(weight.parameters for weight in learnt),
                "nonzero_parameters": sum(min(w.nonzeros, w.parameters) for w in learnt),
                "weight_density": main.density if main else 1.0,
                "input_density": inputs[0].density if inputs else 1.0,
                "input_spread": inputs[0].spread if inputs else 0.0,
                "output_density": outputs[0].density,
                "known": inputs[0].known if inputs else "",
                "note": notes.get(operation.name, ""),
            }
        )
    shapes = pd.DataFrame(described, columns=_DESCRIBED).set_index("operation")
    return shapes.join(costs)[_COLUMNS]


_DESCRIBED = [
    *("operation", "kind", "input", "output", "parameters", "nonzero_parameters"),
    *("weight_density", "input_density", "input_spread", "output_density", "known", "note"),
]
_COLUMNS = [
    *("kind", "input", "output", "macs", "effectual_macs", "vector_ops"),
    *("weight_bytes", "read_bytes", "write_bytes", "parameters", "nonzero_parameters"),
    *("weight_density", "input_density", "input_spread", "output_density", "known", "note"),
]


def headline(network: "Network") -> str:
    """Say what a network is in one line."""
    kept = network.nonzero_parameters / network.parameters if network.parameters else 1.0
    sparse = "" if kept > 0.9995 else f", {kept:.1%} non-zero"
    operations: tuple[Operation, ...] = network.operations
    return (
        f"{network.name}: {counted(len(operations), 'operation')}, {network.macs:,} MACs, "
        f"{network.parameters:,} parameters{sparse}, batch {network.batch}"
    )


_MOST_ROWS = 60


def html(network: "Network") -> str:
    """Show a network in a notebook: its headline, where its MACs are, and a line an operation."""
    frame = network.summary()
    macs = [
        (str(name), float(size), si(float(size)))
        for name, size in zip(frame.index, frame["macs"].tolist(), strict=True)
    ]
    head = ["operation", "kind", "input", "output", "MACs", "parameters", "weights", "weight density"]
    rows = [head]
    for name, row in frame.iterrows():
        density = f"{row['weight_density']:.3g}" if row["parameters"] else ""
        counts = [si(float(row[column])) if row[column] else "" for column in ("macs", "parameters")]
        weights = binary_bytes(float(row["weight_bytes"])) if row["weight_bytes"] else ""
        rows.append([str(name), row["kind"], row["input"], row["output"], *counts, weights, density])
    if len(rows) > _MOST_ROWS:
        left = len(rows) - _MOST_ROWS
        middle = [f"... {left} more ...", *[""] * (len(head) - 1)]
        rows[_MOST_ROWS // 2 : _MOST_ROWS // 2 + left] = [middle]
    return inline.text(headline(network)) + inline.bar(macs, "MACs by operation") + inline.table(rows)
