"""How long a main memory, or a non-volatile level on chip, lasts under a result's writes."""

import math
from typing import TYPE_CHECKING, NamedTuple, cast

from hwmodels.components import main_memory, on_chip
from workloads.errors import InputError
from workloads.grammar.arguments import NUMBER, TEXT, having, takes

if TYPE_CHECKING:
    from dse.results.evaluation import Result
    from hwmodels.levels import LevelMachine


class Wear(NamedTuple):
    """How fast a network wears a main memory out, and why the answer is what it is."""

    years: float | None  # None: the endurance is unknown; infinite: it does not wear out
    write_bytes_per_s: float
    reason: str  # a clause: what the years rest on


@takes(
    result=having("what dse.evaluate returned", "accelerator", "operations"),
    wear_levelling=NUMBER,
    level=TEXT.or_none(),
)
def lifetime_years(
    result: "Result", *, wear_levelling: float = 1.0, level: str | None = None
) -> float | None:
    """Years until the main memory, or a level on chip, is worn out by running the network back to back.

    Parameters
    ----------
    result
        What `dse.evaluate` returned: an inference, or a step of training.
    wear_levelling
        Share of the capacity over which writes are evenly spread, in (0, 1]; 1 is ideal (assumed).
    level
        A level of a machine of levels; None is the main memory.

    Returns
    -------
    float or None
        Years of 365.25 days; infinite where nothing wears out, None where the endurance is unknown. `wear`
        gives the reason besides.

    Raises
    ------
    ValueError
        If the accelerator cannot run the network, or an argument is out of range.

    Examples
    --------
    >>> import dse
    >>> lifetime_years(dse.evaluate("mobilenet_v2", "edge_32x32"))  # LPDDR4
    inf

    """
    return wear(result, wear_levelling=wear_levelling, level=level).years


def wear(result: "Result", *, wear_levelling: float = 1.0, level: str | None = None) -> Wear:
    """Lifetime with its reason; arguments and errors as of `lifetime_years`.

    Notes
    -----
    Years = capacity x endurance x share levelled / write traffic, with the traffic of `result.totals`:
    `dram_write_bytes` over `latency_s`; of a level, what fills and updates it in all of its instances. A cell
    is taken to fail after exactly its endurance, and a write to cost nothing but its own bytes.

    Examples
    --------
    >>> import dse
    >>> print(wear(dse.evaluate("mobilenet_v2", "edge_32x32")).reason)
    lpddr4 is volatile and does not wear out

    """
    if not result.feasible:
        where, limit = f"{result.network} on {result.accelerator.name}", result.totals["limit"]
        raise InputError(f"no lifetime of {where}: it breaks {limit}")
    memory = result.accelerator.main_memory
    written = float(result.totals["dram_write_bytes"])
    if level is not None:
        memory, written = _level(result, level)
    traffic = written / float(result.totals["latency_s"])
    found = main_memory.lifetime_years(memory, traffic, wear_levelling=wear_levelling)
    if found is None:
        return Wear(None, traffic, f"the endurance of {memory.name} is unknown")
    if memory.endurance_writes == math.inf:
        kind = "non-volatile" if memory.nonvolatile else "volatile"
        return Wear(math.inf, traffic, f"{memory.name} is {kind} and does not wear out")
    if traffic == 0:
        return Wear(math.inf, traffic, f"nothing is written to {memory.name}")
    return Wear(float(found), traffic, f"{memory.name} survives {memory.endurance_writes:g} writes a cell")


def _level(result: "Result", name: str) -> tuple[main_memory.MainMemory, float]:
    """A level on chip as a memory of all of its instances, and the bytes written to it in a run."""
    machine = cast("LevelMachine", result.accelerator)
    if not hasattr(machine, "levels"):
        raise InputError(f"level: {machine.name} is no machine of levels; leave it out", path="level")
    level = machine.level(name)
    if level.off_chip:
        raise InputError(f"level: {name} is the main memory; leave it out", path="level")
    cells = (
        on_chip.on_chip(level.kind, level.bytes, 64, machine.technology.node_nm)
        if (level.kind in on_chip.KINDS)
        else None
    )
    store = machine.architecture.level(name)
    rows = result.breakdown().reset_index()
    writes = rows[(rows["component"] == name) & rows["action"].isin(["fill", "update"])]["count"].sum()
    memory = main_memory.MainMemory(
        name=f"{level.kind} of {name}",
        bandwidth_bytes_per_s=1.0,
        read_pj_per_bit=0.0,
        write_pj_per_bit=0.0,
        capacity_bytes=float(level.bytes * store.instances),
        endurance_writes=math.inf if cells is None else cells.endurance_writes,
        nonvolatile=cells is not None and cells.retention_s == math.inf,
    )
    return memory, float(writes) * store.block_words * machine.word_bits(level) / 8.0
