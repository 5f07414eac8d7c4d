"""MAESTRO's hardware files and dataflows (.m) as machines: a private L1, the shared L2, main memory."""

import dataclasses
import re
from collections import Counter
from os import PathLike, fspath

from hwmodels.components.main_memory import main_memory
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import CONVOLUTION, Constraints, LevelConstraints, only
from hwmodels.parts import Technology
from workloads.errors import shown
from workloads.file_kinds import advice
from workloads.grammar.arguments import NUMBER, PATH, TEXT, takes
from workloads.values import ForeignFileError, read_text

_LINE = re.compile(r"\s*(\w+)\s*:\s*([^\s,;]+)\s*[,;]?\s*")
_KEYS = ("num_pes", "l1_size_cstr", "l2_size_cstr", "noc_bw_cstr", "offchip_bw_cstr")
_IGNORED = ("NoC_NumHops", "noc_num_hops")  # a latency of the network, which has no level here
_DATAFLOW = re.compile(r"Dataflow\s*\{([^{}]*)\}")
_DIRECTIVE = re.compile(r"(TemporalMap|SpatialMap|Cluster)\s*\(((?:[^();]|\([^();]*\))*)\)\s*([A-Z]'?)?\s*;")
LOOPS = {"N": "N", "K": "K", "C": "C", "Y": "P", "Y'": "P", "X": "Q", "X'": "Q", "R": "R", "S": "S", "G": "G"}
"""MAESTRO's names of loops and ours; rows and columns of the input stand for those of the output."""
PRODUCT_LOOPS = {"M": "N", "N": "K", "K": "C"}
"""Of a matrix product, (M x K) by (K x N)."""
MOST = 1 << 31
BITS = 8  # of an element; sizes and bandwidths count elements


@takes(path=PATH, mapping=PATH.or_none(), clock_hz=NUMBER, node_nm=NUMBER, memory=TEXT)
def from_maestro(
    path: str | PathLike[str],
    mapping: str | PathLike[str] | None = None,
    *,
    clock_hz: float = 1e9,
    node_nm: float = 22,
    memory: str = "lpddr4",
) -> LevelMachine:
    """Read MAESTRO's hardware file, and perhaps a mapping whose dataflow it runs.

    Parameters
    ----------
    path
        `num_pes`, `l1_size_cstr`, `l2_size_cstr`, `noc_bw_cstr`, `offchip_bw_cstr`, one a line; sizes in
        elements of a byte, bandwidths in elements a cycle.
    mapping
        A network with dataflows: dimensions of `SpatialMap` are those that the PEs spread over. Where layers
        differ, those of most of them count, and an assumption says so. Without one the PEs may spread over
        any.
    clock_hz, node_nm, memory
        What the files do not say: clock, process, and the main memory's energies.

    Returns
    -------
    LevelMachine
        A private L1 a PE, an L2 that feeds them over the network, and main memory behind its bandwidth.
        Tile sizes and loop orders of a dataflow are left to the search.

    Raises
    ------
    ValueError
        If a file is none, or a value is missing or makes no sense; one line.

    """
    name = fspath(path)
    values = _values(name)
    flow = None if mapping is None else _dataflow(fspath(mapping), values["num_pes"])
    cluster = 1 if flow is None else flow.cluster
    pes = values["num_pes"]
    try:
        return LevelMachine(
            name="maestro",
            levels=(
                Level(name="l1", bytes=values["l1_size_cstr"]),
                Level(
                    name="l2",
                    bytes=values["l2_size_cstr"],
                    fanout_x=pes // cluster,
                    fanout_y=cluster,
                    shared_port_bits=values["noc_bw_cstr"] * BITS,
                ),
                Level(name="dram", kind="main_memory", bytes_per_s=values["offchip_bw_cstr"] * clock_hz),
            ),
            main_memory=dataclasses.replace(main_memory(memory), background_w=0.0, refresh_w=0.0),
            clock_hz=clock_hz,
            technology=Technology(node_nm=node_nm),
            mapspace=Constraints() if flow is None else _mapspace(flow),
            source=f"MAESTRO hardware {name}",
            assumptions=(
                f"clock {clock_hz:g} Hz, {node_nm:g} nm, energies of {memory}: MAESTRO's file does not say",
                "tile sizes and loop orders are those of the best mapping, not the dataflow's",
                *(() if flow is None or not flow.said else (flow.said,)),
            ),
        )
    except ValueError as error:
        raise ForeignFileError(f"{name}: {error}") from error


