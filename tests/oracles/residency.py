"""Schedules one by one: every set of tensors that stay, operation by operation, in plain loops."""

import itertools

import numpy as np

from hwmodels import evaluate_operations
from hwmodels.columns import BesideTable
from hwmodels.packing import pack
from workloads.table import make_table


def held_at(kept, row, size):
    return sum(size[tensor.place] for tensor in kept if tensor.first <= row <= tensor.last)


def beside_of(layers, kept, size, home):
    """What each row meets, row by row and tensor by tensor."""
    columns = {name: np.zeros(layers.rows) for name in BesideTable._fields}
    for row in range(layers.rows):
        columns[f"{home}_held"][row] = held_at(kept, row, size)
        for tensor in kept:
            for operand, share in tensor.reads.get(row, ()):
                columns[f"{operand}_share"][row] += share
            if row in tensor.writes:
                share, part = tensor.writes[row]
                if not tensor.leaves:
                    columns["output_share"][row] += share
                columns["inputs_made"][row] += part * size[tensor.place] / layers.repeats[row]
    return make_table(BesideTable, columns, layers.rows)


def every_schedule(layers, tensors, machine, objective, home):
    """Yield for each set of tensors that fits: the set, and latency and energy of the network.

    8-bit dense operands; tensors are read as inputs, from the buffer `home`.
    """
    configs = pack(machine)
    capacity = getattr(configs, f"{home}_capacity_bytes")[0]
    size = {tensor.place: tensor.elements for tensor in tensors}
    for number in range(len(tensors) + 1):
        for kept in itertools.combinations(tensors, number):
            if any(held_at(kept, row, size) > capacity for row in range(layers.rows)):
                continue
            beside = beside_of(layers, kept, size, home)
            table = evaluate_operations(layers, configs, objective, beside=beside)
            latency, energy = (float(column @ layers.repeats) for column in (table.latency_s, table.energy_j))
            if np.isfinite(latency):
                yield kept, latency, energy
