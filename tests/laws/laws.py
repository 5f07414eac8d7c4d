"""What must hold of any network on any machine; each law raises where it does not, and says by how much."""

import numpy as np

import dse
from hwmodels.levels import LevelMachine
from hwmodels.template import Template

ROOM = 1 + 1e-9
"""Rounding of sums."""

SCORES = {"latency": "latency_s", "energy": "energy_j", "edp": "edp_js"}
PARTS = ("mac", "buffer", "dram", "vector", "static", "control")


def cost(network, machine, objective="latency", batch=None, **options):
    return dse.evaluate(network, machine, batch, mapping_objective=objective, progress=False, **options)


def no_more(less, more, what):
    """`less` is no greater than `more`; where `more` cannot run at all, anything goes."""
    assert more != more or less <= more * ROOM, f"{what}: {less:.9g} v {more:.9g} ({less / more - 1:+.3%})"


def batches(network, machine, objective, runs):
    """A batch costs no more than its runs, each operation in the score that mappings are chosen by."""
    if isinstance(machine, Template):
        objective = "latency"
    alone, together = (cost(network, machine, objective, batch) for batch in (1, runs))
    if not alone.feasible:
        return
    assert together.feasible, (machine, together.totals["limit"])
    most = runs**2 if objective == "edp" else runs
    scores = []
    for result in (alone, together):
        table = result.operations
        seconds, joules = (table[name].to_numpy() for name in ("latency_s", "energy_j"))
        scores.append({"latency": seconds, "energy": joules, "edp": seconds * joules}[objective])
    for name, one, many in zip(alone.operations["operation"], *scores, strict=True):
        no_more(many, most * one, f"{runs} runs of {name}, {objective}")


def raised(machine, path, factor):
    """The machine with a field made larger."""
    value = machine.paths()[path]
    return machine.replace({path: type(value)(value * factor)})


def resources(machine):
    """Paths of bandwidth, buffers, ports and clock."""
    ends = ("bandwidth_bytes_per_s", "bytes", "port_bits", "bank_height", "bytes_per_s")
    found = [path for path, value in machine.paths().items() if path.endswith(ends) and value]
    found = [path for path in found if path != "buffers.mask.bytes" and "reported" not in path]
    return ["clock_hz", *found]


def more_is_never_slower(network, machine, path, factor):
    """A faster clock, memory or port and a larger buffer never slow a network whose mappings seek latency."""
    before, after = cost(network, machine), cost(network, raised(machine, path, factor))
    if before.feasible:
        assert after.feasible, f"{path} x {factor} no longer runs: {after.totals['limit']}"
    no_more(after.totals["latency_s"], before.totals["latency_s"], f"{path} x {factor}")


def rooflines(network, machine, objective):
    """No network is faster than its multiplications at peak, or its traffic at full bandwidth."""
    found = cost(network, machine, objective)
    if not found.feasible:
        return
    totals, memory = found.totals, machine.main_memory
    sustained = memory.bandwidth_bytes_per_s * memory.efficiency
    no_more(totals["dram_read_bytes"] / sustained, totals["latency_s"], "reads at the memory's bandwidth")
    written = totals["dram_write_bytes"] / sustained / memory.write_share
    no_more(written, totals["latency_s"], "writes at the memory's bandwidth")
    layers, nests = network.table(), network.table().kind == 0
    if isinstance(machine, LevelMachine):
        peak, zeros = machine.macs * machine.clock_hz, False
    elif isinstance(machine, Template):
        peak, zeros = machine.groups * machine.macs_per_group * machine.clock_hz, False
    else:
        peak, zeros = machine.peak_macs_per_s, machine.sparsity.skips
        bits = machine.datapath
        plain = all(getattr(machine.sparsity, name).format == "dense" for name in ("weight", "output"))
        if plain:
            least = layers.weight_elements[nests] @ layers.repeats[nests] * (bits.weight_bits / 8.0)
            no_more(least, totals["dram_read_bytes"], "weights from main memory")
    work = network.effectual_macs if zeros else network.macs
    no_more(work / peak, totals["latency_s"], "multiplications at peak")


def parts_sum(network, machine, objective):
    """Operations sum to totals, parts of the energy to the energy; no part is negative."""
    found = cost(network, machine, objective)
    if not found.feasible:
        return
    totals, table = found.totals, found.operations
    repeats = np.asarray(found.layers.repeats)
    for name in ("latency_s", "energy_j", "dram_read_bytes", "dram_write_bytes"):
        whole, summed = totals[name], float(table[name].to_numpy() @ repeats)
        if whole == whole:
            assert abs(whole - summed) <= 1e-9 * abs(whole), f"{name}: {whole:.12g} v {summed:.12g}"
    parts = {name: totals[f"{name}_energy_j"] for name in PARTS}
    known = [value for value in parts.values() if value == value]
    assert all(value >= 0 for value in known), parts
    if len(known) == len(parts):
        assert abs(sum(known) - totals["energy_j"]) <= 1e-9 * totals["energy_j"], parts


def zeros_never_slow(network, machine, weights, activations):
    """A network with zeros is no slower than without, unless an operation waits for the front end."""
    dense, sparse = cost(network, machine), cost(network.assume(weights, activations), machine)
    if "bound" in sparse.operations and (sparse.operations["bound"] == "front end").any():
        return
    no_more(sparse.totals["latency_s"], dense.totals["latency_s"], f"densities {weights}, {activations}")


def schedules_never_worse(network, machine, objective):
    """Tensors that stay on chip, and tiles that are handed on, never make a network dearer."""
    if not machine.model.keeper(machine) or not cost(network, machine, objective).feasible:
        return
    before, after = (
        cost(network, machine, objective, schedule=schedule).totals for schedule in ("layers", "resident")
    )
    for name in ("latency_s", "energy_j"):
        no_more(after[name], before[name], f"resident, {name}")
    if machine.model.handing(machine):
        fused = cost(network, machine, objective, schedule="fused")
        score = SCORES[objective]
        no_more(fused.totals[score], min(before[score], after[score]), f"fused, {score}")


def front_of(network, space, objective, how):
    options = {"mapping_objective": objective, "progress": False}
    if how == "sweep":
        return dse.sweep(network, space, workers=1, **options).front(("latency_s", "energy_j"))
    found = dse.search(
        network, space, objectives=("latency_s", "energy_j"), strategy="certified", budget=10**6, **options
    )
    assert found.certificate is None or found.certificate.complete
    return found.front


def added_values_change_no_front(network, base, axes, path, values, objective):
    """A certified front stays as it is when an axis gets a value that no member of the new front has."""
    few = dse.Space(base, {**axes, path: values[:-1]})
    many = dse.Space(base, {**axes, path: values})
    fronts = {how: front_of(network, many, objective, how).frame for how in ("sweep", "certified")}
    columns = [*axes, path, "latency_s", "energy_j"]
    assert_same(fronts["sweep"][columns], fronts["certified"][columns])
    if not (fronts["sweep"][path] == values[-1]).any():
        assert_same(fronts["sweep"][columns], front_of(network, few, objective, "certified").frame[columns])


def assert_same(one, other):
    by = list(one.columns)
    first, second = (frame.sort_values(by).reset_index(drop=True) for frame in (one, other))
    assert first.equals(second), f"{first}\n{second}"
