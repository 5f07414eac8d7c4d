"""What the parts of a machine cost: the logic and the buffers of many configurations at once.

Columns in, columns out; a column is an array of shape (n_configs,). `hwmodels.packing` puts the sums into the
table that kernels read, `hwmodels.floorplan` shows the parts.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from hwmodels import own_macs, technology
from hwmodels.array import INTERCONNECTS, Dataflow
from hwmodels.components import arithmetic, noc, scaling, sram
from hwmodels.components.clock import clock_pj
from hwmodels.components.prices import QUANTITIES
from hwmodels.components.rounding import rounding
from hwmodels.components.tables import Floats
from hwmodels.reported import CONDITIONS, PER
from hwmodels.sparsity import MODES
from workloads.table import IntColumn

Columns = Mapping[str, Floats]
Bits = Mapping[str, IntColumn]

# SPRING's pre-compute sparsity unit: a mask AND, filter and realignment for a lane of 16 multipliers, 32
# mask positions wide (github jha-lab/codebench, synthesis at 14 nm, 0.8 V, 700 MHz; simulated). Cost grows
# with the multipliers of a lane and with the positions a cycle (assumed).
FRONT_END_UM2, FRONT_END_PJ, FRONT_END_LEAKAGE_W = 6216.896914, 0.2852968e-3 / 700e6 * 1e12, 0.1507329e-3
FRONT_END_NM, FRONT_END_WIDTH, FRONT_END_POSITIONS = 14, 16, 32

PLACED = 0.7
"""Share of a placed block that its cells fill; the rest is left to wires (a usual target; assumed). Areas of
modelled logic are cells over this share; reported areas are taken as reported."""

SKIP = MODES["skip"]
UNROLLED, IDEAL, CARTESIAN = (INTERCONNECTS[name] for name in ("unrolled", "ideal", "cartesian"))


DRIVERS = tuple((owner, condition) for owner in (*PER, "multiplier") for condition in CONDITIONS)
"""What reported modules follow: their owners, and what scales them besides."""


class Part(NamedTuple):
    """All instances of one component."""

    instances: Floats
    area_um2: Floats
    leakage_w: Floats


class Logic(NamedTuple):
    """What the logic of a machine costs."""

    mac_pj: Floats  # a multiply-accumulate
    vector_pj: Floats  # a vector operation
    busy_pj: Floats  # a cycle of the busy array, multipliers apart
    front_end_pj: Floats  # of which the front ends
    result_pj: Floats  # an output that leaves the array
    clock_w: Floats  # of the clock, in every cycle
    parts: dict[str, Part]


def logic(columns: Columns, bits: Bits, node_nm: Floats, voltage: Floats) -> Logic:
    """Cost of array, vector lanes, front ends with their queues, and rounding units, from component models.

    A queue holds `fifo_depth` pairs of operands for each multiplier of its lane, in flip-flops; one entry is
    written in every busy cycle.
    """
    multipliers = columns["array.rows"] * columns["array.cols"]
    lanes = multipliers / columns["lane_width"]
    lane = _lane_multiplier(columns, bits, node_nm, voltage)
    vector = _own(arithmetic.vector_op(bits["accumulator"], node_nm, voltage), columns, "vector")
    parts = {
        "array": _part(multipliers, lane.area_um2, lane.leakage_w),
        "vector lanes": _part(columns["vector_lanes"], vector.area_um2, vector.leakage_w),
    }
    skips = np.maximum(columns["sparsity.weight.mode"], columns["sparsity.input.mode"]) == SKIP
    positions = columns["sparsity.front_end_positions_per_cycle"]
    size = np.maximum(positions, FRONT_END_POSITIONS) / FRONT_END_POSITIONS
    size = np.where(skips, size * columns["lane_width"] / FRONT_END_WIDTH, 0.0)
    shrink = technology.scale_area(FRONT_END_NM, node_nm)
    leak = shrink * voltage / technology.nominal_voltage(node_nm)
    parts["front end"] = _part(
        np.where(skips, lanes, 0.0), size * FRONT_END_UM2 * shrink, size * FRONT_END_LEAKAGE_W * leak
    )
    spent = FRONT_END_PJ * scaling.logic_energy(FRONT_END_NM, node_nm, None, voltage)
    entry = arithmetic.register((bits["weight"] + bits["input"]) * columns["lane_width"], node_nm, voltage)
    depth = np.where(skips, columns["sparsity.fifo_depth"], 0.0)
    queued = lanes * (depth > 0)
    parts["queue"] = _part(queued, depth * entry.area_um2, depth * entry.leakage_w)

    partial = columns["datapath.rounds"] == 0
    word = np.where(partial, bits["accumulator"], bits["output"])
    lfsr_bits = columns["datapath.lfsr_bits"]
    unit = rounding(columns["datapath.rounding"].astype(np.int64), word, lfsr_bits, node_nm, voltage)
    rounds = columns["datapath.rounding"] > 0
    units = np.where(rounds, np.where(partial, lanes, columns["array.cols"]), 0.0)
    parts["rounding"] = _part(units, unit.area_um2, unit.leakage_w)
    scattered_pj, scattering = _accumulators(columns, bits, node_nm, voltage)
    parts |= scattering
    kind = sram.leakage_of_class(columns["technology.device"].astype(np.int64), node_nm)
    parts = {
        name: part._replace(
            area_um2=part.area_um2 / (1.0 if name == "accumulators" else PLACED),
            leakage_w=part.leakage_w * kind,
        )
        for name, part in parts.items()
    }
    area_mm2 = np.asarray(sum(part.area_um2 for part in parts.values())) * 1e-6
    return Logic(
        mac_pj=lane.energy_pj + scattered_pj + np.where(partial, unit.energy_pj / columns["lane_width"], 0.0),
        vector_pj=vector.energy_pj,
        busy_pj=lanes * size * spent + queued * entry.energy_pj,
        front_end_pj=lanes * size * spent,
        result_pj=np.where(partial, 0.0, unit.energy_pj),
        clock_w=_clock_w(columns, bits, area_mm2, node_nm, voltage),
        parts=parts,
    )


def _clock_w(columns: Columns, bits: Bits, area_mm2: Floats, node_nm: Floats, voltage: Floats) -> Floats:
    """Power of the clock of the array's flip-flops: operands, products and sums of every multiplier."""
    accumulator = bits["accumulator"] / columns["lane_width"]
    flops = (
        columns["array.rows"] * columns["array.cols"] * (2 * (bits["weight"] + bits["input"]) + accumulator)
    )
    cycle_pj = clock_pj(flops, area_mm2, node_nm, voltage, gated=columns["technology.clock_gated"])
    return cycle_pj * columns["clock_hz"] * 1e-12


