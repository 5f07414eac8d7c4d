"""Schedules one by one: every set of tensors that stay, operation by operation, in plain loops."""

import itertools

import numpy as np

from hwmodels import evaluate_operations
from hwmodels.batch import account_operations
from hwmodels.columns import BesideTable
from hwmodels.packing import pack
from hwmodels.tiles import TileLists
from hwmodels.tiling import Tiling
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


def proof(every_of, objective):
    """What the proven least of any schedule, with whatever mappings, lies between; layer by layer is 1.

    `every_of(objective, more_w)` yields schedules, and last of each latency and energy, with the mappings
    that are best by an objective on a machine that leaks so much more. Of a product: no less than the least
    latency by the least energy, and no more than that of any schedule with any of these mappings.
    """

    def costs_of(by, more_w=0.0):
        found = np.array([one[-2:] for one in every_of(by, more_w)]) / before
        return found - [[0.0, more_w * before[0] / before[1]]] * found[:, :1]

    before = np.ones(2)
    before = costs_of(objective)[0]  # nothing stays in the first
    if objective != "edp":
        least = costs_of(objective)[:, ("latency", "energy").index(objective)].min()
        return least, least
    fastest, thriftiest = costs_of("latency"), costs_of("energy")
    every = [costs_of("edp"), fastest, thriftiest]
    for _ in range(3):  # a schedule of least product has the least energy where leaking weighs as much
        latency, energy = min(np.concatenate(every), key=np.prod)
        every.append(costs_of("energy", energy / latency * before[1] / before[0]))
    return fastest[:, 0].min() * thriftiest[:, 1].min(), np.concatenate(every).prod(axis=1).min()


def every_tiling(layers, configs):
    """Tilings of each nest by row: every candidate of its tiles with every loop innermost that turns."""
    table, found = TileLists(layers).table(configs), {}
    for row in np.flatnonzero(layers.kind == 0).tolist():
        lists = []
        for name in "kcm":
            at = getattr(table, f"{name}_list")[0] + row
            lists.append(getattr(table, name)[at, : getattr(table, f"{name}_number")[at], :2].astype(int))
        found[row] = []
        for (k, k_turns), (c, c_turns), (m, m_turns) in itertools.product(*lists):
            turns = {"positions": m_turns, "k": k_turns, "c": c_turns}
            for inner in [name for name, number in turns.items() if number > 1] or ["positions"]:
                found[row].append(Tiling(k=int(k), c=int(c), positions=int(m), innermost=inner))
    return found


def undominated(points):
    """Pairs that no other beats in both."""
    kept = []
    for latency, energy in sorted(points):
        if not kept or energy < kept[-1][1]:
            kept.append((latency, energy))
    return kept


def least_product(layers, tensors, machine, home):
    """Least product of latency and energy of any schedule with any mapping of each operation."""
    configs, best = pack(machine), np.inf
    size = {tensor.place: tensor.elements for tensor in tensors}
    tilings = every_tiling(layers, configs)
    for number in range(len(tensors) + 1):
        for kept in itertools.combinations(tensors, number):
            beside = beside_of(layers, kept, size, home)
            if (getattr(beside, f"{home}_held") > getattr(configs, f"{home}_capacity_bytes")[0]).any():
                continue
            costs = [set() for _ in range(layers.rows)]
            for i in range(max(map(len, tilings.values()))):
                given = {row: mine[i % len(mine)] for row, mine in tilings.items()}
                account = account_operations(layers, configs, beside=beside, given=given)
                fits, found = account.carried["limit"] == 0, account.operations()
                for row in np.flatnonzero(fits).tolist():
                    costs[row].add((float(found["latency_s"][row]), float(found["energy_j"][row])))
            sums = [(0.0, 0.0)]
            for row, points in enumerate(costs):
                times = int(layers.repeats[row])
                sums = undominated(
                    (t + times * latency, e + times * energy)
                    for t, e in sums
                    for latency, energy in undominated(points)
                )
            best = min([best, *(t * e for t, e in sums)])
    return best


def every_schedule(layers, tensors, machine, objective, home, weight_home="", more_w=0.0):
    """Yield for each set of tensors that fits: the set, and latency and energy of the network.

    8-bit dense operands; tensors are read as inputs, from the buffer `home`, weights from `weight_home`.
    The machine leaks `more_w` more than it says.
    """
    configs = pack(machine)
    configs = configs._replace(leakage_w=configs.leakage_w + more_w)
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
