"""The `architecture`, `ERT` and `ART` sections: a tree of components into storage levels and MACs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from hwmodels.interop.timeloop_prices import (
    MAC_ACTIONS,
    V3,
    V4,
    area_table,
    energy_tables,
    own_level,
    own_mac,
    priced,
)
from hwmodels.interop.timeloop_tree import Component, Tree, folded
from hwmodels.interop.timeloop_v3 import read_subtree
from hwmodels.interop.timeloop_v4 import read_nodes
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.problem import MappingError
from hwmodels.zeros.section import Metadata
from workloads.errors import shown
from workloads.values import Value

DEFAULT_WORD_BITS = 16
GIGAHERTZ = 1e9  # Timeloop counts cycles; where no file says how long one is, it is a nanosecond

_SYNONYMS = {
    "word_bits": ("word-bits", "word_width", "word_bits", "datawidth"),
    "block": ("block-size", "block_size", "n_words"),
    "cluster": ("cluster-size", "cluster_size"),
    "width": ("width", "memory_width", "data_storage_width"),
    "entries": ("entries",),
    "depth": ("depth", "memory_depth", "data_storage_depth"),
    "size_kb": ("sizeKB",),
    "mesh_x": ("meshX",),
    "mesh_y": ("meshY",),
    "instances": ("instances",),
    "read": ("read_bandwidth",),
    "write": ("write_bandwidth",),
    "shared": ("shared_bandwidth", "rw_bandwidth"),
    "half": ("bandwidth",),
    "buffering": ("multiple-buffering", "multiple_buffering"),
    "access_pj": ("vector-access-energy",),
    "metadata_block": ("metadata_block_size",),
    "metadata_bits": ("metadata_datawidth", "metadata_word_bits"),
    "metadata_width": ("metadata_storage_width",),
    "metadata_depth": ("metadata_storage_depth",),
}
# What only the estimators of energy and area read; their answers stand in the ERT and the ART.
_DESCRIPTIVE = (
    "type", "technology", "n_banks", "num-banks", "n_ports", "num-ports", "nports", "update_fifo_depth",
    "latency", "cycle_seconds", "global_cycle_seconds", "voltage", "wire_length",
    "n_rdwr_ports", "n_rd_ports", "n_wr_ports",
    "metadata_n_banks", "datawidth", "width", "length", "pipelined", "num_banks",
    "compression_supported", "decompression_supported", "metadata_counter_width", "n_rw_ports", "num_ports",
    "network_word_bits", "network-word-bits", "has_power_gating", "power_gated_at", "reduction_supported",
    "min_utilization", "allow_overbooking",
)  # fmt: skip
_STORAGE_KEYS = tuple(dict.fromkeys([*(k for keys in _SYNONYMS.values() for k in keys), *_DESCRIPTIVE]))
_COMPUTE_KEYS = (
    "multiplier_width",
    "adder_width",
    "word_bits",
    "meshX",
    "meshY",
    "instances",
    "word-bits",
    "num-stages",
    "num_pipeline_stages",
    *_DESCRIPTIVE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An architecture as a model needs it, and what its files say beside it."""

    architecture: Architecture
    tree: Tree
    metadata: dict[str, Metadata]  # by level
    actions: dict[str, dict[str, float]]  # pJ by component and action
    notes: tuple[str, ...]


def read_tree(sections: Mapping[str, Value], operands: tuple[str, ...], problem: Mapping[str, Any]) -> Tree:
    """Read the components of an `architecture` section of any grammar from v0.1 (`arch`) to v0.4.

    Parameters
    ----------
    sections
        Of the files; `architecture` or `arch`, and `variables`.
    operands, problem
        Names of the problem's operands, and bounds by dimension.

    Raises
    ------
    TimeloopInputError
        If the section does not follow the grammar or uses a key that is not supported.

    """
    section = sections.get("architecture", sections.get("arch"))
    assert section is not None
    if section.has("nodes") and not section.has("subtree"):
        section.only(("version", "nodes", "name"))
        if section.has("version") and str(section.raw["version"]) not in ("0.4", "0.4.0"):
            raise section.get("version").fail(
                f"unknown version {shown(section.raw['version'])}; supported: 0.4"
            )
        known = tuple(dict.fromkeys((*_STORAGE_KEYS, *_COMPUTE_KEYS)))
        return folded(read_nodes(section, sections.get("variables"), operands, known, problem))
    return folded(read_subtree(section, _STORAGE_KEYS, _COMPUTE_KEYS))