def _accumulators(
    columns: Columns, bits: Bits, node_nm: Floats, voltage: Floats
) -> tuple[Floats, dict[str, Part]]:
    """Energy of scattering one product into the accumulators of a cartesian array's PE, and what it takes.

    Twice as many banks as products a cycle, so that few meet, behind a crossbar (SCNN; Parashar et al., ISCA
    2017). A product crosses the crossbar's width and height (its wires, assumed; the energy of
    `noc.crossbar` is anchored on a far smaller one), and its bank is read and written.
    """
    side = {name: columns[f"array.unroll.{name}"] for name in "nkpq"}
    scatters = columns["array.interconnect"] == CARTESIAN
    products = side["n"] * side["k"]
    banks, word = 2.0 * products, bits["accumulator"]
    size = np.where(scatters, columns["array.accumulators"] / banks * word / 8.0, 0.0)
    bank = sram.sram(size, word, node_nm, voltage=voltage)
    crossbar_mm2 = noc.crossbar(products, banks, word, node_nm).area_mm2
    crossed_pj = 2.0 * np.sqrt(crossbar_mm2 / PLACED) * word * noc.wire_pj_per_bit_mm(node_nm, voltage)
    spent = (bank.read_pj_per_byte + bank.write_pj_per_byte) * word / 8.0 + crossed_pj
    crossbar_w = arithmetic.logic_leakage_w(crossbar_mm2 * 1e6, node_nm, voltage)
    pes = np.where(scatters, side["p"] * side["q"], 0.0)
    parts = {
        "accumulators": _part(pes * banks, bank.area_mm2 * 1e6, bank.leakage_w),
        "crossbar": _part(pes, crossbar_mm2 * 1e6, crossbar_w),
    }
    return np.where(scatters, spent, 0.0), parts


