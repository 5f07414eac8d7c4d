"""Stream's systems: cores in files of their own, of which one computes and one is the main memory."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from workloads.errors import shown
from workloads.values import Value, read_text, read_yaml

CORE = ("name", "type", "memories", "operational_array", "dataflows", "operand_precision", "operator_types")
_SYSTEM = (
    "name", "cores", "core_coordinates", "offchip_core_id", "unit_energy_cost", "core_connectivity",
    "core_memory_sharing",
    "technology_node",
)  # fmt: skip
_COMPUTES = ("compute", "zigzag.compute")
_PRODUCTS = ("Conv", "Gemm", "MatMul", "Einsum")
_LINK = ("type", "cores", "bandwidth", "unit_energy_cost")


def check_computes(core: Value) -> None:
    """Refuse a core that only stores.

    Raises
    ------
    ForeignFileError
        If its `type` says so.

    """
    kind = core.get("type")
    if kind.raw not in _COMPUTES:
        raise kind.fail(
            f"is {shown(kind.raw)}, a core that computes nothing; give the system, or a compute core"
        )


def joined(system: Value) -> tuple[Value, tuple[str, ...]]:
    """The accelerator that a system of one computing core is, and what was left out or taken for granted.

    Its memories are those of that core and, behind them, those of the off-chip core, whose ports are no wider
    than what connects the two.

    Raises
    ------
    ForeignFileError
        If it has no such core, or several: a machine here has one array.

    """
    system.only(_SYSTEM)
    files = {number: value.text() for number, value in _numbered(system.get("cores"))}
    cores = {file: _core(system, file) for file in dict.fromkeys(files.values())}
    main = system.get("offchip_core_id").integer(0)
    if main not in files:
        raise system.get("offchip_core_id").fail(f"is none of the cores {', '.join(map(str, files))}")
    products = [number for number, file in files.items() if number != main and _multiplies(cores[file])]
    if len(products) != 1:
        kinds = ", ".join(dict.fromkeys(files[number] for number in products)) or "none"
        raise system.get("cores").fail(
            f"has {len(products)} cores that compute products ({kinds}); a machine here has one array: give "
            "one core's file"
        )
    core, memory = cores[files[products[0]]], cores[files[main]]
    edges = core.get("operational_array").get("dimensions").raw
    width = _width(system, products[0], main)
    behind = {
        f"{name}_offchip" if name in core.get("memories").raw else name: _behind(value, edges, width)
        for name, value in memory.get("memories").items()
    }
    raw = {
        "name": system.get("name").raw if system.has("name") else "stream",
        "memories": {**core.get("memories").raw, **behind},
        "operational_array": core.get("operational_array").raw,
    }
    idle = len(files) - 2
    said = (f"{idle} other cores are left out: vector work has lanes of its own",) if idle else ()
    return replace(core, raw=raw), (*said, "links between cores limit bandwidth, and cost no energy")


def _numbered(cores: Value) -> list[tuple[int, Value]]:
    found = list(cores.items())
    for number, value in found:
        if not str(number).isdigit():
            raise value.fail(f"must be called by a number, got {shown(number)}")
    return [(int(number), value) for number, value in found]


def _core(system: Value, file: str) -> Value:
    here = Path(system.file).parent
    path = next((one for one in (here / file, here / "cores" / file) if one.is_file()), None)
    if path is None:
        raise system.get("cores").fail(f"names the file {shown(file)}, which is not there")
    core = Value(str(path), "accelerator", read_yaml(str(path), read_text(str(path))))
    core.only(CORE)
    return core


def _multiplies(core: Value) -> bool:
    """Whether a core computes products: it says so of its operators, or says nothing."""
    if core.has("type") and core.raw["type"] not in _COMPUTES:
        return False
    if not core.has("operator_types"):
        return True
    return any(word.text() in _PRODUCTS for word in core.get("operator_types").elements())


def _width(system: Value, one: int, other: int) -> float:
    """Bits a cycle that the widest connection of two cores carries."""
    widths = []
    for link in system.get("core_connectivity").elements():
        link.only(_LINK)
        ends = [end.raw for end in link.get("cores").elements()]
        if one in ends and other in ends:
            widths.append(link.get("bandwidth").number())
    if not widths:
        raise system.get("core_connectivity").fail(f"does not connect the cores {one} and {other}")
    return max(widths)


def _behind(memory: Value, edges: Any, width: float) -> Any:
    """An off-chip memory as the outermost of a core: it serves the whole array, over what connects them."""
    ports = [
        {**port.raw, "bandwidth_max": min(width, port.get("bandwidth_max").number())}
        for port in memory.get("ports").elements()
    ]
    return {**memory.raw, "served_dimensions": edges, "ports": ports}
