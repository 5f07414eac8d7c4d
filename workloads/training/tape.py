"""Reverse-mode differentiation of a graph, as operations: what is kept while gradients flow back.

Rules (one an operation, in `rules`) turn gradients of outputs into gradients of inputs and weights; the tape
says who needs a gradient, adds up those that reach one tensor, and remembers densities.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import singledispatch
from typing import NamedTuple

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph, Node
from workloads.operations import Elementwise, Reduce, Reshape
from workloads.operations.base import Operation
from workloads.shapes import Shape, size
from workloads.tensors import Tensor, Weight

FLAT = frozenset(
    (
        *("ceil", "floor", "round", "sign", "not", "bitwise_not", "isnan", "isinf"),
        *("equal", "less", "greater", "less_equal", "greater_equal", "not_equal"),
        *("and", "or", "xor", "bitwise", "shift"),
    )
)
"""Element-wise functions whose derivative is zero: no gradient goes through them."""
_CHOICES = frozenset(("argmax", "argmin"))


class Zeros(NamedTuple):
    """What is known about the zeros of a gradient: the part of a `Tensor` that is not its shape."""

    density: float = 1.0
    profile: tuple[float, ...] | None = None
    profile_axis: int = 1
    known: str = "dense"

    @classmethod
    def of(cls, tensor: Tensor) -> "Zeros":
        """Return what is known about a tensor."""
        return cls(tensor.density, tensor.profile, tensor.profile_axis, tensor.known)

    @classmethod
    def assumed(cls, density: float) -> "Zeros":
        """Return a density that follows from others by an assumption; dense if it is 1."""
        return cls(density, known="assumed") if density < 1.0 else cls()

    def masked(self, mask: Tensor) -> "Zeros":
        """Return what is left where `mask` is not zero, zeros of the two being independent.

        A dense gradient behind a mask has exactly the mask's zeros: nothing is assumed that was not before.
        """
        if self.density == 1.0:
            return Zeros.of(mask)
        if mask.density == 1.0:
            return self
        return Zeros(self.density * mask.density, known="assumed")


class Tape:
    """Gradients on their way from the loss to what learns.

    Parameters
    ----------
    graph
        The forward operations; backward ones are added to it.
    wanted
        Inputs of the network whose gradient is wanted.
    trainable
        Weights whose gradient is wanted.
    keep_pruned
        Whether pruned weights stay pruned, so that their gradients are not needed.

    """

    def __init__(
        self, graph: Graph, *, wanted: Collection[str], trainable: Collection[str], keep_pruned: bool
    ) -> None:
        self.graph = graph
        self.trainable = frozenset(trainable)
        self.keep_pruned = keep_pruned
        self.learnt: dict[str, list[str]] = {}  # weight -> its gradients, one a use
        self._zeros: dict[str, Zeros] = {}
        self._reaching: dict[str, list[str]] = {}  # tensor -> gradients that reach it
        self._wanted = set(wanted)
        for node in graph.nodes():
            learns = not self.trainable.isdisjoint(node.weights.values())
            if (learns or not self._wanted.isdisjoint(node.inputs)) and not flat(node.operation):
                self._wanted.update(node.outputs)

    def wants(self, tensor: str) -> bool:
        """Whether anything upstream of a tensor needs its gradient."""
        return tensor in self._wanted

    def learns(self, node: Node, role: str = "weight") -> bool:
        """Whether a weight of an operation needs its gradient."""
        return node.weights.get(role) in self.trainable

    def tensor(self, name: str) -> Tensor:
        """Return a tensor as it is known by now."""
        tensor = self.graph.tensors[name]
        return self._described(tensor)

    def shape(self, name: str) -> Shape:
        """Return a tensor's shape."""
        return self.graph.tensors[name].shape

    def add(
        self,
        operation: Operation,
        *inputs: str,
        weights: Mapping[str, Weight | str] | None = None,
        zeros: Zeros | None = None,
    ) -> str:
        """Add an operation with one output; see `add_many`."""
        return self.add_many(operation, *inputs, weights=weights, zeros=zeros)[0]

    def add_many(
        self,
        operation: Operation,
        *inputs: str,
        weights: Mapping[str, Weight | str] | None = None,
        zeros: Zeros | None = None,
    ) -> tuple[str, ...]:
        """Add an operation and say what is known of its first output's zeros; the others are dense."""
        made = self.graph.add_many(operation, *inputs, weights=weights, density=1.0)
        if zeros is not None:
            self.describe(made[0], zeros)
        return made

    def describe(self, tensor: str, zeros: Zeros) -> None:
        """Say what is known of a tensor's zeros."""
        self._zeros[tensor] = zeros

    def flow(self, tensor: str, gradient: str) -> None:
        """Let a gradient reach a tensor."""
        have, want = self.shape(gradient), self.shape(tensor)
        if have != want:
            raise WorkloadError(
                f"gradient {shown(gradient)} has shape {have}, tensor {shown(tensor)} has {want}"
            )
        self._reaching.setdefault(tensor, []).append(gradient)

    def learn(self, weight: str, gradient: str) -> None:
        """Let a gradient reach a weight."""
        self.learnt.setdefault(weight, []).append(gradient)

    def gradient(self, tensor: str) -> str | None:
        """Return the sum of the gradients that reached a tensor, None where none did.

        To be asked when every reader of the tensor has been differentiated.
        """
        parts = self._reaching.get(tensor)
        if not parts:
            return None
        if len(parts) == 1:
            return parts[0]
        empty = 1.0
        for part in parts:
            empty *= 1.0 - self.tensor(part).density
        total = self.add(
            Elementwise(f"{tensor}.gradient_sum", "add"), *parts, zeros=Zeros.assumed(1.0 - empty)
        )
        self._reaching[tensor] = [total]
        return total

    def reduced(self, name: str, tensor: str, shape: Shape) -> str:
        """Sum a tensor over the axes along which a tensor of `shape` was broadcast to it."""
        have = self.shape(tensor)
        if have == shape:
            return tensor
        lead = len(have) - len(shape)
        axes = tuple(a for a, n in enumerate(have) if a < lead or (shape[a - lead] == 1 and n > 1))
        if size(have) != size(shape):
            tensor = self.add(Reduce(f"{name}.sum", "sum", axes), tensor)
        if self.shape(tensor) != shape:
            tensor = self.add(Reshape(f"{name}.shape", shape), tensor)
        return tensor

    def finished(self) -> Graph:
        """Return the graph with everything known of the zeros written into its tensors."""
        return self.graph.replaced(tensors=[self.tensor(name) for name in self._zeros])

    def _described(self, tensor: Tensor) -> Tensor:
        zeros = self._zeros.get(tensor.name)
        if zeros is None:
            return tensor
        return replace(
            tensor,
            density=zeros.density,
            profile=zeros.profile,
            profile_axis=zeros.profile_axis,
            known=zeros.known,
        )


def flat(operation: Operation) -> bool:
    """Whether an operation's derivative is zero wherever it has one."""
    if isinstance(operation, Elementwise):
        return operation.function in FLAT
    return isinstance(operation, Reduce) and operation.mode in _CHOICES


@singledispatch
def backward(operation: Operation, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    """Let the gradients of a node's outputs flow to its inputs and weights.

    Parameters
    ----------
    operation
        The node's operation; rules are registered by its class.
    node
        The operation in its place.
    gradients
        Gradient of each output; None where there is none. At least one is given.
    tape
        Where the gradients flow.

    """
    raise WorkloadError(f"{operation.kind} {shown(operation.name)}: how to differentiate it is not known")


def differentiable(operation: Operation) -> bool:
    """Whether there is a rule for an operation."""
    return backward.dispatch(type(operation)) is not backward.dispatch(Operation)
