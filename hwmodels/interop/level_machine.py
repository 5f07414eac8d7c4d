"""An architecture of the loop-nest engine, read from a file with its prices, as a machine like any other."""

import re
from collections.abc import Mapping
from dataclasses import replace
from math import ceil, inf
from types import MappingProxyType

from hwmodels.components.main_memory import MainMemory
from hwmodels.level import LETTERS, Level, MacPrices, Prices
from hwmodels.level_sparsity import NO_MAC_ZEROS, LevelSparsity, MacSparsity
from hwmodels.levels import LevelMachine
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.rules import Rules
from hwmodels.parts import OPERANDS, Datapath
from workloads.values import ForeignFileError

LONGEST_NAME = 100


def level_machine(
    architecture: Architecture,
    constraints: Constraints,
    *,
    rules: Rules,
    where: str,
    source: str,
    assumptions: tuple[str, ...] = (),
    sparsity: Mapping[str, LevelSparsity] = MappingProxyType({}),
    mac_sparsity: MacSparsity = NO_MAC_ZEROS,
) -> LevelMachine:
    """Make a machine whose every price is stated.

    Parameters
    ----------
    architecture, constraints
        Levels with their energies, and what a mapping must obey, in the names of
        `hwmodels.mapping.convolution`.
    rules
        Switches of the engine: the tool's own.
    where
        The file, for messages.
    source, assumptions
        Where the figures come from, and what is assumed beyond that.
    sparsity, mac_sparsity
        What levels, by name, and the MACs do about zeros.

    Raises
    ------
    ForeignFileError
        If there is one level only, or a name or a figure is none of a machine's.

    """
    names = {level.name: _word(level.name) for level in architecture.levels}
    outermost = architecture.levels[-1]
    word_bits = outermost.word_bits
    try:
        return LevelMachine(
            name=architecture.name[:LONGEST_NAME],
            levels=(
                *(
                    replace(
                        _level(level, names[level.name]), sparsity=sparsity.get(level.name, LevelSparsity())
                    )
                    for level in architecture.levels[:-1]
                ),
                replace(
                    _main_memory_level(architecture, names[outermost.name]),
                    sparsity=sparsity.get(outermost.name, LevelSparsity()),
                ),
            ),
            sparsity=mac_sparsity,
            main_memory=_main_memory(architecture, where),
            clock_hz=architecture.clock_hz,
            datapath=Datapath(
                weight_bits=word_bits,
                input_bits=word_bits,
                output_bits=word_bits,
                accumulator_bits=max(level.word_bits for level in architecture.levels),
            ),
            mapspace=replace(
                constraints,
                levels=tuple(replace(entry, level=names[entry.level]) for entry in constraints.levels),
            ),
            rules=rules,
            mac=MacPrices(
                energy_pj=architecture.mac_pj,
                leakage_w=architecture.mac_leakage_w,
                area_um2=architecture.mac_area_um2,
            ),
            source=source,
            assumptions=assumptions,
        )
    except ForeignFileError:
        raise
    except ValueError as error:
        raise ForeignFileError(f"{where}: {error}") from error


def _word(name: str) -> str:
    """A level's name as paths can hold it."""
    word = re.sub(r"\W", "_", name[:LONGEST_NAME])
    return word if word.isidentifier() else f"level_{word}"


def _operands(level: StorageLevel) -> tuple[str, ...]:
    if level.operands is None:
        return OPERANDS
    return tuple(operand for operand in OPERANDS if LETTERS[operand] in level.operands)


def _level(level: StorageLevel, name: str) -> Level:
    held = level.capacity_words < inf
    return Level(
        name=name,
        bytes=ceil(level.capacity_words * level.word_bits / 8) if held else 0,
        operands=_operands(level),
        word_bits=level.word_bits,
        block_words=level.block_words,
        cluster=level.cluster,
        fanout_x=level.fanout_x,
        fanout_y=level.fanout_y,
        read_port_bits=_bits(level.read_words_per_cycle, level),
        write_port_bits=_bits(level.write_words_per_cycle, level),
        shared_port_bits=_bits(level.shared_words_per_cycle, level),
        buffering=level.multiple_buffering,
        overlapped=level.overlapped,
        prices=_prices(level),
    )


def _bits(words: float, level: StorageLevel) -> float:
    return words * level.word_bits if words < inf else 0.0


def _prices(level: StorageLevel) -> Prices:
    return Prices(
        read_pj=level.read_pj,
        fill_pj=level.fill_pj,
        update_pj=level.update_pj,
        leakage_w=level.leakage_w,
        area_mm2=level.area_um2 * 1e-6,
    )


def _main_memory_level(architecture: Architecture, name: str) -> Level:
    """The outermost level; without a port in the file it carries what all MACs together can ask for."""
    level = architecture.levels[-1]
    carried = min(
        level.shared_words_per_cycle,
        level.read_words_per_cycle + level.write_words_per_cycle,
        len(OPERANDS) * architecture.macs,
    )
    return replace(
        _level(level, name),
        kind="main_memory",
        bytes_per_s=carried * level.word_bits / 8 * architecture.clock_hz,
    )


def _main_memory(architecture: Architecture, where: str) -> MainMemory:
    level = architecture.levels[-1]
    bits = level.word_bits * level.block_words
    return MainMemory(
        name=_word(level.name),
        bandwidth_bytes_per_s=_main_memory_level(architecture, "memory").bytes_per_s,
        read_pj_per_bit=level.read_pj / bits,
        write_pj_per_bit=level.fill_pj / bits,
        source=where,
        status="stated",
    )
