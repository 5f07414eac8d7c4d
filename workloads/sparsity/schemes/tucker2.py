"""Low rank: every convolution that gains by it becomes three (Tucker-2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from workloads.errors import shown
from workloads.graph import Graph, Node
from workloads.operations import Convolution
from workloads.sparsity.checks import SparsityError, check_density
from workloads.sparsity.layers import to_prune
from workloads.sparsity.low_rank import Conv, rank_for, tucker2_macs
from workloads.sparsity.rewrite import replay
from workloads.tensors import Weight

if TYPE_CHECKING:
    from workloads.network import Network


def tucker2(
    network: Network,
    density: float | None = None,
    *,
    quantum: int = 8,
    ranks: Mapping[str, tuple[int, int]] | None = None,
    dense: Collection[str] = (),
) -> Network:
    """Replace convolutions by 1x1 (channels to rank), kernel (rank to rank), 1x1 (rank to filters).

    Parameters
    ----------
    network
        Any network.
    density
        Fraction of each convolution's MACs that its three may cost, in (0, 1]; the largest rank that fits is
        taken, equal on both sides. A layer that costs more even at rank 1 is refused by name.
    quantum
        Ranks are multiples of it, hardware-aware rank selection; where even the smallest multiple would cost
        more than asked, the largest rank below it that does not. 1x1 and grouped convolutions stay.
    ranks
        Instead of `density`: (rank in, rank out) by layer.
    dense
        Layers left as they are.

    Notes
    -----
    Kim et al., ICLR 2016; Xiao et al., "HALOC", AAAI 2023. The last of the three keeps the layer's name; the
    others are called "<layer>.in" and "<layer>.core".

    Examples
    --------
    >>> import workloads
    >>> net = workloads.load("resnet18")
    >>> low = tucker2(net, 0.3)
    >>> [low.weight(f"layer1.0.conv1{part}").shape[:2] for part in (".in", ".core", "")]
    [(24, 64), (24, 24), (64, 24)]

    """
    if (density is None) == (ranks is None):
        raise SparsityError("tucker2: give either density or ranks")
    chosen = _chosen(network, density, quantum, dense) if ranks is None else _checked(network, ranks)

    def change(graph: Graph, node: Node) -> bool:
        operation = node.operation
        if not isinstance(operation, Convolution) or operation.name not in chosen:
            return False
        rank_in, rank_out = chosen[operation.name]
        bits = network.graph.weights[node.weights["weight"]].bits
        ones = (1,) * operation.window.rank
        core = f"{operation.name}.core"
        first = Convolution(f"{operation.name}.in", rank_in, ones, bias=False)
        middle = replace(operation, name=core, out_channels=rank_out, bias=False)
        last = Convolution(operation.name, operation.out_channels, ones, bias=operation.bias)
        x = node.inputs[0]
        for one in (first, middle, last):
            shapes = one.weight_shapes([graph.tensors[x].shape])
            held = {role: Weight(f"{one.name}.{role}", shape, bits) for role, shape in shapes.items()}
            x = graph.add(one, x, weights=held)
        return True

    return replay(network, change)


def decomposable(network: Network) -> dict[str, Conv]:
    """Sizes of the convolutions that can be decomposed, by layer."""
    found = {}
    for node in network.graph.nodes():
        operation = node.operation
        if isinstance(operation, Convolution) and operation.groups == 1 and prod(operation.window.kernel) > 1:
            before, after = (network.graph.tensors[name].shape for name in (node.inputs[0], node.outputs[0]))
            found[operation.name] = Conv(
                filters=after[1],
                channels=before[1],
                kernel=operation.window.kernel,
                inputs=prod(before[2:]),
                outputs=prod(after[2:]),
            )
    return found


def _chosen(
    network: Network, density: float | None, quantum: int, dense: Collection[str]
) -> dict[str, tuple[int, int]]:
    assert density is not None
    check_density(density, "tucker2")
    layers, chosen = to_prune(network, dense), {}
    for name, conv in decomposable(network).items():
        if name not in layers:
            continue
        rank = rank_for(conv, density, quantum) or rank_for(conv, density)
        if rank is None:
            least = tucker2_macs(conv, 1, 1) / conv.macs
            raise SparsityError(
                f"tucker2: layer {shown(name)} costs {least:.3g} of its MACs at rank 1, more than density "
                f"{density}; name it in dense"
            )
        chosen[name] = (rank, rank)
    return chosen


def _checked(network: Network, ranks: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    convolutions = decomposable(network)
    for name, (rank_in, rank_out) in ranks.items():
        if name not in convolutions:
            raise SparsityError(
                f"tucker2: {shown(name)} is no ungrouped convolution with a kernel larger than 1x1"
            )
        conv = convolutions[name]
        if not (1 <= rank_in <= conv.channels and 1 <= rank_out <= conv.filters):
            raise SparsityError(
                f"tucker2: ranks of {shown(name)} must be at most ({conv.channels}, {conv.filters}), "
                f"got ({rank_in}, {rank_out})"
            )
    return dict(ranks)
