"""Mixtures of experts: two products for every product, of the experts that were met."""

from workloads.graph import Node
from workloads.operations import Experts, Reduce
from workloads.training.experts import ExpertsWeightGradient
from workloads.training.tape import Tape, Zeros, backward


@backward.register
def _(operation: Experts, node: Node, gradients: tuple[str | None, ...], tape: Tape) -> None:
    (tensor, choices), name, (gradient, *_) = node.inputs, operation.name, gradients
    assert gradient is not None
    if tape.wants(tensor):
        features = tape.shape(tensor)[-1]
        product = Experts(
            f"{name}.input_gradient",
            operation.experts,
            features,
            apart=True,
            transposed=not operation.transposed,
        )
        back = tape.add(product, gradient, choices, weights={"weight": node.weights["weight"]})
        if not operation.apart:  # a token's own gradient is the sum of those of its choices
            axis = len(tape.shape(choices)) - 1
            back = tape.add(Reduce(f"{name}.gradient_sum", "sum", (axis,), keep=False), back)
        tape.flow(tensor, back)
    if tape.learns(node):
        weight = tape.graph.weights[node.weights["weight"]]
        zeros = Zeros.assumed(weight.density) if tape.keep_pruned and weight.nonzeros else None
        learns = ExpertsWeightGradient(f"{name}.weight_gradient", operation.experts, tape.keep_pruned)
        pair = (gradient, tensor) if operation.transposed else (tensor, gradient)
        tape.learn(
            weight.name, tape.add(learns, *pair, choices, weights={"weight": weight.name}, zeros=zeros)
        )
