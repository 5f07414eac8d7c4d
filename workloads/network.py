"""A network as a value: its graph, its counts, its layer table. What changes it returns another."""

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads.connect import edge_frame, edge_table
from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import NUMBER, TEXT, WHOLE, takes
from workloads.graph import Graph
from workloads.lower import Lowering, lower, tabulate
from workloads.modules import with_masks
from workloads.operations.base import Operation
from workloads.sparsity.layers import assumed
from workloads.sparsity.schemes import sparsify
from workloads.sparsity.storage import storage_bytes
from workloads.summary import headline, html, summarise
from workloads.table import LayerTable
from workloads.tensors import Tensor, Weight, content_hash
from workloads.training import inversion_step, training_step

if TYPE_CHECKING:
    import pandas as pd

    from workloads.edges import EdgeTable
    from workloads.sparsity.formats import Storage


class Network:
    """A finished network.

    Parameters
    ----------
    graph
        What it computes; not to be changed any more.
    source
        Where it comes from: a paper, a file.

    Notes
    -----
    `macs` counts the multiply-accumulates of convolutions and matrix products only, padding included; vector
    work and bytes moved have columns of their own in `summary`.

    """

    def __init__(self, graph: Graph, source: str = "") -> None:
        self.graph = graph
        self.source = source

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.graph.name

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """The operations in running order."""
        return tuple(node.operation for node in self.graph.nodes())

    @cached_property
    def batch(self) -> int:
        """Images (sequences, samples) the graph is described for."""
        batches = {t.shape[t.batch_axis] for t in self.graph.inputs() if t.batch_axis is not None}
        return batches.pop() if len(batches) == 1 else 1

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return sum(row.macs for row in self.lowering().rows)

    @cached_property
    def effectual_macs(self) -> int:
        """Expected multiply-accumulates whose weight and activation are both non-zero, rounded.

        From the weights' zeros and the activations' densities as far as they are known; channel by channel
        where both operands' channels are known, because real masks are correlated.
        """
        return round(sum(row.repeats * row.effectual_macs for row in self.lowering().rows))

    @cached_property
    def parameters(self) -> int:
        """Trained weights, biases, scales and shifts; shared ones once, running statistics not."""
        return sum(weight.parameters for weight in self.graph.weights.values())

    @cached_property
    def nonzero_parameters(self) -> int:
        """Parameters that are not zero."""
        return sum(min(w.nonzeros, w.parameters) for w in self.graph.weights.values())

    @property
    def density(self) -> Mapping[str, float]:
        """Fraction of non-zero elements of every weight, by its name."""
        return {name: weight.density for name, weight in self.graph.weights.items()}

    @takes(operation=TEXT, role=TEXT)
    def weight(self, operation: str, role: str = "weight") -> Weight:
        """Return a weight of an operation.

        Raises
        ------
        GraphError
            If there is no such operation.
        WorkloadError
            If it has no such weight.

        """
        weights = self.graph.node(operation).weights
        if role not in weights:
            raise WorkloadError(
                f"operation {shown(operation)} has no {shown(role)}, only "
                f"{', '.join(weights) or 'no weights'}"
            )
        return self.graph.weights[weights[role]]

    @takes(operation=TEXT, role=TEXT)
    def mask(self, operation: str, role: str = "weight") -> NDArray[np.bool_] | None:
        """Return where an operation's weight is not zero, in the weight's shape.

        Masks are kept bit-packed (`weight(operation).packed`) and unpacked here. None where only a density is
        known; all true for a dense weight.
        """
        return self.weight(operation, role).mask

    def rename(self, name: str) -> "Network":
        """Return this network under another name; everything else is shared.

        Examples
        --------
        >>> import workloads
        >>> net = workloads.load("lenet5")
        >>> (net.rename("mine").name, net.rename("mine") == net)
        ('mine', True)

        """
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise WorkloadError(f"name must be a printable text, got {shown(name)}")
        return Network(self.graph.renamed(name), self.source)

    @takes(weights=NUMBER.or_none(), activations=NUMBER.or_none())
    def assume(self, weights: float | None = None, activations: float | None = None) -> "Network":
        """Return this network with assumed densities, the places of its zeros unknown.

        Parameters
        ----------
        weights
            Fraction in (0, 1] that is not zero in every weight of a convolution or a product; what was known
            of their zeros is forgotten. Biases, normalisation and embeddings stay. None leaves weights alone.
        activations
            The same for every activation, those that enter the network too, but not for places in tables
            (words, positions). None leaves activations alone.

        Examples
        --------
        >>> import workloads
        >>> net = workloads.load("lenet_300_100").assume(weights=0.5, activations=0.5)
        >>> net.effectual_macs / net.macs
        0.25

        """
        return assumed(self, weights, activations)

    def with_weights(self, *weights: Weight) -> "Network":
        """Return this network with some weights replaced by others of the same name and shape."""
        return Network(self.graph.replaced(weights=weights), self.source)

    def with_tensors(self, *tensors: Tensor) -> "Network":
        """Return this network with some activations described anew (bits, density, profile); same shapes."""
        return Network(self.graph.replaced(tensors=tensors), self.source)

    def sparsify(self, scheme: Any, **options: Any) -> "Network":
        """Return another network, compressed by one of `workloads.schemes()` or by a scheme of your own.

        See `sparsity.schemes`; what a function or an object must do, `workloads.register_scheme` says.
        """
        return sparsify(self, scheme, **options)

    def with_masks(self, module: Any) -> "Network":
        """Return this network with the zeros of a module's weights; see `modules.masks`.

        Parameters
        ----------
        module
            Made by `workloads.to_module(self)` and trained, or any module whose parameters are called as this
            network's weights.

        Raises
        ------
        NetworkImportError
            If PyTorch is not installed, or a layer of the module differs; the first is named.

        """
        return with_masks(self, module)

    @takes(datapath_bits=WHOLE)
    def storage_bytes(self, format: "str | Storage" = "dense", *, datapath_bits: int = 8) -> int:
        """Return the bytes its weights take in a storage format; see `sparsity.storage`."""
        return storage_bytes(self, format, datapath_bits=datapath_bits)

    def lowering(self, *, fuse: bool = True) -> Lowering:
        """Return the rows of the table as values, with the operation each belongs to."""
        return self._fused if fuse else self._unfused

    @cached_property
    def _fused(self) -> Lowering:
        return lower(self.graph)

    @cached_property
    def _unfused(self) -> Lowering:
        return lower(self.graph, fused=False)

    def table(self, batch: int | None = None, *, fuse: bool = True) -> LayerTable:
        """Return the layer table.

        Parameters
        ----------
        batch
            Images in a run; by default what the graph was described for. Loop `n` of nests grows with it,
            loop `g` of products of two activations, and all elements but weights.
        fuse
            Whether element-wise operations, batch norms and residual sums that follow a nest are done on its
            results on their way out: they then read only what does not flow past, and the nest writes the
            final tensor. By default they are (see `fusion`); if not, every operation reads and writes its
            tensors.

        Returns
        -------
        LayerTable
            Columns of shape (n_rows,); `row_names` has a name for each row. Fresh arrays each time.

        Raises
        ------
        WorkloadError
            If the batch is not positive, does not fit the graph's own, or makes a count pass 64 bits.

        """
        lowering = self.lowering(fuse=fuse)
        return tabulate(lowering.rows, lowering.names, batch=self._batch(batch), of=self.batch)

    def _batch(self, batch: int | None) -> int:
        """Return a batch, by default the network's own, or refuse what is none."""
        if batch is None:
            return self.batch
        if isinstance(batch, bool) or not isinstance(batch, (int, np.integer)) or batch < 1:
            raise WorkloadError(f"batch must be a positive integer, got {shown(batch)}")
        return int(batch)

    def edges(self, batch: int | None = None, *, fuse: bool = True) -> "EdgeTable":
        """Return the edge table: one row for each (producer, consumer, operand), beside the layer table.

        Parameters
        ----------
        batch, fuse
            As for `table`, whose rows it points to.

        Returns
        -------
        EdgeTable
            Columns of shape (n_edges,); operations are positions in `operations`, tensors in `tensor_names`.
            Fresh arrays each time.

        Examples
        --------
        >>> import workloads
        >>> edges = workloads.load("lenet5").edges()
        >>> edges.producer[:3].tolist(), edges.consumer[:3].tolist(), edges.elements[:3].tolist()
        ([-1, 0, 1], [0, 1, 2], [784, 11520, 2880])

        """
        return edge_table(self, self._batch(batch), fused=fuse)

    def edge_summary(self, batch: int | None = None, *, fuse: bool = True) -> "pd.DataFrame":
        """Return the edge table with names in place of positions."""
        return edge_frame(self, self.edges(batch, fuse=fuse), fuse=fuse)

    @cached_property
    def tensor_names(self) -> tuple[str, ...]:
        """The activations by name, in the order in which they are made."""
        return tuple(self.graph.tensors)

    @cached_property
    def row_names(self) -> tuple[str, ...]:
        """A name a row of the table: its operation's, and the part in brackets where it has several."""
        return self.lowering().names

    def summary(self, batch: int | None = None, *, datapath_bits: int = 8) -> "pd.DataFrame":
        """Return one row an operation: shapes, MACs, vector operations, bytes, densities; see `summary`."""
        return summarise(self, batch, datapath_bits)

    def cache_bytes(self, batch: int | None = None, *, datapath_bits: int = 16) -> int:
        """Return the bytes of the caches of keys and values of a decoder, in one run.

        Parameters
        ----------
        batch
            Sequences in a run; by default the network's own.
        datapath_bits
            Bits of what says nothing itself.

        Returns
        -------
        int
            Of the tensors called "<layer>.cache.<role>" that enter the network, or that leave it where a
            prompt is read. 0 where there are none.

        Examples
        --------
        >>> import workloads
        >>> net = workloads.load("llama3_8b", phase="decode", context=8192)
        >>> net.cache_bytes() == 2 * 32 * 8 * 128 * 8192 * 2  # keys and values of 8 heads of 128, 32 layers
        True

        """
        edges = {tensor.name for tensor in self.graph.inputs()} | set(self.graph.outputs)
        times, bits = self._batch(batch), 0
        for name in edges:
            if ".cache." in name:
                tensor = self.graph.tensors[name]
                bits += tensor.elements * times // self.batch * (tensor.bits or datapath_bits)
        return -(-bits // 8)

    def training(
        self,
        batch: int | None = None,
        *,
        optimizer: str = "sgd",
        decay: bool = False,
        weight_gradients: str = "kept",
        frozen: Collection[str] = (),
        state_bits: int = 32,
    ) -> "Network":
        """Return one step of training this network; see `training.training_step`."""
        return training_step(
            self,
            batch,
            optimizer=optimizer,
            decay=decay,
            weight_gradients=weight_gradients,
            frozen=frozen,
            state_bits=state_bits,
        )

    def inversion(
        self, batch: int | None = None, *, as_written: bool = False, state_bits: int = 32
    ) -> "Network":
        """Return a step of DeepInversion with this network as the teacher; see `training.inversion_step`."""
        return inversion_step(self, batch, as_written=as_written, state_bits=state_bits)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything but the name and the source, the same in every process."""
        nodes = [
            repr((n.operation, n.inputs, n.outputs, sorted(n.weights.items()))).encode()
            for n in self.graph.nodes()
        ]
        tensors = [repr(tensor).encode() for tensor in self.graph.tensors.values()]
        weights = [weight.digest.encode() for weight in self.graph.weights.values()]
        return content_hash([*nodes, *tensors, *weights, repr(self.graph.outputs).encode()])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"<Network {headline(self)}>"

    def _repr_html_(self) -> str:
        return html(self)
