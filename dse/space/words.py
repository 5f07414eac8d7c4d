"""A design in a few words."""

from typing import Any, Final

from dse.space.space import Space
from workloads.grammar.quantities import binary_bytes, dimension_of, show

_OPERANDS: Final = ("weight", "input", "output")


def design_cells(space: Space, design: Any) -> list[tuple[str, str]]:
    """Say in a few words what distinguishes a design: its values on the space's axes.

    Parameters
    ----------
    space
        The space, for its axes.
    design
        Field -> value.

    Returns
    -------
    list of (head, text)
        Array with its dataflow, buffers (weight + input + output), then the other axes in their order: a
        linked axis that moves more than quantities under its own name, otherwise field by field.

    Examples
    --------
    >>> space = Space("edge_16x16", {"array.rows": [8], "array.cols": [4], "buffers.input.bytes": [65536]})
    >>> design_cells(space, space.configuration(0))
    [('array', '8×4'), ('input', '64 KiB')]

    """
    fields = space.fields
    cells = []
    said = set()
    if {"array.rows", "array.cols"} <= set(fields):
        flow = f" {str(design['array.dataflow']).upper()}" if "array.dataflow" in fields else ""
        rows, cols = (
            int(design[name]) for name in ("array.rows", "array.cols")
        )  # a row of a frame has floats
        cells.append(("array", f"{rows}×{cols}{flow}"))
        said = {"array.rows", "array.cols", "array.dataflow"}
    if {f"buffers.{name}.bytes" for name in _OPERANDS} <= set(fields):
        sizes = [binary_bytes(float(design[f"buffers.{name}.bytes"])) for name in _OPERANDS]
        if len({size.split()[1] for size in sizes}) == 1:
            sizes[:2] = [size.split()[0] for size in sizes[:2]]
        cells.append(("W+I+O buffers", "+".join(sizes)))
        said |= {f"buffers.{name}.bytes" for name in _OPERANDS}
    for axis in space.axes:
        rest = [field for field in axis.fields if field not in said]
        if len(rest) > 1 and not all(dimension_of(field) for field in rest):
            labels = tuple(design[field] for field in axis.fields)
            cells.append((axis.name.replace("_", " "), axis.show(axis.labels.index(labels))))
            continue
        for field in rest:
            value = show(field, design[field])
            cells.append((_head(field), value.upper() if field == "main_memory" else value))
    return cells


def _head(field: str) -> str:
    """A field's name as a heading.

    >>> _head("buffers.shared.bytes"), _head("clock_hz"), _head("datapath.weight_bits")
    ('shared', 'clock', 'weight bits')

    """
    parts = field.removeprefix("main_").split(".")
    last = parts[-2] if parts[-1] == "bytes" and len(parts) > 1 else parts[-1]
    return last.removesuffix("_hz").removesuffix("_bytes_per_s").replace("_", " ")


def axis_title(name: str) -> str:
    """An axis' name in words.

    Examples
    --------
    >>> axis_title("array.rows"), axis_title("buffers.weight.bytes"), axis_title("datapath.weight_bits")
    ('array rows', 'weight buffer', 'weight bits')
    >>> axis_title("clock_hz"), axis_title("main_memory.bandwidth_bytes_per_s"), axis_title("operating_point")
    ('clock', 'main memory bandwidth', 'operating point')

    """
    parts = name.removeprefix("datapath.").removeprefix("technology.").split(".")
    if parts[0] == "buffers":
        parts = [*parts[1:-1], "buffer", *parts[-1:]] if len(parts) > 2 else parts[1:]
        parts = [part for part in parts if part != "bytes"]
    last = parts[-1].removesuffix("_hz").removesuffix("_bytes_per_s").removesuffix("_bytes")
    return " ".join([*parts[:-1], last]).replace("_", " ")
