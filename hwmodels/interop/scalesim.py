"""SCALE-Sim's configuration files (.cfg, v1 to v3) as accelerators."""

import configparser
import dataclasses
from os import PathLike, fspath

from hwmodels.components.main_memory import MainMemory, main_memory
from hwmodels.spec import (
    Accelerator,
    Array,
    Buffer,
    Buffers,
    Datapath,
    OperandSparsity,
    Sparsity,
    Technology,
)
from workloads.errors import shown
from workloads.file_kinds import advice
from workloads.grammar.arguments import NUMBER, PATH, TEXT, takes
from workloads.values import ForeignFileError, read_text

_PRESETS = "architecture_presets"
_BUFFERS = ("FilterSramSzkB", "IfmapSramSzkB", "OfmapSramSzkB")
_SYNONYMS = {
    "IfmapSramSzkB": ("IfmapSramSz",),
    "FilterSramSzkB": ("FilterSramSz",),
    "OfmapSramSzkB": ("OfmapSramSz",),
}
INTERFACES = 3  # each buffer has an interface of its own to main memory, of the same bandwidth
MOST = 1 << 20


@takes(path=PATH, clock_hz=NUMBER, node_nm=NUMBER, memory=TEXT)
def from_scalesim(
    path: str | PathLike[str], *, clock_hz: float = 1e9, node_nm: float = 22, memory: str = "lpddr4"
) -> Accelerator:
    """Read a SCALE-Sim configuration.

    Parameters
    ----------
    path
        A `.cfg` with the section `architecture_presets`; words are bytes, as SCALE-Sim counts them.
    clock_hz, node_nm, memory
        What the file does not say: the clock, the process, and the main memory whose energies and timing are
        taken. Assumptions of the result.

    Returns
    -------
    Accelerator
        A systolic array with three double buffers. `InterfaceBandwidth: USER` gives main memory the words a
        cycle of the three interfaces together; `CALC`, in which SCALE-Sim asks what it takes not to stall,
        gives it what the whole array can consume. `SparsitySupport: true` skips N:M weights.

    Raises
    ------
    ValueError
        If the file is none, a key is missing, or a value makes no sense; one line with the key.

    """
    name = fspath(path)
    text = read_text(name)
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise _none(name, " ".join(str(error).split())[:160]) from error
    if not parser.has_section(_PRESETS):
        raise _none(name, f"has no section [{_PRESETS}]")
    presets = _Section(name, _PRESETS, parser)
    rows, cols = presets.whole("ArrayHeight"), presets.whole("ArrayWidth")
    flow = presets.word("Dataflow", "ws").lower()
    if flow not in ("os", "ws", "is"):
        raise presets.fail("Dataflow", f"must be os, ws or is, got {shown(flow)}")
    weight, given, output = (Buffer(bytes=presets.whole(key) * 1024) for key in _BUFFERS)
    run = _Section(name, "run_presets", parser)
    mode = run.word("InterfaceBandwidth", "USER" if presets.has("Bandwidth") else "CALC").upper()
    if mode not in ("USER", "CALC"):
        raise run.fail("InterfaceBandwidth", f"must be USER or CALC, got {shown(mode)}")
    if mode == "USER":
        words = INTERFACES * presets.whole("Bandwidth", first=True)
        said = f"main memory moves {words} words of a byte a cycle, {INTERFACES} interfaces together"
    else:
        words = INTERFACES * rows * cols
        said = "bandwidth is calculated so that nothing stalls: main memory moves what the array can consume"
    assumptions = (
        said,
        f"clock {clock_hz:g} Hz, {node_nm:g} nm, energies of {memory}: SCALE-Sim's file does not say",
    )
    return Accelerator(
        name=_Section(name, "general", parser).word("run_name", "scalesim").strip('"')[:200] or "scalesim",
        array=Array(rows=rows, cols=cols, dataflow=flow),  # type: ignore[arg-type]  # parsed by Array
        buffers=Buffers(weight=weight, input=given, output=output),
        main_memory=_memory(memory, words * clock_hz),
        clock_hz=clock_hz,
        datapath=Datapath(),
        sparsity=_sparsity(name, parser),
        technology=Technology(node_nm=node_nm),
        source=f"SCALE-Sim configuration {name}",
        assumptions=assumptions,
    )


def _none(name: str, why: str) -> ForeignFileError:
    other = advice(name, "scalesim_cfg")
    return ForeignFileError(f"{name}: {other}" if other else f"{name}: is no SCALE-Sim configuration ({why})")


def _memory(name: str, bytes_per_s: float) -> MainMemory:
    return dataclasses.replace(main_memory(name), bandwidth_bytes_per_s=bytes_per_s, efficiency=1.0)


def _sparsity(name: str, parser: configparser.ConfigParser) -> Sparsity:
    section = _Section(name, "sparsity", parser)
    if section.word("SparsitySupport", "false").lower() != "true":
        return Sparsity()
    block = section.whole("BlockSize") if section.has("BlockSize") else 4
    weight = OperandSparsity(mode="skip", format="n_m", n=max(1, block // 2), m=block)
    return Sparsity(weight=weight)


@dataclasses.dataclass(frozen=True, slots=True)
class _Section:
    """A section of the file, perhaps absent."""

    file: str
    name: str
    parser: configparser.ConfigParser

    def has(self, key: str) -> bool:
        return self.parser.has_option(self.name, key)

    def word(self, key: str, default: str = "") -> str:
        keys = (key, *_SYNONYMS.get(key, ()))
        return next((self.parser.get(self.name, k).strip() for k in keys if self.has(k)), default)

    def fail(self, key: str, message: str) -> ForeignFileError:
        return ForeignFileError(f"{self.file}: [{self.name}] {key} {message}")

    def whole(self, key: str, *, first: bool = False) -> int:
        word = self.word(key)
        if not word:
            raise self.fail(key, "is missing")
        word = word.split(",")[0].strip() if first else word
        if not word.isascii() or not word.isdigit() or len(word) > 9 or not 1 <= int(word) <= MOST:
            raise self.fail(key, f"must be a whole number from 1 to {MOST:,}, got {shown(word)}")
        return int(word)
