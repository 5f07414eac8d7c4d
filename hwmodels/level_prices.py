"""What the parts of a machine of levels cost, from the components that they are made of."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hwmodels.components import arithmetic, on_chip, scaling
from hwmodels.components.leakage import leakage_at
from hwmodels.components.sram import leakage_of_class, sram
from hwmodels.costs import PLACED
from hwmodels.level import LETTERS, Level, MacPrices, Prices, own_prices
from hwmodels.level_clock import level_clock_pj
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.own_macs import AskedMac, own_mac_cost
from hwmodels.own_storage import KINDS, Asked
from hwmodels.parts import NUMBER_FORMATS, OPERANDS

if TYPE_CHECKING:
    from hwmodels.levels import LevelMachine


def architecture_of(machine: "LevelMachine") -> Architecture:
    """A machine for the engine: words, ports in words a cycle, energies of accesses."""
    unit, memory = machine.mac_prices, machine.main_memory
    lanes_mm2 = machine.lanes * machine.lane_prices.area_um2 * 1e-6
    interface_mm2 = memory.interface_mm2 if _pays_interface(machine) else 0.0
    more = {"vector lanes": lanes_mm2, "memory interface": interface_mm2}
    return Architecture(
        name=machine.name,
        levels=tuple(
            storage_of(machine, level, count)
            for level, count in zip(machine.levels, _instances(machine), strict=True)
        ),
        macs=machine.macs,
        clock_hz=machine.clock_hz,
        mac_pj=unit.energy_pj,
        mac_leakage_w=unit.leakage_w,
        mac_area_um2=unit.area_um2,
        clock_w=machine.clock_w,
        others_w=machine.lanes * machine.lane_prices.leakage_w
        + machine.main_memory.background_w
        + machine.main_memory.refresh_w,
        components=(*machine.components, *((name, area) for name, area in more.items() if area)),
    )


def storage_of(machine: "LevelMachine", level: Level, instances: int) -> StorageLevel:
    """A level for the engine, of which there are so many instances."""
    bits = machine.word_bits(level)
    held = frozenset(LETTERS[operand] for operand in level.operands)
    prices, ports = level_prices_of(machine, level), _ports(machine, level, bits)
    return StorageLevel(
        name=level.name,
        capacity_words=level.bytes * 8 // bits if level.bytes else math.inf,
        word_bits=bits,
        block_words=level.block_words,
        cluster=level.cluster,
        instances=instances,
        fanout_x=level.fanout_x,
        fanout_y=level.fanout_y,
        multiple_buffering=level.buffering,
        read_words_per_cycle=ports[0],
        write_words_per_cycle=ports[1],
        shared_words_per_cycle=ports[2],
        overlapped=level.overlapped,
        operands=None if len(held) == len(OPERANDS) else held,
        read_pj=prices.read_pj,
        fill_pj=prices.fill_pj,
        update_pj=prices.update_pj,
        leakage_w=prices.leakage_w,
        area_um2=prices.area_mm2 * 1e6,
    )


def mac_prices_of(machine: "LevelMachine") -> MacPrices:
    """Energy, leakage and area of one MAC: as stated, else of its components."""
    if machine.mac is not None:
        return machine.mac
    path = machine.datapath
    if path.mac_unit:
        asked = AskedMac(
            path.weight_bits,
            path.input_bits,
            path.accumulator_bits,
            path.number_format,
            machine.technology.node_nm,
            machine.voltage,
        )
        unit = own_mac_cost(path.mac_unit, asked)
        own = dict.fromkeys(machine.technology.price_factors, 1.0)
        return _mac_prices(machine, unit, own)
    unit = arithmetic.mac(
        path.weight_bits,
        path.input_bits,
        path.accumulator_bits,
        machine.technology.node_nm,
        machine.voltage,
        number_format=NUMBER_FORMATS[path.number_format],
    )
    return _mac_prices(machine, unit, machine.technology.price_factors)


def _mac_prices(machine: "LevelMachine", unit: arithmetic.MacCost, own: Mapping[str, float]) -> MacPrices:
    """Prices of a MAC of a unit's cost and the factors of a price table."""
    return MacPrices(
        energy_pj=own["mac.energy_pj"] * float(unit.energy_pj)
        - _counted_pj(machine, machine.datapath.weight_bits + machine.datapath.input_bits),
        leakage_w=own["mac.leakage_w"] * float(unit.leakage_w) * _leakage(machine)[1],
        area_um2=own["mac.area_um2"] * float(unit.area_um2) / PLACED,
    )


def lane_prices_of(machine: "LevelMachine") -> MacPrices:
    """Energy of a vector operation, leakage and area of a lane; nothing where a MAC states its own.

    A machine whose prices are stated has its lanes among them, or leaves them out.
    """
    if machine.mac is not None:
        return MacPrices(energy_pj=0.0)
    lane = arithmetic.vector_op(
        machine.datapath.accumulator_bits, machine.technology.node_nm, machine.voltage
    )
    own = machine.technology.price_factors
    return MacPrices(
        energy_pj=own["vector.energy_pj"] * float(lane.energy_pj),
        leakage_w=own["vector.leakage_w"] * float(lane.leakage_w) * _leakage(machine)[1],
        area_um2=own["vector.area_um2"] * float(lane.area_um2) / PLACED,
    )


