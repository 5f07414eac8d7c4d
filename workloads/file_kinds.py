"""What a file looks like, by its content: its name says little, and a wrong one deserves a true answer."""

import re
from dataclasses import dataclass
from os import PathLike

from workloads.plain_files import read_plain

SNIFFED = 1 << 16  # bytes at the head of a file that are looked at


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file and what reads it."""

    name: str
    what: str  # "a SCALE-Sim topology"
    reader: str  # how to read it, or why it cannot be read


FORMATS = {
    entry.name: entry
    for entry in (
        Format("onnx", "an ONNX model", "read it with workloads.from_onnx(path)"),
        Format("machine", "a machine file of this project", "hwmodels.load(path) and every command take it"),
        Format("scalesim_topology", "a SCALE-Sim topology", "read it with workloads.from_scalesim(path)"),
        Format("scalesim_cfg", "a SCALE-Sim configuration", "read it with hwmodels.from_scalesim(path)"),
        Format("scalesim_report", "a SCALE-Sim report", "it is a result; give the topology or the .cfg"),
        Format("scalesim_layout", "a SCALE-Sim v3 layout", "no reader takes it; give the topology"),
        Format("zigzag_workload", "a ZigZag workload", "read it with workloads.from_zigzag(path)"),
        Format("zigzag_hardware", "a ZigZag accelerator", "read it with hwmodels.from_zigzag(path)"),
        Format(
            "zigzag_mapping",
            "a ZigZag mapping",
            "give it with the hardware, hwmodels.from_zigzag(path, mapping)",
        ),
        Format("maestro_network", "a MAESTRO network", "read it with workloads.from_maestro(path)"),
        Format("maestro_hardware", "a MAESTRO accelerator", "read it with hwmodels.from_maestro(path)"),
        Format(
            "maestro_dataflow",
            "a MAESTRO dataflow",
            "give it with the hardware, hwmodels.from_maestro(path, mapping)",
        ),
        Format("stream_system", "a Stream system of cores", "read it with hwmodels.from_zigzag(path)"),
        Format(
            "stream_mapping", "a Stream mapping", "no reader takes it; give the system, or one of its cores"
        ),
        Format(
            "accelforge_machine",
            "an AccelForge architecture",
            "no reader takes it; write it as a machine file of this project, hwmodels.load",
        ),
        Format(
            "accelforge_workload",
            "an AccelForge workload",
            "no reader takes it; give the model itself (ONNX, PyTorch), or write a ZigZag workload",
        ),
        Format("timeloop", "a Timeloop file", "read it with hwmodels.from_timeloop(paths)"),
        Format("accelergy", "an Accelergy ERT or ART", "read it with hwmodels.price_table(paths)"),
    )
}
"""Kinds of files by name."""

_PATTERNS = (
    ("scalesim_layout", r"\A[^\n]*layer[^\n,]*,[^\n]*intraline[^\n]*factor"),
    ("scalesim_report", r"\A\s*LayerID\s*,"),
    (
        "scalesim_topology",
        r"\A\s*\"?l(ayer)?([ _]?name)?\"?\s*[,;\t]\s*\"?"
        r"([mnk]\"?\s*[,;\t]\s*\"?[mnk]\"?\s*[,;\t]\s*\"?[mnk]\b"
        r"|(ifmap|filter|channels|num[ _]filter)(?![a-z]))",
    ),
    ("scalesim_topology", r"\A[^\n,]+(,\s*\d+\s*){3,}"),  # its columns have no names
    ("scalesim_cfg", r"^\s*\[\s*architecture_presets\s*\]"),
    ("maestro_network", r"^\s*(network\s+\S+\s*\{|layer\s+\S+\s*\{)"),
    ("maestro_dataflow", r"\A\s*Dataflow\s*\{"),
    ("maestro_hardware", r"^\s*num_pes\s*:"),
    ("stream_system", r"^(core_connectivity|offchip_core_id|core_coordinates)\s*:"),
    ("zigzag_hardware", r"^(memories|operational_array)\s*:"),
    ("zigzag_workload", r"^-?\s*(equation|loop_dims|operator_type)\s*:"),
    ("zigzag_mapping", r"^-?\s*(spatial_mapping(_hint)?|memory_operand_links)\s*:"),
    ("stream_mapping", r"^-?\s*(core_allocation|inter_core_tiling)\s*:"),
    ("accelforge_machine", r"^\s*-\s*!(Memory|Compute|Toll|Fork|Array)\b"),
    ("accelforge_workload", r"^\s*(einsums|tensor_accesses)\s*:"),
    ("accelergy", r"^(ERT|ART|ERT_summary|ART_summary)\s*:"),
    (
        "timeloop",
        r"^(architecture|arch|problem|mapping|mapper|mapspace|components|compound_components|variables"
        r"|(architecture|mapspace)_constraints|sparse_optimizations|shape)\s*:",
    ),
)
_COMMENT = re.compile(r"^\s*(#|//).*$", re.MULTILINE)


def file_kind(path: str | PathLike[str]) -> Format | None:
    """Say what kind of file this is; None where it is none of those known here, or cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "net.txt"
    >>> _ = file.write_text("Layer, M, N, K,\\nfc, 1, 10, 20,\\n")
    >>> file_kind(file).what
    'a SCALE-Sim topology'

    """
    try:
        head = read_plain(path, SNIFFED)
    except OSError:
        return None
    if b"\0" in head or b"\x08" in head[:1]:
        return FORMATS["onnx"] if head[:1] == b"\x08" else None
    text = _COMMENT.sub("", head.decode("utf-8-sig", errors="replace"))
    if re.search(r"^machine\s*:", text, re.MULTILINE):
        return FORMATS["machine"]
    template = b"{{" in head and re.search(
        r"^\s*(architecture|problem|variables)?\s*:?.*\{\{", text, re.MULTILINE
    )
    patterns = [(n, p) for n, p in _PATTERNS if n.startswith("accelforge")] if template else _PATTERNS
    for name, pattern in patterns:
        if re.search(pattern, text, re.IGNORECASE | re.MULTILINE):
            return FORMATS[name]
    return FORMATS["timeloop"] if template else None


def advice(path: str | PathLike[str], *but: str) -> str:
    """A sentence on what a file looks like and how to read it; "" where it is unknown or one of `but`."""
    found = file_kind(path)
    return "" if found is None or found.name in but else f"looks like {found.what}; {found.reader}"