def _own(
    cost: arithmetic.MacCost | arithmetic.VectorCost, columns: Columns, component: str
) -> arithmetic.MacCost:
    """Cost of a component with the user's own prices in the place of the library's."""
    factors = (columns[f"technology.prices.{component}.{quantity}"] for quantity in cost._fields)
    return arithmetic.MacCost(*(value * factor for value, factor in zip(cost, factors, strict=True)))


def mac_of(columns: Columns, bits: Bits, node_nm: Floats, voltage: Floats) -> arithmetic.MacCost:
    """Cost of one MAC: the library's, with the user's own prices, or the unit that the datapath names."""
    mac = arithmetic.mac(
        bits["weight"],
        bits["input"],
        bits["accumulator"],
        node_nm,
        voltage=voltage,
        number_format=columns["datapath.number_format"].astype(np.int64),
    )
    return _named_unit(_own(mac, columns, "mac"), columns, node_nm, voltage)


def _named_unit(
    library: arithmetic.MacCost, columns: Columns, node_nm: Floats, voltage: Floats
) -> arithmetic.MacCost:
    """Cost of the MAC unit that a datapath names, where it is not the library's."""
    asked = {f"{one}_bits": columns[f"datapath.{one}_bits"] for one in ("weight", "input", "accumulator")}
    told = {**asked, "number_format": columns["datapath.number_format"], "node_nm": node_nm}
    return own_macs.replaced(
        library, columns["datapath.mac_unit"], {**told, "voltage": voltage}, arithmetic.FORMAT_NAMES
    )


def _part(instances: Floats, area_um2: Floats, leakage_w: Floats) -> Part:
    return Part(instances, instances * area_um2, instances * leakage_w)


def _lane_multiplier(columns: Columns, bits: Bits, node_nm: Floats, voltage: Floats) -> arithmetic.MacCost:
    """One multiplier of a lane: multiplier, adder, operand registers, its share of the accumulator, wires.

    A busy multiplier clocks the operands that move (two under output stationary, one where an operand stays)
    and its share of the accumulator; what moves also crosses one pitch of wire, to the neighbour or along a
    broadcast line. Of an idle one the clock runs on where it is not gated (`_clock_w`); what runs in every
    cycle is not counted again in busy ones.
    """
    mac = mac_of(columns, bits, node_nm, voltage)
    dataflow = columns["array.dataflow"]
    weight_moves = dataflow != Dataflow.WEIGHT_STATIONARY
    input_moves = dataflow != Dataflow.INPUT_STATIONARY
    sum_moves = dataflow != Dataflow.OUTPUT_STATIONARY
    accumulator = bits["accumulator"] / columns["lane_width"]
    held = arithmetic.register(bits["weight"] + bits["input"] + accumulator, node_nm, voltage)
    moving = weight_moves * bits["weight"] + input_moves * bits["input"]
    clocked = arithmetic.register(moving + accumulator, node_nm, voltage)
    area_um2 = mac.area_um2 + held.area_um2
    running = bits["weight"] + bits["input"] + moving + accumulator  # clocked by a busy multiplier
    counted_pj = (1 - columns["technology.clock_gated"]) * running * scaling.flip_flop_pj(node_nm, voltage)[0]
    wire = columns["technology.prices.wire.pj_per_bit_mm"]
    hop_pj = (
        wire
        * noc.hop_pj_per_bit(area_um2 / PLACED, node_nm, voltage)
        * (moving + sum_moves * bits["accumulator"])
    )
    return arithmetic.MacCost(
        energy_pj=mac.energy_pj + clocked.energy_pj - counted_pj + hop_pj,
        area_um2=area_um2,
        leakage_w=mac.leakage_w + held.leakage_w,
    )


