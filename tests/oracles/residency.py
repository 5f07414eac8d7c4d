"""Schedules one by one: every set of tensors that stay, operation by operation, in plain loops."""

import itertools

import numpy as np

from hwmodels import evaluate_operations
from hwmodels.columns import BesideTable
from hwmodels.packing import pack
from workloads.table import make_table


def beside_of(layers, kept, size, home, weight_home=""):
    """What each row meets, row by row and tensor by tensor."""
    columns = {name: np.zeros(layers.rows) for name in BesideTable._fields}
    for row in range(layers.rows):
        for tensor in kept:
            if tensor.first <= row <= tensor.last:
                columns[f"{weight_home if tensor.pinned else home}_held"][row] += size[tensor.place]
            for operand, share in tensor.reads.get(row, ()):
                columns[f"{operand}_share"][row] += share
            if row in tensor.writes:
                share, part = tensor.writes[row]
                if not tensor.leaves:
                    columns["output_share"][row] += share
                columns["inputs_made"][row] += part * size[tensor.place] / layers.repeats[row]
    return make_table(BesideTable, columns, layers.rows)


def every_schedule(layers, tensors, machine, objective, home, weight_home=""):
    """Yield for each set of tensors that fits: the set, and latency and energy of the network.

    8-bit dense operands; tensors are read as inputs, from the buffer `home`, weights from `weight_home`.
    """
    configs = pack(machine)
    size = {tensor.place: tensor.elements for tensor in tensors}
    homes = {name for name in (home, weight_home) if name}
    for number in range(len(tensors) + 1):
        for kept in itertools.combinations(tensors, number):
            beside = beside_of(layers, kept, size, home, weight_home)
            if any(
                held > getattr(configs, f"{name}_capacity_bytes")[0]
                for name in homes
                for held in getattr(beside, f"{name}_held")
            ):
                continue
            table = evaluate_operations(layers, configs, objective, beside=beside)
            latency, energy = (float(column @ layers.repeats) for column in (table.latency_s, table.energy_j))
            if np.isfinite(latency):
                yield kept, latency, energy
