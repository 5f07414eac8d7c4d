"""Energies and areas of Timeloop's components: from Accelergy's ERT and ART, or from our own components."""

import re
from dataclasses import dataclass, replace
from math import inf

from hwmodels.components.arithmetic import mac, register
from hwmodels.components.main_memory import main_memory
from hwmodels.components.sram import sram
from hwmodels.interop.timeloop_tree import Component
from hwmodels.mapping.architecture import StorageLevel
from workloads.values import ForeignFileError, Value

REGISTER_WORDS = 16  # a memory of so few words is flip-flops here, a larger one SRAM
MAC_ACTIONS = ("mac_random", "mult_random", "mac", "mult", "compute")
_NODE = re.compile(r"(\d+(?:\.\d+)?)\s*nm?", re.IGNORECASE)
_DRAM = {"LPDDR4": "lpddr4", "LPDDR": "lpddr4", "DDR3": "ddr3", "HBM2": "hbm2", "HBM": "hbm2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an action of a component costs, and how it may be called."""

    read: tuple[str, ...] = ("random_read", "read")
    fill: tuple[str, ...] = ("random_fill", "write")
    update: tuple[str, ...] = ("random_update", "random_fill", "write")


V3 = Price()
V4 = Price(update=("update", "write"))


def energy_tables(section: Value) -> dict[str, dict[str, float]]:
    """Energy of each action of each component, pJ: the greatest, where an action has several arguments.

    A model of counts does not know the arguments (address and data that stay or change).
    """
    section.only(("version", "tables"))
    tables: dict[str, dict[str, float]] = {}
    for table in section.get("tables").elements():
        table.only(("name", "actions"))
        energies: dict[str, float] = {}
        for action in table.get("actions").elements():
            action.only(("name", "arguments", "energy"))
            name = action.get("name").text()
            energies[name] = max(energies.get(name, 0.0), action.get("energy").number())
        tables[_component_name(table)] = energies
    return tables


def area_table(section: Value) -> dict[str, float]:
    """Area of one instance of each component, um2."""
    section.only(("version", "tables"))
    areas = {}
    for table in section.get("tables").elements():
        table.only(("name", "area"))
        areas[_component_name(table)] = table.get("area").number()
    return areas


def _component_name(table: Value) -> str:
    """Last part of a path such as `system.eyeriss.PE[0..167].mac`."""
    path = re.sub(r"\[[^\]]*\]", "", table.get("name").text())
    return path.rsplit(".", 1)[-1]


def priced(
    level: StorageLevel,
    component: Component,
    actions: dict[str, float] | None,
    price: Price,
    built_in_fit: bool,
) -> tuple[StorageLevel, str]:
    """Give a level its energies, and a note where they are not plainly the table's.

    An access energy among the attributes wins over the table. An action that the table does not list costs
    what its `access` does, else what Timeloop's built-in fit says; with `built_in_fit`, the fit at once, as
    Timeloop 3.0.3 has it.
    """
    own = component.attributes.first("vector-access-energy")
    if own is not None:
        energy = own.number()
        return replace(level, read_pj=energy, fill_pj=energy, update_pj=energy), ""
    if actions is None and component.spreads:
        return level, ""
    if actions is None:
        raise component.attributes.fail(
            f"no energy of {component.name}: give an ERT file with a table for it, or vector-access-energy"
        )
    access = None if built_in_fit else actions.get("access")
    otherwise = built_in_access_pj(level, component.is_dram) if access is None else access

    def energy_of(names: tuple[str, ...]) -> float:
        return next((actions[name] for name in names if name in actions), otherwise)

    level = replace(
        level,
        read_pj=energy_of(price.read),
        fill_pj=energy_of(price.fill),
        update_pj=energy_of(price.update),
    )
    note = ""
    if actions and not set(price.read) & set(actions):
        source = "by Timeloop's built-in fit" if access is None else "which is its price of an access"
        note = (
            f"{component.name}: the ERT lists {', '.join(sorted(actions))} but no read, so accesses cost "
            f"{level.read_pj:.4g} pJ, {source}"
        )
    return level, note


def built_in_access_pj(level: StorageLevel, is_dram: bool) -> float:
    """Energy of an access whose action the ERT does not list, as Timeloop's own estimator has it.

    SRAM: a line through 1 unit at 0.5 KB and 6 units at 100 KB per 16 bits; DRAM: 200 units per 16 bits, one
    unit taken as 1 pJ. Source: Timeloop 3.0.3, pat-public (the relative energies of Chen et al., ISCA 2016).
    """
    bits = level.word_bits * level.block_words * level.cluster
    if is_dram:
        return 200.0 * level.word_bits * level.block_words / 16.0
    if level.capacity_words == inf:
        return 0.0
    rows = -(-level.capacity_words // level.block_words)
    kilobytes = bits * rows / (8 * 1024)
    return ((6.0 - 1.0) / (100.0 - 0.5) * (kilobytes - 0.5) + 1.0) * bits / 16.0 / level.cluster


def node_nm(component: Component) -> float:
    """Technology node of a component, from an attribute such as `technology: 45nm`.

    Raises
    ------
    TimeloopInputError
        If there is none: without an ERT nothing else says what an access costs.

    """
    given = component.attributes.raw.get("technology")
    found = _NODE.fullmatch(str(given).strip()) if isinstance(given, (str, int, float)) else None
    if found is None or not 0 < float(found[1]) < 1000:
        raise component.attributes.fail(
            f"no energy of {component.name}: give an ERT file with a table for it, or a technology such as "
            "45nm, for prices of hwmodels.components"
        )
    return float(found[1])


def own_level(level: StorageLevel, component: Component) -> StorageLevel:
    """Price a level by `hwmodels.components`: DRAM by its type, few words as flip-flops, the rest as SRAM."""
    if component.spreads:
        return level
    bits = level.word_bits * level.block_words
    if component.is_dram or level.capacity_words == inf:
        kind = str(component.attributes.raw.get("type", "LPDDR4")).upper()
        memory = main_memory(_DRAM.get(kind, "lpddr4"))
        return replace(
            level,
            read_pj=memory.read_pj_per_bit * bits,
            fill_pj=memory.write_pj_per_bit * bits,
            update_pj=memory.write_pj_per_bit * bits,
        )
    node = node_nm(component)
    try:
        if level.capacity_words <= REGISTER_WORDS * level.block_words:
            word = register(bits, node)
            rows = level.capacity_words / level.block_words
            return replace(
                level,
                fill_pj=float(word.energy_pj),
                update_pj=float(word.energy_pj),
                leakage_w=float(word.leakage_w) * rows,
                area_um2=float(word.area_um2) * rows,
            )
        cost = sram(level.capacity_words * level.word_bits / 8, bits, node)
    except ValueError as error:
        raise component.attributes.fail(f"{component.name}: {error}") from error
    written = float(cost.write_pj_per_byte) * bits / 8
    return replace(
        level,
        read_pj=float(cost.read_pj_per_byte) * bits / 8,
        fill_pj=written,
        update_pj=written,
        leakage_w=float(cost.leakage_w),
        area_um2=float(cost.area_mm2) * 1e6,
    )


def own_mac(component: Component) -> tuple[float, float, float]:
    """Energy (pJ), area (um2) and leakage (W) of a multiply-accumulate by `hwmodels.components`."""

    def bits(*names: str, default: int) -> int:
        given = component.attributes.first(*names)
        return default if given is None else given.integer(most=128)

    width = bits("multiplier_width", "datawidth", "word-bits", "word_bits", "width", default=16)
    try:
        cost = mac(width, width, bits("adder_width", default=2 * width), node_nm(component))
    except ForeignFileError:
        raise
    except ValueError as error:
        raise component.attributes.fail(f"{component.name}: {error}") from error
    return float(cost.energy_pj), float(cost.area_um2), float(cost.leakage_w)