def reported_logic(columns: Columns, bits: Bits, node_nm: Floats, voltage: Floats) -> Logic:
    """Cost of the reported modules, from their node and voltage to the machine's.

    `columns` carry the modules' sums by what they belong to (see `packing.module_leaves`).
    """
    node, volts = columns["modules.node_nm"], columns["modules.voltage"]
    energy = scaling.logic_energy(node, node_nm, volts, voltage)
    shrink = technology.scale_area(node, node_nm)
    leak = shrink * voltage / volts
    wider = reported_widths(columns, bits)
    parts = {}
    busy_pj = np.zeros_like(node_nm)
    for (owner, condition), count in reported_numbers(columns, wider).items():
        under = f"modules.{owner}.{condition}"
        area, leakage = columns[f"{under}.area_um2"], columns[f"{under}.leakage_w"]
        parts[f"modules of a {owner}, {condition}"] = _part(count, area * shrink, leakage * leak)
        busy_pj = busy_pj + count * columns[f"{under}.busy_pj"] * energy
    return Logic(
        mac_pj=columns["modules.mac_pj"] * energy * wider.energy_pj,
        vector_pj=columns["modules.vector_pj"] * energy,
        busy_pj=busy_pj,
        front_end_pj=busy_pj,
        result_pj=np.zeros_like(node_nm),
        clock_w=np.zeros_like(node_nm),  # in the reported figures
        parts=parts,
    )


def reported_widths(columns: Columns, bits: Bits) -> arithmetic.MacCost:
    """Cost of a multiply-accumulate at the machine's widths over that at the reported ones."""
    reported = columns["modules.bits"]
    known = reported > 0
    width = np.where(known, reported, 1.0)
    node, volts = columns["modules.node_nm"], columns["modules.voltage"]
    number_format = columns["datapath.number_format"].astype(np.int64)
    widths = {name: np.where(known, bits[name], 1.0) for name in ("weight", "input", "accumulator")}
    asked = arithmetic.mac(
        widths["weight"],
        widths["input"],
        widths["accumulator"],
        node,
        volts,
        number_format=number_format,
    )
    model = arithmetic.mac(width, width, width, node, volts, number_format=number_format)
    return arithmetic.MacCost(*(np.where(known, a / b, 1.0) for a, b in zip(asked, model, strict=True)))


def reported_numbers(columns: Columns, wider: arithmetic.MacCost) -> dict[tuple[str, str], Floats]:
    """How many of what reported modules belong to there are, by owner and condition, for their area."""
    multipliers = columns["array.rows"] * columns["array.cols"]
    owners = {
        "lane": multipliers / columns["lane_width"],
        "pe": columns["pes"],
        "chip": np.ones_like(multipliers),
        "multiplier": multipliers,
    }
    names = [f"sparsity.{operand}" for operand in ("weight", "input", "output")]
    zeros: Floats = np.zeros(multipliers.shape)
    for name in names:
        for field in ("mode", "format"):
            zeros = np.where(columns[f"{name}.{field}"] > 0, 1.0, zeros)
    reported = np.maximum(columns["modules.positions"], 1.0)
    positions = columns["sparsity.front_end_positions_per_cycle"]
    conditions: dict[str, Floats | float] = {
        "always": 1.0,
        "zeros": zeros,
        "positions": zeros * np.maximum(positions / reported, 1.0),
        "widths": wider.area_um2,
    }
    return {(owner, condition): owners[owner] * conditions[condition] for owner, condition in DRIVERS}


