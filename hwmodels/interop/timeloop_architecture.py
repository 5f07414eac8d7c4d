"""The `architecture`, `ERT` and `ART` sections: a tree of components into storage levels and MACs."""

import re
from dataclasses import dataclass, replace
from math import inf

from hwmodels.interop.timeloop_files import Value
from hwmodels.mapping.architecture import Architecture, StorageLevel

STORAGE_WORDS = ("DRAM", "SRAM", "regfile", "smartbuffer", "storage")  # in a class name: it stores
COMPUTE_WORDS = ("mac", "compute")  # in a class name: it computes
NETWORK_WORDS = ("XY_NoC", "Legacy", "ReductionTree", "SimpleMulticast")
DEFAULT_WORD_BITS = 16

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
    "shared": ("shared_bandwidth",),
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
    "compression_supported", "decompression_supported", "metadata_counter_width",
)  # fmt: skip
_STORAGE_KEYS = tuple(dict.fromkeys([*(k for keys in _SYNONYMS.values() for k in keys), *_DESCRIPTIVE]))
_COMPUTE_KEYS = (
    "meshX",
    "meshY",
    "instances",
    "word-bits",
    "num-stages",
    "num_pipeline_stages",
    *_DESCRIPTIVE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a level can hold of compression metadata."""

    bits: int = 0  # of one metadata word; 0 where the formats say
    block_words: int = 1
    width_bits: int = 0  # of one access; 0: metadata is not counted
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A storage or compute component of the tree."""

    name: str
    instances: int
    mesh_x: int
    mesh_y: int
    attributes: Value
    is_dram: bool


def read_architecture(
    section: Value, ert: Value | None, art: Value | None
) -> tuple[Architecture, dict[str, Metadata], dict[str, dict[str, float]], tuple[str, ...]]:
    """Read the tree, with energies from the ERT (pJ an action) and areas from the ART (um2 an instance).

    Returns
    -------
    architecture : Architecture
        Levels innermost first. Clock: Timeloop counts cycles only, so 1 GHz.
    metadata : dict
        Metadata storage of each level.
    actions : dict
        For each component the greatest energy of each action, in pJ.
    notes : tuple of str
        One line for each level whose reads or writes the ERT does not price (`built_in_access_pj` does).

    Raises
    ------
    TimeloopInputError
        If the section does not follow the grammar or uses a key that is not supported.

    """
    storage, compute = _walk(section)
    actions = _tables(ert, "actions") if ert is not None else {}
    areas = _areas(art) if art is not None else {}
    levels = []
    metadata = {}
    notes = []
    for index, component in enumerate(storage):
        inner = storage[index - 1] if index else compute
        level, metadata[component.name] = _level(component)
        for axis in ("mesh_x", "mesh_y"):
            if getattr(inner, axis) % getattr(component, axis):
                raise component.attributes.fail(
                    f"{axis} {getattr(component, axis)} of {component.name} does not divide "
                    f"that of {inner.name}, {getattr(inner, axis)}"
                )
        level = replace(
            level, fanout_x=inner.mesh_x // component.mesh_x, fanout_y=inner.mesh_y // component.mesh_y
        )
        levels.append(_priced(level, component, actions.get(component.name), areas.get(component.name, 0.0)))
        listed = actions.get(component.name, {})
        if (
            listed
            and not {"read", "random_read"} & set(listed)
            and not component.attributes.has("vector-access-energy")
        ):
            notes.append(
                f"{component.name}: the ERT lists {', '.join(sorted(listed))} but no read, so accesses cost "
                f"{levels[-1].read_pj:.4g} pJ by Timeloop's built-in fit"
            )
    mac = actions.get(compute.name, {})
    if not mac:
        raise section.fail(f"no energy of {compute.name}: give an ERT file with a table for it")
    found = [mac[a] for a in ("mac_random", "mult_random", "mac", "mult", "compute") if a in mac]
    if not found:
        raise section.fail(
            f"the ERT of {compute.name} has none of the actions mac_random, mult_random, mac, mult, compute"
        )
    architecture = Architecture(
        name=section.get("subtree").elements()[0].get("name").text(),
        levels=tuple(levels),
        macs=compute.instances,
        mac_name=compute.name,
        mac_pj=found[0],
        mac_area_um2=areas.get(compute.name, 0.0),
    )
    return architecture, metadata, actions, tuple(notes)


def _walk(section: Value) -> tuple[list[Component], Component]:
    """Components of the tree: storage innermost first, and the MACs."""
    section.only(("version", "subtree", "name", "attributes", "local", "nodes"))
    if section.has("version") and str(section.get("version").raw) not in ("0.2", "0.3", "0.4"):
        raise section.get("version").fail(
            f"unknown version {section.raw['version']!r}; supported: 0.2, 0.3, 0.4"
        )
    storage: list[Component] = []
    compute: Component | None = None
    node = section
    copies = 1
    while node.has("subtree"):
        children = node.get("subtree").elements()
        if len(children) != 1:
            raise node.get("subtree").fail(f"needs exactly one subtree at each level, got {len(children)}")
        node = children[0]
        node.only(("name", "attributes", "local", "subtree", "class"))
        copies *= _copies(node.get("name").text())[1]
        here = []
        for entry in node.get("local").elements() if node.has("local") else []:
            entry.only(("name", "class", "subclass", "attributes"))
            kind = entry.get("class").text()
            name, count = _copies(entry.get("name").text())
            # A class is told by the words in it, as Timeloop does.
            if any(word in kind for word in STORAGE_WORDS):
                here.append(_component(entry, name, copies * count, kind, _STORAGE_KEYS))
            elif any(word in kind for word in COMPUTE_WORDS):
                compute = _component(entry, name, copies * count, kind, _COMPUTE_KEYS)
            elif any(word in kind for word in NETWORK_WORDS):
                raise entry.get("class").fail(
                    f"networks are not supported, got {kind!r}; supported classes hold one of "
                    f"{', '.join((*STORAGE_WORDS, *COMPUTE_WORDS))}"
                )
        storage = [*reversed(here), *storage]
    if compute is None or not storage:
        raise section.fail(
            f"needs storage (class {', '.join(STORAGE_WORDS)}) and one of {', '.join(COMPUTE_WORDS)}"
        )
    return storage, compute


def _copies(name: str) -> tuple[str, int]:
    """Split `PE[0..167]` into its name and its number."""
    match = re.fullmatch(r"([^\[\s]+)\s*(?:\[\s*(\d+)\s*\.\.\s*(\d+)\s*\])?", name.strip())
    if match is None:
        return name, 1
    return match[1], int(match[3]) - int(match[2]) + 1 if match[2] else 1


def _component(entry: Value, name: str, instances: int, kind: str, supported: tuple[str, ...]) -> Component:
    attributes = (
        entry.get("attributes") if entry.has("attributes") else Value(entry.file, f"{entry.path}.{name}", {})
    )
    attributes.only(supported, "attributes")
    given = attributes.first("instances")
    if given is not None:
        instances = given.integer()
    x, y = attributes.first("meshX"), attributes.first("meshY")
    mesh_x = x.integer() if x is not None else instances // (y.integer() if y is not None else 1)
    if instances % mesh_x or (y is not None and mesh_x * y.integer() != instances):
        raise attributes.fail(f"{name}: meshX and meshY do not multiply to its {instances} instances")
    technology = attributes.raw.get("technology")
    return Component(
        name=name,
        instances=instances,
        mesh_x=mesh_x,
        mesh_y=instances // mesh_x,
        attributes=attributes,
        is_dram="DRAM" in kind or technology == "DRAM",
    )


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


def _priced(
    level: StorageLevel, component: Component, actions: dict[str, float] | None, area_um2: float
) -> StorageLevel:
    """Give a level its energies; an access energy among the attributes wins over the table."""
    own = component.attributes.first(*_SYNONYMS["access_pj"])
    if own is not None:
        energy = own.number()
        return replace(level, read_pj=energy, fill_pj=energy, update_pj=energy, area_um2=area_um2)
    if actions is None:
        raise component.attributes.fail(
            f"no energy of {component.name}: give an ERT file with a table for it, or vector-access-energy"
        )

    def energy_of(*names: str) -> float:
        return next(
            (actions[name] for name in names if name in actions), built_in_access_pj(level, component.is_dram)
        )

    return replace(
        level,
        read_pj=energy_of("random_read", "read"),
        fill_pj=energy_of("random_fill", "write"),
        update_pj=energy_of("random_update", "random_fill", "write"),
        area_um2=area_um2,
    )


def built_in_access_pj(level: StorageLevel, is_dram: bool) -> float:
    """Energy of an access whose action the ERT does not list, as Timeloop's own estimator has it.

    SRAM: a line through 1 unit at 0.5 KB and 6 units at 100 KB per 16 bits; DRAM: 200 units per 16 bits, one
    unit taken as 1 pJ. Source: Timeloop 3.0.3, pat-public (the relative energies of Chen et al., ISCA 2016).
    It is used because Timeloop does: an ERT that lists only `access` for a register leaves reads and writes
    to this fit.
    """
    bits = level.word_bits * level.block_words * level.cluster
    if is_dram:
        return 200.0 * level.word_bits * level.block_words / 16.0
    if level.capacity_words == inf:
        return 0.0
    rows = -(-level.capacity_words // level.block_words)
    kilobytes = bits * rows / (8 * 1024)
    return ((6.0 - 1.0) / (100.0 - 0.5) * (kilobytes - 0.5) + 1.0) * bits / 16.0 / level.cluster


def _tables(section: Value, content: str) -> dict[str, dict[str, float]]:
    """The greatest energy of each action of each component: a model of counts does not know the arguments."""
    section.only(("version", "tables"))
    tables: dict[str, dict[str, float]] = {}
    for table in section.get("tables").elements():
        table.only(("name", content))
        energies: dict[str, float] = {}
        for action in table.get(content).elements():
            action.only(("name", "arguments", "energy"))
            name = action.get("name").text()
            energies[name] = max(energies.get(name, 0.0), action.get("energy").number())
        tables[_component_name(table)] = energies
    return tables


def _areas(section: Value) -> dict[str, float]:
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
