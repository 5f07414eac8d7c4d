"""ZigZag's accelerators and mappings (YAML) as machines of the loop-nest engine.

ZigZag gives each operand a hierarchy of its own, and says along which edges of the array a memory is shared.
A machine here is one chain of levels. Where two memories are shared along different edges, the inner one is
described as copies, one for each instance outside, that move together: `StorageLevel.cluster`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, prod
from os import PathLike, fspath

from hwmodels.interop.level_machine import level_machine
from hwmodels.interop.stream_system import CORE, check_computes, joined
from hwmodels.levels import LevelMachine
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import CONVOLUTION, Constraints, Factors, LevelConstraints
from hwmodels.mapping.problem import MappingError
from hwmodels.mapping.rules import Rules
from workloads.errors import shown
from workloads.file_kinds import advice
from workloads.grammar.arguments import NUMBER, PATH, WHOLE, takes
from workloads.values import ForeignFileError, Value, read_text, read_yaml

LOOPS = {"B": "N", "K": "K", "C": "C", "OY": "P", "OX": "Q", "FY": "R", "FX": "S", "G": "G"}
"""ZigZag's names of loops and ours."""
LINKS = {"I1": "I", "I2": "W", "O": "O"}
"""Memory operands and the tensors they hold where no mapping says otherwise."""
_MEMORY = (
    "size", "r_cost", "w_cost", "area", "latency", "mem_type", "auto_cost_extraction", "operands", "ports",
    "served_dimensions", "force_double_buffering",
)  # fmt: skip
_ARRAY = (
    "dimensions", "sizes", "unit_energy", "unit_area", "input_precision", "is_imc", "imc_type",
    "adc_resolution", "bit_serial_precision",
)  # fmt: skip
_LAYER = ("name", "spatial_mapping", "memory_operand_links", "temporal_ordering", "spatial_mapping_hint")
_PORT = ("name", "type", "bandwidth_min", "bandwidth_max", "allocation")
_UNROLL = re.compile(r"\s*(\w+)\s*,\s*(\d{1,9})\s*")


@dataclass(frozen=True, slots=True)
class _Memory:
    """A memory as the file has it."""

    name: str
    value: Value
    operands: tuple[str, ...]
    served: frozenset[str]


@takes(path=PATH, mapping=PATH.or_none(), word_bits=WHOLE, clock_hz=NUMBER)
def from_zigzag(
    path: str | PathLike[str],
    mapping: str | PathLike[str] | None = None,
    *,
    word_bits: int = 8,
    clock_hz: float = 1e9,
) -> LevelMachine:
    """Read a ZigZag accelerator, and perhaps the mapping that says what its array unrolls.

    Parameters
    ----------
    path
        YAML with `memories`, innermost first, and `operational_array`; or a core of Stream, or a system of it
        with one core that computes products, whose main memory is its off-chip core's.
    mapping
        YAML with `spatial_mapping` and `memory_operand_links`; its layer `default` counts.
    word_bits, clock_hz
        What the file does not say: bits of a word (its costs are of one access of a port's width), and the
        clock.

    Returns
    -------
    LevelMachine
        Levels with the file's capacities, ports and costs in pJ, and constraints: each memory keeps its
        operands, and the array unrolls what the mapping lists. Areas have no unit there and are left out.

    Raises
    ------
    ValueError
        If a file is none, a key is unknown, or it computes in memory; one line with the key.

    """
    document, said = _core(path)
    array = document.get("operational_array")
    array.only(_ARRAY)
    if array.has("is_imc") and array.raw["is_imc"]:
        raise array.get("is_imc").fail("computing in memory is not supported")
    edges = _edges(array)
    links, unrolled = (LINKS, None) if mapping is None else _mapping(mapping, edges)
    memories = [_memory(name, value, edges) for name, value in document.get("memories").items()]
    if not memories:
        raise document.get("memories").fail("needs at least one memory")
    levels, constraints = _chain(memories, edges, links, unrolled, word_bits)
    energy = array.first("unit_energy")
    try:
        architecture = Architecture(
            name=document.get("name").text() if document.has("name") else "zigzag",
            levels=tuple(levels),
            macs=prod(edges.values()),
            clock_hz=clock_hz,
            mac_pj=energy.number() if energy is not None else 0.0,
        )
    except MappingError as error:
        raise document.fail(str(error)) from error
    return level_machine(
        architecture,
        Constraints(levels=tuple(constraints)),
        rules=Rules(),
        where=fspath(path),
        source=f"ZigZag accelerator {fspath(path)}",
        assumptions=(
            f"{word_bits}-bit words and {clock_hz:g} Hz: the file does not say",
            "areas are left out: the file gives them no unit",
            *said,
        ),
    )