class Memory(NamedTuple):
    """An on-chip buffer."""

    port_bits: Floats  # infinite where the array gets all it asks for
    read_pj_per_byte: Floats
    write_pj_per_byte: Floats
    leakage_w: Floats
    area_mm2: Floats


def buffers(columns: Columns, bits: Bits, node_nm: Floats, voltage: Floats) -> dict[str, Memory]:
    """Ports, energies, leakage and area of the five buffers.

    A port left at 0 bits is as wide as the banks that are reported, one access a bank and cycle; where none
    are, as the array edge it feeds: one operand a row or column and cycle of a systolic array, every distinct
    operand of a step of an unrolled one; the output buffer reads and writes a partial sum per column and
    cycle. Without reported banks an array that skips zeros gets what it asks for in a cycle, which may be
    more; a roofline does in any case.
    """
    edges = _edges(columns, bits)
    skips = np.maximum(columns["sparsity.weight.mode"], columns["sparsity.input.mode"]) == SKIP
    ideal = columns["array.interconnect"] == IDEAL
    found = {}
    for name, edge in edges.items():
        asked = columns[f"buffers.{name}.port_bits"]
        width = np.where(asked > 0, asked, edge)
        reported = columns[f"buffers.{name}.reported.width_bits"]
        banked = columns[f"buffers.{name}.reported.port_bits"]
        given = np.where(banked > 0, banked, np.where(skips, np.inf, edge))
        cost = sram.sram(
            columns[f"buffers.{name}.bytes"],
            np.where(reported > 0, reported, width),
            node_nm,
            voltage=voltage,
            device=columns["technology.device"].astype(np.int64),
        )
        own = {
            quantity: columns[f"technology.prices.sram.{quantity}"]
            * columns[f"buffers.{name}.reported.{quantity.split('_')[0]}"]
            for quantity in QUANTITIES["sram"]
        }
        found[name] = Memory(
            port_bits=np.where(asked > 0, asked, np.where(ideal, np.inf, given)),
            read_pj_per_byte=cost.read_pj_per_byte * own["read_pj"],
            write_pj_per_byte=cost.write_pj_per_byte * own["write_pj"],
            leakage_w=cost.leakage_w * own["leakage_w"],
            area_mm2=cost.area_mm2 * own["area_mm2"],
        )
    return found


def _edges(columns: Columns, bits: Bits) -> dict[str, Floats]:
    """Bits a cycle that an array's edge takes from each buffer."""
    rows, cols = columns["array.rows"], columns["array.cols"]
    transposed = columns["array.dataflow"] == Dataflow.INPUT_STATIONARY
    weights = np.where(transposed, rows, cols)
    inputs = np.where(transposed, cols, rows)
    side = {name: columns[f"array.unroll.{name}"] for name in "nkcpqrs"}
    derived = columns["array.interconnect"] % 2 == 1  # unrolled and cartesian
    cartesian = columns["array.interconnect"] == CARTESIAN
    taps = side["c"] * side["r"] * side["s"]
    plane = (side["p"] + side["r"] - 1) * (side["q"] + side["s"] - 1)
    plane = np.where(cartesian, side["p"] * side["q"], plane)
    weights = np.where(derived, side["k"] * taps, weights)
    inputs = np.where(derived, side["n"] * side["c"] * plane, inputs)
    weight_edge, input_edge = weights * bits["weight"], inputs * bits["input"]
    output_edge = 2 * cols * bits["accumulator"]
    return {
        "weight": weight_edge,
        "input": input_edge,
        "output": output_edge,
        "shared": weight_edge + input_edge + output_edge,
        "mask": weights + inputs,
    }
