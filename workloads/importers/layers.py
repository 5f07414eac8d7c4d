"""Networks that a file lists as layers: each with an input of its own unless another layer feeds it."""

from dataclasses import dataclass, field, replace

import numpy as np

from workloads.errors import NetworkImportError, WorkloadError
from workloads.graph import Graph
from workloads.network import Network
from workloads.operations import Convolution, Linear, Reshape
from workloads.operations.base import Operation
from workloads.tensors import Weight

MOST_LAYERS = 100_000
MOST_MASKED = 1 << 26  # weights of a layer up to which the places of its zeros are drawn


@dataclass(slots=True)
class Layers:
    """Layers of a network under construction."""

    name: str
    source: str
    graph: Graph = field(init=False)
    patterns: dict[str, tuple[int, int]] = field(default_factory=dict)  # N:M of weights by operation
    shares: dict[str, dict[str, float]] = field(default_factory=dict)  # densities by operation and operand
    outputs: list[str] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.graph = Graph(self.name)

    def unique(self, name: str) -> str:
        """A name for an operation: that given, with a number where it was given before."""
        name = name.strip()[:200] or "layer"
        count = self.taken[name] = self.taken.get(name, 0) + 1
        return name if count == 1 else self.unique(f"{name}_{count}")

    def add(
        self,
        where: str,
        operation: Operation,
        *inputs: str | tuple[int, ...],
        bits: tuple[int, int, int] = (0, 0, 0),
    ) -> str:
        """Add a layer to inputs, each the name of a tensor or the shape of one from outside.

        `bits` are those of inputs from outside, weights and output; 0 leaves them to the datapath.

        Raises
        ------
        NetworkImportError
            If it does not fit its inputs; `where` says which line.

        """
        if len(self.taken) > MOST_LAYERS:
            raise NetworkImportError(f"{where}: more than {MOST_LAYERS:,} layers")
        try:
            names = [
                one
                if isinstance(one, str)
                else self.graph.input(self._input(operation, i), one, bits=bits[0])
                for i, one in enumerate(inputs)
            ]
            shapes = operation.weight_shapes([self.graph.tensors[name].shape for name in names])
            weights = {
                role: Weight(f"{operation.name}.{role}", shape, bits=bits[1])
                for role, shape in shapes.items()
            }
            output = self.graph.add(operation, *names, weights=weights, bits=bits[2])
        except WorkloadError as error:
            raise NetworkImportError(f"{where}: {error}") from error
        self.outputs.append(output)
        return output

    def reshaped(self, where: str, tensor: str, shape: tuple[int, ...]) -> str:
        """The same elements under another shape, which costs nothing."""
        try:
            return self.graph.add(Reshape(self.unique(f"{tensor}.view"), shape), tensor)
        except WorkloadError as error:
            raise NetworkImportError(f"{where}: {error}") from error

    def _input(self, operation: Operation, index: int) -> str:
        return f"{operation.name}.input{index or ''}"

    def network(self) -> Network:
        """The network, its weights pruned to the patterns that were given."""
        if not self.outputs:
            raise NetworkImportError(f"{self.source}: holds no layer")
        read = {tensor for node in self.graph.nodes() for tensor in node.inputs}
        self.graph.output(*(output for output in self.outputs if output not in read))
        network = Network(self.graph, self.source)
        weights = [network.weight(name) for name in self.patterns]
        for weight, (n, m) in zip(weights, self.patterns.values(), strict=True):
            network = network.with_weights(_patterned(weight, n, m))
        return self._with_shares(network)

    def _with_shares(self, network: Network) -> Network:
        """The network with the densities that were given, assumed as they are."""
        graph = network.graph
        for name, shares in self.shares.items():
            node = graph.node(name)
            if "Weight" in shares:
                network = network.with_weights(network.weight(name).with_density(shares["Weight"]))
            told = [("Input", tensor) for tensor in node.inputs] + [("Output", name) for name in node.outputs]
            network = network.with_tensors(
                *(
                    replace(graph.tensors[tensor], density=shares[which], known="assumed")
                    for which, tensor in told
                    if shares.get(which, 1.0) < 1.0
                )
            )
        return network


def convolution(
    name: str,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    filters: int,
    groups: int,
) -> Convolution:
    """A convolution without padding whose last window may reach beyond its input.

    ceil((size - kernel) / stride) + 1 positions an axis; where they reach beyond, the input counts as padded.
    """
    pads = []
    for extent, window, step in zip(size, kernel, stride, strict=True):
        positions = -(-(extent - window) // step) + 1
        pads.append((0, max(0, step * (positions - 1) + window - extent)))
    return Convolution(
        name, filters, kernel=kernel, stride=stride, padding=tuple(pads), groups=groups, bias=False
    )


def product(name: str, columns: int) -> Linear:
    """A matrix product with a constant of so many columns."""
    return Linear(name, columns, bias=False)


def _patterned(weight: Weight, n: int, m: int) -> Weight:
    """N non-zeros in every run of m along what a filter sums, drawn at random; the last may be shorter."""
    if weight.size > MOST_MASKED:
        return weight.with_density(n / m)
    filters = weight.shape[0]
    length = weight.size // filters
    runs = -(-length // m)
    scores = np.random.default_rng(0).random((filters, runs, m))
    scores.reshape(filters, -1)[:, length:] = 2.0  # beyond the filter: never among the lowest, unless needed
    order = scores.argsort(axis=2)
    mask = np.zeros(scores.shape, dtype=np.bool_)
    np.put_along_axis(mask, order[..., :n], True, axis=2)
    kept = mask.reshape(filters, -1)[:, :length].reshape(weight.shape)
    return replace(weight.with_mask(kept), known="assumed")