def _core(path: str | PathLike[str]) -> tuple[Value, tuple[str, ...]]:
    """The accelerator of a file, or the core that a system of Stream computes with; and what to say of it."""
    document = _document(path, "zigzag_hardware", "stream_system")
    if document.has("cores"):
        return joined(document)
    document.only(CORE)
    if not document.has("type"):
        return document, ()
    check_computes(document)
    return document, ("its outermost memory is the main one: a system of Stream has another core for that",)


def _document(path: str | PathLike[str], *kinds: str) -> Value:
    name = fspath(path)
    other = advice(name, *kinds)
    if other:
        raise ForeignFileError(f"{name}: {other}")
    return Value(
        name, "accelerator" if "zigzag_hardware" in kinds else "mapping", read_yaml(name, read_text(name))
    )


def _edges(array: Value) -> dict[str, int]:
    names = [value.text() for value in array.get("dimensions").elements()]
    sizes = [value.integer(most=1 << 20) for value in array.get("sizes").elements()]
    if not names or len(names) != len(sizes) or len(set(names)) != len(names) or len(names) > 8:
        raise array.fail(f"needs one size a dimension, got {len(names)} dimensions and {len(sizes)} sizes")
    if prod(sizes) >= 1 << 31:
        raise array.get("sizes").fail(
            f"makes {prod(sizes):,} multipliers; at most 2,147,483,647 are supported"
        )
    return dict(zip(names, sizes, strict=True))


def _memory(name: str, value: Value, edges: dict[str, int]) -> _Memory:
    value.only(_MEMORY)
    operands = tuple(operand.one_of(tuple(LINKS)) for operand in value.get("operands").elements())
    if not operands:
        raise value.get("operands").fail("needs at least one operand")
    served = frozenset(edge.one_of(tuple(edges)) for edge in value.get("served_dimensions").elements())
    return _Memory(name, value, operands, served)


def _mapping(
    path: str | PathLike[str], edges: dict[str, int]
) -> tuple[dict[str, str], dict[str, list[tuple[str, int]]]]:
    """Tensor of each memory operand, and the loops unrolled along each edge."""
    layers = _document(path, "zigzag_mapping").elements()
    for layer in layers:
        layer.only(_LAYER)
    chosen = next((layer for layer in layers if layer.raw.get("name") == "default"), None)
    if chosen is None:
        raise ForeignFileError(f"{fspath(path)}: mapping: needs a layer called default")
    links = dict(LINKS)
    if chosen.has("memory_operand_links"):
        for tensor, operand in chosen.get("memory_operand_links").items():
            links[operand.one_of(tuple(LINKS))] = {"I": "I", "W": "W", "O": "O"}.get(tensor, tensor)
    for name, tensor in links.items():
        if tensor not in ("W", "I", "O"):
            raise chosen.fail(f"links {name} to {shown(tensor)}; supported tensors: W, I, O")
    unrolled: dict[str, list[tuple[str, int]]] = {}
    given = chosen.get("spatial_mapping") if chosen.has("spatial_mapping") else None
    for edge, loops in given.items() if given is not None else ():
        if edge not in edges:
            raise loops.fail(f"unknown dimension of the array; it has {', '.join(edges)}")
        unrolled[edge] = [_unroll(loop) for loop in loops.elements()]
        if prod(count for _, count in unrolled[edge]) > edges[edge]:
            raise loops.fail(f"unrolls more than the {edges[edge]} multipliers along {edge}")
    return links, unrolled


def _unroll(value: Value) -> tuple[str, int]:
    raw = ", ".join(str(word) for word in value.raw) if isinstance(value.raw, list) else value.raw
    found = _UNROLL.fullmatch(str(raw)[:60])
    if found is None or found[1].upper() not in LOOPS or int(found[2]) < 1:
        raise value.fail(
            f"is no loop and count such as `K, 32`, got {shown(value.raw)}; loops: {', '.join(LOOPS)}"
        )
    return LOOPS[found[1].upper()], int(found[2])


