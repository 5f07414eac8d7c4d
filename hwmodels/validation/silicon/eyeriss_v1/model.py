"""What the model says about a layer: latency, traffic, active PEs; nothing is fitted to a measurement."""

from dataclasses import dataclass

from hwmodels.accounting import Account
from hwmodels.machine import Effort
from hwmodels.machines.eyeriss_v1 import CORE_HZ, IFMAP_PORT, LINK_HZ, LINK_WORDS, PSUM_PORT
from hwmodels.question import Question
from hwmodels.validation.silicon.eyeriss_v1.layers import Layer
from hwmodels.validation.silicon.eyeriss_v1.nest import Piece, machine, pieces, table
from hwmodels.validation.silicon.eyeriss_v1.traffic import (
    WORD_BYTES,
    Words,
    buffer_bytes,
    dram_bytes,
    words_of,
)
from workloads.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A layer in the columns of tables V and VI, of the whole batch."""

    processing_s: float  # DRAM traffic fully overlapped, as the paper defines it
    total_s: float  # ifmaps and ofmaps to and from DRAM exposed, as on the chip
    buffer_bytes: float
    dram_bytes: float
    active_pes: int
    bounds: tuple[str, ...]  # what limits each piece: full strips, then the last one
    words: Words  # by level, operand and action
    account: Account


def run(layer: Layer) -> Figures:
    """Latency and traffic of a layer.

    Parameters
    ----------
    layer
        Shape and row-stationary parameters.

    Returns
    -------
    Figures
        Seconds and bytes of the whole batch.

    Notes
    -----
    - A pass takes the greatest of compute, the psum buses (64 bits each way) and the ifmap bus (16 bits):
      the finite buffer port. That is `dse.evaluate`'s, under the layer's own mapping.
    - Before it, filters load ("it takes time to load data from the GLB into the PE array to ramp up each
      processing pass", section VI-A): its exposed transfer of the filter banks. Then the windows
      of the first column, and at the end the shorter of computing and draining the last column, have
      nothing to overlap with: added here.
    - Total latency adds ifmaps and ofmaps over the 64-bit, 60 MHz link, coded: the chip does not compute
      while it loads or dumps maps (section VI-A). Filters are prefetched.

    """
    parts, chip = pieces(layer), machine(layer)
    given = Effort(given={row: part.mapping for row, part in enumerate(parts)})
    account = Question(table(parts), chip, "latency", given).account()
    costs, limits, bounds = account.operations(), chip.model.limits(chip), chip.model.bounds(chip)
    if costs["limit"].any():
        broken = limits[int(costs["limit"].max())]
        raise InputError(f"{layer.network} {layer.name}: its mapping breaks {broken}")
    processing_s = float(costs["latency_s"].sum()) + sum(edge_cycles(part) for part in parts) / CORE_HZ
    words = words_of(account, chip)
    moved = dram_bytes(layer, words)
    return Figures(
        processing_s=processing_s,
        total_s=processing_s + (moved["input"] + moved["output"]) / (LINK_HZ * LINK_WORDS * WORD_BYTES),
        buffer_bytes=buffer_bytes(layer, words),
        dram_bytes=sum(moved.values()),
        active_pes=layer.kernel * layer.e * layer.r * layer.t,
        bounds=tuple(bounds[int(code)] for code in costs["bound"]),
        words=words,
        account=account,
    )


def edge_cycles(part: Piece) -> float:
    """Cycles at the two edges of all passes of a piece, where one stage has nothing to overlap with."""
    layer = part.layer
    window = layer.ifmap_rows(part.e) * layer.q * layer.r * layer.kernel / IFMAP_PORT
    compute_column = layer.p * layer.q * layer.kernel
    drain_column = layer.p * layer.t * part.e / PSUM_PORT
    return part.passes * (window + min(compute_column, drain_column))
