"""Orders of a network's operations one by one, and of each every set of tensors that stay."""

import itertools

import numpy as np

from hwmodels.residency import tensors_of
from tests.oracles import residency
from workloads.fusion import fuse
from workloads.table import take_rows


def every_order(network):
    """Yield rows in every order in which all that an operation reads was written before it."""
    graph, owners = network.graph, network.lowering().operations
    anchor = fuse(graph).anchor
    nodes = {node.operation.name: node for node in graph.nodes()}
    names = list(dict.fromkeys(owners))
    glued = set()  # what is done on others' results on their way out follows them, and what lies between
    for follower, first in anchor.items():
        glued.update(names[names.index(first) + 1 : names.index(follower) + 1])
    units = []
    for name in names:
        if name in glued:
            units[-1].append(name)
        else:
            units.append([name])
    for permuted in itertools.permutations(units):
        done, sound = {tensor.name for tensor in graph.inputs()}, True
        for unit in permuted:
            for name in unit:
                sound = sound and set(nodes[name].inputs) <= done
                done |= set(nodes[name].outputs)
        if sound:
            run = [name for unit in permuted for name in unit]
            yield sorted(range(len(owners)), key=lambda row: (run.index(owners[row]), row))


def moved(edges, order):
    """The edge table where row order[i] has become row i."""
    place = {row: i for i, row in enumerate(order)} | {-1: -1}
    rows = {
        name: np.array([place[row] for row in getattr(edges, name).tolist()], dtype=np.int64)
        for name in ("producer_row", "consumer_row")
    }
    return edges._replace(**rows)


def every_schedule(network, machine, objective, home, more_w=0.0):
    """Yield order, set, latency and energy of the network for each order and each set that fits."""
    layers, edges = network.table(), network.edges()
    for order in every_order(network):
        permuted = take_rows(layers, np.array(order))
        tensors = tensors_of(moved(edges, order), permuted)
        for one in residency.every_schedule(permuted, tensors, machine, objective, home, more_w=more_w):
            yield tuple(order), *one
