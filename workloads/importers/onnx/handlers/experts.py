"""Mixtures of experts as one node (domain com.microsoft), taken apart; see `operations.Experts`."""

from typing import NamedTuple

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.handlers.packed import Packing, unpacked
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import (
    Elementwise,
    Embedding,
    Experts,
    Rearrange,
    Reduce,
    Reshape,
    Softmax,
    Split,
    TopK,
)

_ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "silu": "silu", "swiglu": "silu", "identity": ""}
_FORMATS = {"int": 0, "fp4": 4, "wfp4afp8": 4, "nvfp4": 4, "fp8": 8}
"""Kind of quantisation -> bits of an element that is a float."""


class Places(NamedTuple):
    """Inputs of a node that make one product: its matrices, biases, zero points; -1 for what there is not."""

    weight: int
    bias: int
    point: int


class _Mixture:
    """A node's tokens and choices, and its products one by one."""

    def __init__(self, node: NodeView, builder: Builder, quantised: bool) -> None:
        self.node, self.builder, self.quantised = node, builder, quantised
        self.tokens = builder.tensor(node)
        lead = self.tokens.shape[:-1]
        router = builder.tensor(node, 1)
        self.experts, self.active = router.shape[-1], node.integer("k", 1)
        if not 0 < self.active <= self.experts:
            node.refuse(f"k must be 1 to {self.experts}, its experts, got {self.active}")
        scores = builder.reshaped(f"{node.name}/router", router.name, (*lead, self.experts))
        scores = builder.step(Softmax(f"{node.name}/softmax"), scores)
        top = TopK(f"{node.name}/top", self.active)
        self.best, self.choices = builder.graph.add_many(top, scores)

    def _matrices(self, places: Places, inner: int, name: str) -> tuple[Constant, bool]:
        """Return matrices, and whether they are stored (in, out), as in files of before ONNX Runtime 1.21."""
        node, builder = self.node, self.builder
        held = builder.constant(node, places.weight)
        if held is None or len(held.shape) != 3:
            node.refuse(f"its weight {node.input(places.weight)!r} must be a constant of three axes")
        if self.quantised:
            kind = node.text("quant_type", "int")
            if kind not in _FORMATS:
                node.refuse(f"quant_type must be one of {', '.join(_FORMATS)}, got {kind!r}")
            bits = _FORMATS[kind] or node.integer("expert_weight_bits", 4)
            if kind != "fp8" and bits in (1, 2, 4, 8):
                shape = (*held.shape[:-1], held.shape[-1] * (8 // bits))
                packing = Packing(bits, node.integer("block_size", 0), floats=kind != "int")
                held = unpacked(node, held, shape, packing, builder.constant(node, places.point))
        if held.shape[0] != self.experts or inner not in held.shape[1:]:
            node.refuse(f"{name} of {held.shape} do not take {inner} features by {self.experts} experts")
        return held, held.shape[2] != inner

    def product(self, places: Places, tensor: str, name: str, *, apart: bool = False) -> str:
        """Add the products of tokens with their experts' matrices, and their experts' biases."""
        node, builder = self.node, self.builder
        inner = builder.graph.tensors[tensor].shape[-1]
        held, turned = self._matrices(places, inner, name)
        outputs = held.shape[2] if turned else held.shape[1]
        operation = Experts(f"{node.name}/{name}", self.experts, outputs, apart=apart, transposed=turned)
        made = builder.step(operation, tensor, self.choices, weights={"weight": builder.weight(held)})
        bias = builder.constant(node, places.bias)
        if bias is None:
            return made
        table = {"weight": builder.weight(bias)}
        picked = builder.step(
            Embedding(f"{node.name}/{name}_biases", *bias.shape), self.choices, weights=table
        )
        return builder.step(Elementwise(f"{node.name}/{name}_sum", "add"), made, picked)


@handles("MoE", "QMoE")
def mixture(node: NodeView, builder: Builder) -> None:
    """Add a router's choice, its experts' perceptrons, and the sum of their results, weighed."""
    quantised = node.operator == "QMoE"
    first, second, third = (
        (Places(2, 4, 11), Places(5, 7, 12), Places(8, 10, 13))
        if quantised
        else (Places(2, 3, -1), Places(4, 5, -1), Places(6, 7, -1))
    )
    function = node.text("activation_type", "relu")
    if function not in _ACTIVATIONS:
        node.refuse(f"activation_type must be one of {', '.join(_ACTIVATIONS)}, got {function!r}")
    parts = _Mixture(node, builder, quantised)
    tokens = parts.tokens
    hidden = parts.product(first, tokens.name, "fc1")
    beside = ""
    if node.input(third.weight):
        beside = parts.product(third, tokens.name, "fc3")
    elif function == "swiglu":  # both products are one, their results side by side
        half = builder.graph.tensors[hidden].shape[-1] // 2
        cut = Split(f"{node.name}/halves", len(tokens.shape), (half, half))
        hidden, beside = builder.graph.add_many(cut, hidden)
    if _ACTIVATIONS[function]:
        hidden = builder.step(Elementwise(f"{node.name}/activation", _ACTIVATIONS[function]), hidden)
    if beside:
        hidden = builder.step(Elementwise(f"{node.name}/gated", "mul"), hidden, beside)
    made = parts.product(second, hidden, "fc2", apart=True)
    best, lead = parts.best, tokens.shape[:-1]
    if quantised and node.input(14):  # weights of their own, where the choice is
        own = builder.reshaped(f"{node.name}/own", builder.tensor(node, 14).name, (*lead, parts.experts))
        picking = Rearrange(f"{node.name}/weights", "gatherelements", (*lead, parts.active), picks=True)
        best = builder.step(picking, own, parts.choices)
    best = builder.step(Reshape(f"{node.name}/column", (*lead, parts.active, 1)), best)
    made = builder.step(Elementwise(f"{node.name}/weighed", "mul"), made, best)
    builder.emit(node, Reduce(node.name, "sum", (len(lead),), keep=False), made)
