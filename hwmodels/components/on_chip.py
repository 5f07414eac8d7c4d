"""On-chip memories other than SRAM: RRAM, STT-MRAM, PCM, FeFET and gain-cell eDRAM as levels of a machine.

One macro of each is published or simulated (`data/on_chip.csv`, with source and status). Other sizes, widths,
nodes and voltages follow from it by the rules in `on_chip`.
"""

import math
from functools import cache
from typing import Final, NamedTuple

from hwmodels.components.sram import sram
from hwmodels.components.tables import read, unknown

KINDS: Final = ("rram", "stt_mram", "pcm", "fefet", "edram")


class OnChip(NamedTuple):
    """What a macro costs, how long a write keeps it busy, and how long it and its contents last."""

    read_pj: float  # of one access of its width
    write_pj: float
    leakage_w: float
    refresh_w: float
    area_mm2: float
    write_pulse_s: float
    endurance_writes: float  # of a cell
    retention_s: float


@cache
def _macro(kind: str) -> dict[str, float]:
    """Figures of the macro that a kind is known by."""
    if kind not in KINDS:
        raise unknown("on-chip memory", kind, KINDS)
    return {row["field"]: float(row["value"]) for row in read("on_chip") if row["kind"] == kind}


def on_chip(
    kind: str, bytes: float, width_bits: float, node_nm: float, *, voltage: float | None = None
) -> OnChip:
    """Cost of a macro of some kind.

    Parameters
    ----------
    kind
        One of `KINDS`.
    bytes, width_bits
        Capacity and bits of one access, positive.
    node_nm, voltage
        As of `components.sram.sram`.

    Raises
    ------
    ValueError, KeyError
        If the kind is unknown, or a size or the process is refused.

    Notes
    -----
    - A read, leakage and area change from the published macro's capacity, width, node and voltage as an
      SRAM's do: periphery and bit lines are alike (assumed).
    - A write of an NVM is the cells': it is in proportion to its bits and the same at every node. That of
      eDRAM changes as a read does.
    - Refresh reads and writes every word once in `retention_s`, which is the same at every node (assumed) and
      holds at one temperature.

    Examples
    --------
    >>> rram, cells = on_chip("rram", 2 << 20, 64, 22), sram(2 << 20, 64, 22)
    >>> round(rram.write_pj, 2), bool(rram.area_mm2 < cells.area_mm2)
    (49.72, True)

    """
    macro = _macro(kind)
    there = sram(macro["bytes"], macro["width_bits"], macro["node_nm"])
    here = sram(bytes, width_bits, node_nm, voltage=voltage)
    wider = width_bits / macro["width_bits"]
    reading = wider * float(here.read_pj_per_byte / there.read_pj_per_byte)
    words = bytes * 8.0 / width_bits
    read_pj = macro["read_pj"] * reading
    write_pj = macro["write_pj"] * (wider if macro["write_pulse_s"] > 0 else reading)
    lost = math.isfinite(macro["retention_s"])
    return OnChip(
        read_pj=read_pj,
        write_pj=write_pj,
        leakage_w=macro["leakage_w"] * float(here.leakage_w / there.leakage_w),
        refresh_w=words * (read_pj + write_pj) * 1e-12 / macro["retention_s"] if lost else 0.0,
        area_mm2=macro["area_mm2"] * float(here.area_mm2 / there.area_mm2),
        write_pulse_s=macro["write_pulse_s"],
        endurance_writes=macro["endurance_writes"],
        retention_s=macro["retention_s"],
    )


def write_words_per_cycle(kind: str, banks: int, words: int, clock_hz: float) -> float:
    """Words a cycle that banks take, each busy for a pulse with every access of so many words.

    Examples
    --------
    >>> write_words_per_cycle("stt_mram", 4, 8, 500e6), write_words_per_cycle("edram", 1, 8, 500e6)
    (3.2, inf)

    """
    pulse_cycles = _macro(kind)["write_pulse_s"] * clock_hz
    return banks * words / max(1.0, pulse_cycles) if pulse_cycles > 0 else math.inf
