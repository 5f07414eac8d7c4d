"""Which resource an operation's latency waits for, once its mapping is chosen."""

from hwmodels.accelerate import kernel
from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.chip import array_work, c_steps, k_steps, m_steps
from hwmodels.kernels.two_level.layout import SYSTOLIC, UNROLLED, Plane, distinct_inputs
from hwmodels.kernels.two_level.terms import Terms

COMPUTE = 0
WEIGHT_PORT = 1
INPUT_PORT = 2
OUTPUT_PORT = 3
SHARED_PORT = 4
MAIN_MEMORY = 5
VECTOR = 6
FRONT_END = 7


@kernel
def on_chip_bound(terms: Terms, plane: Plane, tiles: TileTable, i: int, choice: tuple[int, int, int]) -> int:
    """Name the slowest of the array and the buffer ports for nest `i` under tiles `choice` = (k, c, m)."""
    ki, ci, mi = choice
    n_k, n_c = float(tiles.k_tiles[i, ki]), float(tiles.c_tiles[i, ci])
    full, rest = float(tiles.m_full[i, mi]), float(tiles.m_rest[i, mi])
    extents = (tiles.m_n[i, mi], tiles.m_p[i, mi], tiles.m_q[i, mi])
    m_size, m_rest_size = float(tiles.m_size[i, mi]), float(tiles.m_rest_size[i, mi])
    folded = (
        k_steps(terms, n_k, float(tiles.k_size[i, ki]), float(tiles.k_rest_size[i, ki])),
        c_steps(terms, n_c, float(tiles.c_size[i, ci]), float(tiles.c_rest_size[i, ci])),
        m_steps(terms, plane, full, m_size, rest, m_rest_size, extents),
    )
    turns = (n_k, n_c, full + rest)
    distinct = 1.0 if terms.interconnect == SYSTOLIC else 1.0 / terms.window
    if terms.interconnect == UNROLLED:
        distinct = distinct_inputs(plane, extents[1], extents[2])
    cycles, weight_passes, input_passes, sum_passes = array_work(terms, turns, folded, distinct)
    weight_s = terms.all_k * terms.reduction * weight_passes * terms.weight_port_s
    input_s = terms.positions * terms.reduction * input_passes * terms.input_port_s
    output_s = terms.positions * terms.all_k * (2.0 * sum_passes - 1.0) * terms.output_port_s

    bound = FRONT_END if terms.front_end == 1 else COMPUTE
    slowest = cycles * terms.cycle_s
    shared_s = 0.0
    for port in range(WEIGHT_PORT, SHARED_PORT):
        if port == WEIGHT_PORT:
            port_s, own = weight_s, terms.weight_cap > 0.0
        elif port == INPUT_PORT:
            port_s, own = input_s, terms.input_cap > 0.0
        else:
            port_s, own = output_s, terms.output_cap > 0.0
        if not own:
            shared_s += port_s
        elif port_s > slowest:
            slowest, bound = port_s, port
    return SHARED_PORT if shared_s > slowest else bound