def _chain(
    memories: list[_Memory],
    edges: dict[str, int],
    links: dict[str, str],
    unrolled: dict[str, list[tuple[str, int]]] | None,
    word_bits: int,
) -> tuple[list[StorageLevel], list[LevelConstraints]]:
    """Levels innermost first: each serves what it is shared along, as far as the level outside does too."""
    every = frozenset(edges)
    order = sorted(memories[:-1], key=lambda memory: len(memory.served))  # stable: inner ones stay inside
    order.append(memories[-1])  # main memory, which serves the whole array
    serves = [every]
    for memory in reversed(order[:-1]):
        serves.append(memory.served & serves[-1])
    serves.reverse()
    levels, constraints = [], []
    for index, memory in enumerate(order):
        below = serves[index - 1] if index else frozenset[str]()
        spread = [edge for edge in edges if edge in serves[index] - below]
        copies = prod(edges[edge] for edge in memory.served - serves[index])
        levels.append(_level(memory, edges, serves[index], spread, copies, links, word_bits))
        constraints.append(_constraint(levels[-1], spread, list(edges), unrolled))
    return levels, constraints


def _level(
    memory: _Memory,
    edges: dict[str, int],
    serves: frozenset[str],
    spread: Sequence[str],
    copies: int,
    links: dict[str, str],
    word_bits: int,
) -> StorageLevel:
    value = memory.value
    rates = {"read": 0.0, "write": 0.0, "read_write": 0.0}
    for port in value.get("ports").elements():
        port.only(_PORT)
        rates[port.get("type").one_of(tuple(rates))] += port.get("bandwidth_max").number() / word_bits
    widest = max(rates.values())
    if widest <= 0:
        raise value.get("ports").fail("needs a port with a bandwidth_max of at least 1")
    axes = _axes(list(edges))
    double = value.has("force_double_buffering") and value.raw["force_double_buffering"] is True
    costs = {key: _cost(value, key) for key in ("r_cost", "w_cost")}
    fanout = {axis: prod(edges[e] for e in spread if axes[e] == axis) for axis in "xy"}
    try:
        return StorageLevel(
            name=memory.name,
            capacity_words=max(1, int(value.get("size").number() // word_bits)),
            word_bits=word_bits,
            block_words=max(1, int(widest)),
            cluster=copies,
            instances=prod(edges[edge] for edge in edges if edge not in serves),
            fanout_x=fanout["x"],
            fanout_y=fanout["y"],
            multiple_buffering=2.0 if double else 1.0,
            operands=frozenset(links[operand] for operand in memory.operands),
            read_pj=costs["r_cost"],
            fill_pj=costs["w_cost"],
            update_pj=costs["w_cost"],
            read_words_per_cycle=rates["read"] or inf,
            write_words_per_cycle=rates["write"] or inf,
            shared_words_per_cycle=(rates["read_write"] if not rates["read"] else 0.0) or inf,
        )
    except MappingError as error:
        raise value.fail(str(error)) from error


def _cost(value: Value, key: str) -> float:
    """Energy of an access, pJ; ZigZag can also ask CACTI, which is not at hand."""
    if not value.has(key) or value.raw[key] is None:
        raise value.fail(f"needs {key}: costs that ZigZag takes from CACTI are not known here")
    return value.get(key).number()


def _axes(edges: list[str]) -> dict[str, str]:
    """Axis of each edge of the array: every other one along X."""
    return {edge: "xy"[index % 2] for index, edge in enumerate(edges)}


def _constraint(
    level: StorageLevel,
    spread: Sequence[str],
    edges: list[str],
    unrolled: dict[str, list[tuple[str, int]]] | None,
) -> LevelConstraints:
    """What a level keeps, and what the edges of the array below it unroll."""
    keep = frozenset(level.operands or ())
    bypass = frozenset("WIO") - keep
    if unrolled is None or not spread:
        return LevelConstraints(level=level.name, keep=keep, bypass=bypass)
    axes = _axes(edges)
    greatest: dict[str, int] = {}
    along: dict[str, set[str]] = {"x": set(), "y": set()}
    for edge in spread:
        for loop, count in unrolled.get(edge, []):
            greatest[loop] = greatest.get(loop, 1) * count
            along[axes[edge]].add(loop)
    idle = {loop: 1 for loop in CONVOLUTION if loop not in greatest}
    return LevelConstraints(
        level=level.name,
        spatial=Factors(fixed=idle, greatest={k: v for k, v in greatest.items() if k in CONVOLUTION}),
        spatial_x=frozenset(along["x"] & {*CONVOLUTION}),
        spatial_y=frozenset(along["y"] & {*CONVOLUTION}),
        keep=keep,
        bypass=bypass,
    )
