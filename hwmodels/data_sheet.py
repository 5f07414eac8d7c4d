"""One accelerator as people read it: a line a part, its area by component, and what is assumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwmodels.array import DIMENSIONS
from hwmodels.parts import OPERANDS
from hwmodels.published import beside
from hwmodels.technology import nominal_voltage
from workloads import inline

if TYPE_CHECKING:
    import pandas

    from hwmodels.levels import LevelMachine
    from hwmodels.spec import Accelerator


def lines(accelerator: Accelerator) -> list[tuple[str, str]]:
    """Name and description of every part, in the order of a data sheet.

    Examples
    --------
    >>> import hwmodels
    >>> dict(lines(hwmodels.load("edge_32x32")))["array"]
    '32 x 32 PEs, systolic, ws, 819.2 GMAC/s at 800 MHz'

    """
    area = accelerator.area_mm2()
    on_tiers = area.groupby("tier")["area_mm2"].sum()
    rows = [
        ("array", _array(accelerator)),
        ("datapath", _datapath(accelerator)),
        ("buffers", _buffers(accelerator)),
        ("main memory", _main_memory(accelerator)),
        ("zeros", _zeros(accelerator)),
        ("process", _process(accelerator)),
        (
            "area",
            ", ".join(f"{value:.4g} mm2 on tier {tier}" for tier, value in on_tiers.items())
            + (" (reported modules)" if accelerator.modules else " (computed)"),
        ),
        *beside(accelerator.name, computed(accelerator)),
        ("source", accelerator.source),
    ]
    return rows + [("assumed", sentence) for sentence in accelerator.assumptions]


def computed(machine: Accelerator | LevelMachine) -> dict[str, float]:
    """Area, power with everything busy (traffic of buffers left out) and peak of a machine, as computed.

    `core_mm2` is the area without the interface of the main memory.
    """
    area = machine.area_mm2()
    return {
        "area_mm2": float(area["area_mm2"].sum()),
        "core_mm2": float(area.loc[area["component"] != "memory interface", "area_mm2"].sum()),
        "power_w": float(machine.power_w()["power_w"].sum()),
        "peak_macs_per_s": machine.peak_macs_per_s,
    }


def text(accelerator: Accelerator) -> str:
    """The data sheet as lines of text."""
    return laid_out(accelerator.name, lines(accelerator))


def page(accelerator: Accelerator) -> str:
    """The data sheet and the area of every component, for a notebook."""
    return laid_out_html(accelerator.name, lines(accelerator), accelerator.area_mm2())


def laid_out(name: str, rows: Sequence[tuple[str, str]]) -> str:
    """A data sheet's rows as lines of text."""
    width = max(len(head) for head, _ in rows)
    return "\n".join([name, *(f"  {head:{width}}  {what}" for head, what in rows)])


def laid_out_html(name: str, rows: Sequence[tuple[str, str]], area: pandas.DataFrame) -> str:
    """A data sheet's rows and the area of every component as HTML."""
    sizes = area.groupby("component", sort=False)["area_mm2"].sum()
    parts = [(str(component), float(size), f"{size:.3g} mm²") for component, size in sizes.items()]
    drawn = inline.bar(parts, f"Area, {float(sizes.sum()):.4g} mm²")
    return inline.table([("machine", name), *rows]) + drawn


def _array(accelerator: Accelerator) -> str:
    array = accelerator.array
    peak = scaled(accelerator.peak_macs_per_s, "MAC/s")
    if array.follows_unroll:
        loops = [(name, getattr(array.unroll, name)) for name in DIMENSIONS]
        unrolled = ", ".join(f"{name} {factor}" for name, factor in loops if factor > 1) or "nothing"
        each = _counted(array.macs_per_cycle // array.pes, "multiplier")
        shape = f"{_counted(array.pes, 'PE')} of {each}, {array.interconnect} over {unrolled}"
    else:
        shape = f"{array.rows} x {array.cols} PEs, {array.interconnect}, {array.dataflow.short}"
    sustained = f", {array.efficiency:.0%} of it sustained" if array.efficiency < 1 else ""
    return f"{shape}, {peak} at {scaled(accelerator.clock_hz, 'Hz')}{sustained}"


def _datapath(accelerator: Accelerator) -> str:
    path = accelerator.datapath
    rounding = "" if path.rounding == "none" else f", {path.rounding} rounding of each {path.rounds}"
    return path.widths + rounding


def _buffers(accelerator: Accelerator) -> str:
    buffers = accelerator.buffers
    named = [(name, getattr(buffers, name).bytes) for name in (*OPERANDS, "shared", "mask")]
    sizes = ", ".join(f"{name} {binary(size)}" for name, size in named if size)
    return sizes + (", double-buffered" if buffers.double_buffered else "")


def _main_memory(accelerator: Accelerator) -> str:
    memory = accelerator.main_memory
    return f"{memory.name}, {scaled(memory.bandwidth_bytes_per_s, 'B/s')} at its peak"


def _zeros(accelerator: Accelerator) -> str:
    operands = [(name, getattr(accelerator.sparsity, name)) for name in OPERANDS]
    told = []
    for name, operand in operands:
        words = {"none": [], "gate": ["gated"], "skip": ["skipped"]}[operand.mode]
        if operand.format != "dense":
            words = [*words, f"stored as {operand.format}"]
        if words:
            told.append(f"{name}s {' and '.join(words)}")
    return "; ".join(told) or "treated like any number"


def _process(accelerator: Accelerator) -> str:
    process = accelerator.technology
    volts = process.voltage or nominal_voltage(process.node_nm)
    low_power = ", low operating power" if process.device == "lop" else ""
    return f"{process.node_nm:g} nm{low_power}, {volts:.3g} V, {accelerator.stacking.style}"


def _counted(number: int, name: str) -> str:
    return f"{number:,} {name}" + ("s" if number != 1 else "")


def scaled(value: float, unit: str) -> str:
    """A value with its decimal prefix and unit."""
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.4g} {prefix}{unit}"
    return f"{value:.4g} {unit}"


def binary(size: int) -> str:
    """Bytes with their binary prefix."""
    for factor, prefix in ((1 << 20, "Mi"), (1 << 10, "Ki")):
        if size >= factor:
            return f"{size / factor:.4g} {prefix}B"
    return f"{size} B"