def _text(name: str, *kinds: str) -> str:
    other = advice(name, *kinds)
    if other:
        raise ForeignFileError(f"{name}: {other}")
    return re.sub(r"//[^\n]*", "", read_text(name))


def _values(name: str) -> dict[str, int]:
    values: dict[str, int] = {}
    for number, line in enumerate(_text(name, "maestro_hardware").splitlines(), start=1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        if found is None or found[1] not in (*_KEYS, *_IGNORED):
            raise ForeignFileError(
                f"{name}: line {number}: expected one of {', '.join(_KEYS)}, got {shown(line.strip())}"
            )
        if found[1] in values:
            raise ForeignFileError(f"{name}: line {number}: {found[1]} is given twice")
        digits = found[2]
        if not digits.isascii() or not digits.isdigit() or len(digits) > 10 or not 1 <= int(digits) < MOST:
            raise ForeignFileError(
                f"{name}: line {number}: {found[1]} must be a whole number from 1 to {MOST - 1:,}, "
                f"got {shown(digits)}"
            )
        values[found[1]] = int(digits)
    for key in _KEYS:
        if key not in values:
            raise ForeignFileError(f"{name}: has no {key}")
    return values


@dataclasses.dataclass(frozen=True, slots=True)
class _Flow:
    """What a dataflow spreads: dimensions outside and inside a cluster, and PEs of one; 1 is none."""

    outside: frozenset[str]
    inside: frozenset[str]
    cluster: int
    said: str = ""


def _dataflow(name: str, pes: int) -> _Flow:
    """The dataflow of most layers."""
    flows = Counter(
        _spatial(name, block, pes)
        for block in _DATAFLOW.findall(_text(name, "maestro_network", "maestro_dataflow"))
    )
    if not flows:
        raise ForeignFileError(f"{name}: holds no Dataflow")
    (usual, layers), total = flows.most_common(1)[0], flows.total()
    if layers == total:
        return usual
    return dataclasses.replace(usual, said=f"the dataflow is that of {layers} of {total} layers")


def _spatial(name: str, block: str, pes: int) -> _Flow:
    """What one dataflow spreads; clusters whose size depends on the layer are none here."""
    rest = _DIRECTIVE.sub(" ", block).split()
    if rest:
        raise ForeignFileError(f"{name}: {shown(rest[0])} is no directive of a dataflow")
    directives = _DIRECTIVE.findall(block)
    loops = PRODUCT_LOOPS if any(loop == "M" for _, _, loop in directives) else LOOPS
    spread: tuple[set[str], set[str]] = (set(), set())
    cluster, within = 1, 0
    for kind, sizes, loop in directives:
        if kind == "Cluster":
            size = sizes.split(",")[0].strip()
            number = int(size) if size.isascii() and size.isdigit() and len(size) < 10 else 0
            cluster = number if not within and 1 <= number <= pes and pes % number == 0 else 1
            within = 1
        elif loop not in loops:
            raise ForeignFileError(f"{name}: unknown dimension {shown(loop)}; known: {', '.join(loops)}")
        elif kind == "SpatialMap":
            spread[within].add(loops[loop])
    if cluster == 1:
        return _Flow(frozenset(spread[0] | spread[1]), frozenset(), 1)
    return _Flow(frozenset(spread[0]), frozenset(spread[1]), cluster)


def _mapspace(flow: _Flow) -> Constraints:
    """PEs spread over a dataflow's dimensions and no others; groups are free."""
    across, down = flow.outside & {*CONVOLUTION}, flow.inside & {*CONVOLUTION}
    spatial = only(*across, *down)
    return Constraints(
        levels=(LevelConstraints(level="l2", spatial=spatial, spatial_x=across, spatial_y=down),)
    )