def clock_w_of(machine: "LevelMachine") -> float:
    """Power of the clock network in every cycle; nothing where a MAC states its own prices."""
    if machine.mac is not None:
        return 0.0
    path, process = machine.datapath, machine.technology
    counted = [not level.off_chip and level.prices is None for level in machine.levels]
    cycle_pj = level_clock_pj(
        np.array(_instances(machine)),
        np.array([level.flip_flops for level in machine.levels]),
        np.array(
            [
                level_prices_of(machine, level).area_mm2 if among else 0.0
                for level, among in zip(machine.levels, counted, strict=True)
            ]
        ),
        (machine.macs, path.weight_bits + path.input_bits, machine.mac_prices.area_um2 * 1e-6),
        (process.node_nm, machine.voltage, process.clock_gated),
    )
    return float(cycle_pj) * machine.clock_hz * 1e-12


def level_prices_of(machine: "LevelMachine", level: Level) -> Prices:
    """Prices of a level: as stated, else of its components."""
    return level.prices or _of_components(machine, level, machine.word_bits(level))


def _leakage(machine: "LevelMachine") -> tuple[float, float]:
    """Leakage over that as priced: of buffers by temperature, of logic by the transistors' class too."""
    process = machine.technology
    warm = float(leakage_at(process.temperature_c, process.node_nm, process.device))
    return warm, warm * float(leakage_of_class(process.device, process.node_nm))


def _counted_pj(machine: "LevelMachine", flip_flops: int) -> float:
    """What the clock of some flip-flops takes in a cycle where it is counted in every cycle already."""
    process = machine.technology
    clock = float(scaling.flip_flop_pj(process.node_nm, machine.voltage)[0])
    return (1 - process.clock_gated) * flip_flops * clock


def _instances(machine: "LevelMachine") -> tuple[int, ...]:
    """Instances of each level."""
    found = [1]
    for level in machine.levels[:0:-1]:
        found.append(found[-1] * level.fanout_x * level.fanout_y)
    return tuple(reversed(found))


def _pays_interface(machine: "LevelMachine") -> bool:
    """Whether PHY and controller are on its die: where a main memory's prices are not stated."""
    return any(level.off_chip and level.prices is None for level in machine.levels)


def _ports(machine: "LevelMachine", level: Level, bits: int) -> tuple[float, float, float]:
    """Words a cycle that are read, written, and both together."""
    asked = (level.read_port_bits, level.write_port_bits, level.shared_port_bits)
    read, write, shared = (port / bits if port else math.inf for port in asked)
    if level.off_chip:
        memory = machine.main_memory
        sustained = memory.bandwidth_bytes_per_s * memory.efficiency
        carried = level.bytes_per_s or sustained
        shared = min(shared, carried * 8 / bits / machine.clock_hz)
        if memory.write_share < 1.0:
            write = min(write, sustained * memory.write_share * 8 / bits / machine.clock_hz)
    elif level.kind in on_chip.KINDS and not level.write_port_bits:
        write = on_chip.write_words_per_cycle(level.kind, level.banks, level.block_words, machine.clock_hz)
    return read, write, shared


def _of_components(machine: "LevelMachine", level: Level, bits: int) -> Prices:
    """Prices of the components that a level is made of."""
    width = bits * level.block_words
    if level.off_chip:
        memory = machine.main_memory
        written = memory.paid_write_pj_per_bit * width
        return Prices(read_pj=memory.paid_read_pj_per_bit * width, fill_pj=written, update_pj=written)
    node, volts = machine.technology.node_nm, machine.voltage
    if level.kind in on_chip.KINDS:
        cells = on_chip.on_chip(level.kind, level.bytes / level.banks, width, node, voltage=volts)
        standing_w = cells.leakage_w * _leakage(machine)[0] + cells.refresh_w
        return Prices(
            read_pj=cells.read_pj,
            fill_pj=cells.write_pj,
            update_pj=cells.write_pj,
            leakage_w=standing_w * level.banks,
            area_mm2=cells.area_mm2 * level.banks,
        )
    if level.kind not in KINDS:
        return own_prices(level.kind, Asked(level.bytes, width, level.banks, node, volts))
    if level.kind == "registers":
        words = level.bytes * 8 // bits
        word = arithmetic.register(bits, node, volts)
        written_pj = float(word.energy_pj) - _counted_pj(machine, bits)
        return Prices(
            fill_pj=written_pj,
            update_pj=written_pj,
            leakage_w=float(word.leakage_w) * _leakage(machine)[1] * words,
            area_mm2=float(word.area_um2) / PLACED * words * 1e-6,
        )
    macro = sram(level.bytes / level.banks, width, node, voltage=volts, device=machine.technology.device)
    share = machine.technology.price_factors
    written_pj = share["sram.write_pj"] * float(macro.write_pj_per_byte) * width / 8
    return Prices(
        read_pj=share["sram.read_pj"] * float(macro.read_pj_per_byte) * width / 8,
        fill_pj=written_pj,
        update_pj=written_pj,
        leakage_w=share["sram.leakage_w"] * float(macro.leakage_w) * level.banks * _leakage(machine)[0],
        area_mm2=share["sram.area_mm2"] * float(macro.area_mm2) * level.banks,
    )