def read_machine(tree: Tree, ert: Value | None, art: Value | None, *, built_in_fit: bool = False) -> Machine:
    """Make an architecture of a tree, with energies from the ERT (pJ) and areas from the ART (um2).

    Parameters
    ----------
    tree
        What `read_tree` read.
    ert, art
        Sections of Accelergy's output; without an ERT `hwmodels.components` price every component at its
        technology, and a note says so.
    built_in_fit
        Whether a level whose ERT has no read is priced by Timeloop's built-in fit though there is an
        `access`, as Timeloop 3.0.3 does.

    Raises
    ------
    TimeloopInputError
        If fan-outs do not divide, or energies are missing.

    """
    actions = energy_tables(ert) if ert is not None else {}
    areas = area_table(art) if art is not None else {}
    v4 = ert is not None and ert.has("version") and str(ert.raw["version"])[:4] == "0.4"
    clock_hz = _clock_hz(tree)
    levels, metadata, notes = [], {}, list(tree.notes)
    for index, component in enumerate(tree.storage):
        level, metadata[component.name] = _level(component)
        level = _fanned(level, component, tree.storage[index - 1] if index else tree.compute)
        if ert is None:
            level = own_level(level, component)
        else:
            listed = actions.get(component.name)
            level, note = priced(level, component, listed, V4 if v4 else V3, built_in_fit)
            notes += [note] if note else []
            leak_pj = (listed or {}).get("leak", 0.0) if v4 else 0.0
            if v4 and listed is not None:  # Timeloop 4 reads no metadata that it skips over
                listed.setdefault("skipped_metadata_read", listed.get("gated_metadata_read", 0.0))
            area = areas.get(component.name, 0.0)
            level = replace(level, area_um2=area, leakage_w=leak_pj * 1e-12 * clock_hz)
        levels.append(level)
    compute = tree.compute
    if ert is None:
        mac_pj, mac_area_um2, mac_leakage_w = own_mac(compute)
        notes.append(
            "no ERT was given: energies and areas are those of hwmodels.components at each part's technology"
        )
    else:
        mac_pj = _mac_pj(compute, ert, actions.get(compute.name, {}))
        mac_area_um2 = areas.get(compute.name, 0.0)
        mac_leakage_w = 0.0  # Timeloop counts that of storage only
    try:
        architecture = Architecture(
            name=tree.name,
            levels=tuple(levels),
            macs=compute.instances,
            clock_hz=clock_hz,
            mac_name=compute.name,
            mac_pj=mac_pj,
            mac_area_um2=mac_area_um2,
            mac_leakage_w=mac_leakage_w,
        )
    except MappingError as error:
        raise compute.attributes.fail(str(error)) from error
    return Machine(
        architecture=architecture, tree=tree, metadata=metadata, actions=actions, notes=tuple(notes)
    )


def _clock_hz(tree: Tree) -> float:
    given = tree.compute.attributes.first("global_cycle_seconds", "cycle_seconds")
    seconds = given.number() if given is not None and _is_number(given.raw) else 0.0
    return 1.0 / seconds if seconds > 1e-18 else GIGAHERTZ


def _is_number(raw: object) -> bool:
    try:
        return float(str(raw)[:40]) > 0
    except ValueError:
        return False


def _fanned(level: StorageLevel, component: Component, inner: Component) -> StorageLevel:
    for axis in ("mesh_x", "mesh_y"):
        if getattr(inner, axis) % getattr(component, axis):
            raise component.attributes.fail(
                f"{axis} {getattr(component, axis)} of {component.name} does not divide "
                f"that of {inner.name}, {getattr(inner, axis)}"
            )
    return replace(
        level, fanout_x=inner.mesh_x // component.mesh_x, fanout_y=inner.mesh_y // component.mesh_y
    )


def _mac_pj(compute: Component, ert: Value, actions: Mapping[str, float]) -> float:
    if not actions:
        raise ert.fail(f"no energy of {compute.name}: give an ERT file with a table for it")
    found = [actions[name] for name in MAC_ACTIONS if name in actions]
    if not found:
        raise ert.fail(f"the ERT of {compute.name} has none of the actions {', '.join(MAC_ACTIONS)}")
    return found[0]


def _level(component: Component) -> tuple[StorageLevel, Metadata]:
    attributes = component.attributes

    def number(key: str) -> float | None:
        value = attributes.first(*_SYNONYMS[key])
        return None if value is None else value.number()

    def whole(key: str, default: int) -> int:
        value = attributes.first(*_SYNONYMS[key])
        return default if value is None else value.integer()

    word_bits = whole("word_bits", DEFAULT_WORD_BITS)
    block, cluster = whole("block", 1), whole("cluster", 1)
    width = number("width")
    if width is not None:
        if width % (word_bits * block):
            raise attributes.fail(
                f"{component.name}: width {width:g} is no multiple of {block} words of {word_bits} bits"
            )
        has_block, has_cluster = (attributes.first(*_SYNONYMS[k]) is not None for k in ("block", "cluster"))
        if has_block and has_cluster and block * word_bits * cluster != width:
            raise attributes.fail(
                f"{component.name}: block size x word bits x cluster size differs from width {width:g}"
            )
        if has_cluster:
            block = int(width) // cluster // word_bits
        elif has_block:
            cluster = int(width) // (word_bits * block)
        else:
            block = int(width) // word_bits
    capacity = inf
    entries, depth, size_kb = number("entries"), number("depth"), number("size_kb")
    if entries is not None:
        capacity = entries
    elif depth is not None:
        capacity = depth * block
    elif size_kb is not None:
        capacity = size_kb * 1024 * 8 // word_bits
    half = number("half")
    ports = {key: number(key) for key in ("read", "write", "shared")}
    if half is not None:
        ports["read"] = ports["read"] or half / 2
        ports["write"] = ports["write"] or half / 2
    level = StorageLevel(
        name=component.name,
        capacity_words=capacity or inf,
        word_bits=word_bits,
        block_words=block,
        cluster=cluster,
        instances=component.instances,
        multiple_buffering=number("buffering") or 1.0,
        read_words_per_cycle=ports["read"] or inf,
        write_words_per_cycle=ports["write"] or inf,
        shared_words_per_cycle=ports["shared"] or inf,
    )
    metadata = Metadata(
        bits=int(number("metadata_bits") or 0),
        block_words=whole("metadata_block", 1),
        width_bits=int(number("metadata_width") or 0),
        depth=int(number("metadata_depth") or 0),
    )
    return level, metadata
